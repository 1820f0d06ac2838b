"""Every address of the original."""

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.http import require_GET


@require_GET
def health(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - a view takes the request
    return JsonResponse({"status": "healthy", "service": "original"})


urlpatterns = [
    path("health", health),
    path("admin/", admin.site.urls),
    path("auth/", include("users.urls")),
    path("", include("choreography.urls")),
]
