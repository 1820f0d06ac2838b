from django.urls import path

from apps.songs import api

urlpatterns = [path("", api.Songs.as_view(), name="songs")]
