from django.urls import path

from apps.songs import api

urlpatterns = [path("", api.SongsView.as_view(), name="songs")]
