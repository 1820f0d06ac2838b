from django.urls import path

from apps.departures import api

urlpatterns = [
    path("", api.AccountDeletionView.as_view(), name="account-deletion"),
]
