"""Addresses of what lies beside a video: one for each kind, wherever the video has one."""

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from django.http import HttpResponseBase
from django.urls import URLPattern, path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request

from apps.media import sidecars
from apps.media.sidecars import Sidecar, sidecar_of
from apps.media.storage import StoredFile
from apps.media.streaming import FileView, file_response
from config.documentation import NOT_MODIFIED, PROBLEMS

WORDS = {
    sidecars.TIMELINE: "Its beats, counts and moves, with their times in seconds.",
    sidecars.CAPTIONS: "The counts and the names of the moves, as a WebVTT track of captions.",
    sidecars.CHAPTERS: "The moves, as a WebVTT track of chapters.",
    sidecars.PICTURE: "One picture that stands for the video.",
}
BODIES: dict[Sidecar, Any] = {sidecars.TIMELINE: OpenApiTypes.OBJECT, sidecars.PICTURE: OpenApiTypes.BINARY}


class SidecarView(FileView):
    """The sidecar of a video that the client may see; 404 if the video was made without."""

    sidecar: ClassVar[Sidecar]

    def respond(self, request: Request, video: StoredFile) -> HttpResponseBase:
        found = sidecar_of(video, self.sidecar)
        told = {"Content-Disposition": "inline"}
        return file_response(request, found, media_type=self.sidecar.media_type, told=told)


View = TypeVar("View", bound=SidecarView)


def sidecar_paths(
    route: str, view: type[View], name: str, *, kinds: Iterable[Sidecar] = sidecars.SERVED, **declared: Any
) -> list[URLPattern]:
    """Return an address for each kind below ``route``; ``view`` says what is asked and who may.

    ``declared`` is said of each in the OpenAPI document: its ``responses`` besides those of a file, and its ``auth``.
    """
    return [
        path(f"{route}/{sidecar.kind}", _of_kind(view, sidecar, **declared).as_view(), name=f"{name}-{sidecar.kind}")
        for sidecar in kinds
    ]


def _of_kind(view: type[View], sidecar: Sidecar, *, responses: dict[int, Any], **declared: Any) -> type[View]:
    kind = type(sidecar.kind.capitalize() + view.__name__, (view,), {"sidecar": sidecar})
    media_type = sidecar.media_type.partition(";")[0]
    answers: dict[Any, Any] = {(200, media_type): BODIES.get(sidecar, OpenApiTypes.STR), 304: NOT_MODIFIED}
    answers |= {(206, media_type): OpenApiTypes.BINARY, 416: PROBLEMS} | responses
    described = extend_schema(responses=answers, description=WORDS[sidecar], **declared)
    return extend_schema_view(get=described)(kind)
