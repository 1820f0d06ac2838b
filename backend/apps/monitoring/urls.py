from django.urls import path

from apps.monitoring.health import health
from apps.monitoring.readiness import ready

urlpatterns = [
    path("health", health, name="health"),
    path("ready", ready, name="ready"),
]
