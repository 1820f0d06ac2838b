"""The addresses of the API. At the original's address ``/health`` also asks the database, as `handover` expects."""

from django.urls import path

from apps.monitoring.health import alive
from apps.monitoring.readiness import ready

urlpatterns = [
    path("health", alive, name="alive"),
    path("ready", ready, name="ready"),
]
