"""Every address of the backend. Only those that the original has too end in a slash."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from config.documentation import rendered_once

SCHEMA_RENDERERS = [rendered_once(kind) for kind in SpectacularAPIView.renderer_classes]

api: list[URLPattern | URLResolver] = [
    path("auth/", include("apps.authentication.urls")),
    path("auth/events", include("apps.events.urls")),
    path("auth/me/delete", include("apps.departures.urls")),
    path("auth/sessions", include("apps.open_sessions.urls")),
    path("auth/tokens", include("apps.tokens.urls")),
    path("songs", include("apps.songs.urls")),
    # Before the tasks, whose ids may hold a slash.
    path("choreography/", include("apps.following.urls")),
    path("choreography/", include("apps.generation.urls")),
    path("collections", include("apps.collections.urls")),
    path("", include("apps.sharing.urls")),
    path("moves", include("apps.moves.urls")),
    path("webhooks", include("apps.webhooks.urls")),
    path("", include("apps.monitoring.api_urls")),
    path("schema", SpectacularAPIView.as_view(renderer_classes=SCHEMA_RENDERERS), name="schema"),
]

urlpatterns = [
    path("api/", include((api, "api"))),
    path("", include("apps.monitoring.urls")),
    path("", include("web.urls")),
    path("", include("original_addresses.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "config.problems.bad_request"
handler403 = "config.problems.forbidden"
handler404 = "config.problems.not_found"
handler500 = "config.problems.server_error"
