from django.urls import path

from apps.events import api

urlpatterns = [path("", api.EventsView.as_view(), name="events")]
