"""Every address of the backend. None ends in a slash."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from config.health import health

api = [
    path("auth/", include("apps.authentication.urls")),
    path("songs", include("apps.songs.urls")),
    path("choreography/", include("apps.choreography.urls")),
    path("collections", include("apps.collections.urls")),
    path("health", health, name="health"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
]

urlpatterns = [
    path("api/", include((api, "api"))),
    path("health", health),
    path("", include("web.urls")),
]

handler404 = "config.problems.not_found"
handler500 = "config.problems.server_error"
