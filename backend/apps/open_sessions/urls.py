from django.urls import path

from apps.open_sessions import api

urlpatterns = [
    path("", api.SessionsView.as_view(), name="sessions"),
    path("/<int:session_id>", api.SessionView.as_view(), name="session"),
]
