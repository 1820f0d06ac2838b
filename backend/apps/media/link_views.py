"""Make a link to a video that plays without a login, and play it."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from apps.media.links import LIFE, MediaLink, is_of, is_valid, make_link
from apps.media.secrecy import keep_secret
from apps.media.storage import StoredFile
from apps.media.streaming import VideoView
from config.errors import NotFoundError
from config.inputs import Parameters
from config.outputs import Output

NO_LOGIN: Any = [{}]  # extend_schema is typed for names alone
LONGEST_SIGNATURE = 100
# The year 9999; a date of Python goes no further.
LATEST = 253402300799
MINUTES = int(LIFE.total_seconds() // 60)


class MediaLinkOut(Output):
    url = serializers.CharField(help_text="plays without a login; who has it sees the video")
    expires_at = serializers.DateTimeField(help_text=f"{MINUTES} minutes from now")


class MediaLinkIn(Parameters):
    expires = serializers.IntegerField(min_value=0, max_value=LATEST)
    file = serializers.CharField(max_length=LONGEST_SIGNATURE)
    signature = serializers.CharField(max_length=LONGEST_SIGNATURE)


def link_response(request: Request, address: str, file: StoredFile, owner: AbstractBaseUser) -> Response:
    """Return a new link to this file, which ``address`` plays."""
    link = make_link(address, file, owner)
    url = request.build_absolute_uri(f"{address}?{link.query}")
    told = MediaLinkOut({"url": url, "expires_at": link.expires_at}).data
    return Response(told, status=status.HTTP_201_CREATED, headers={"Location": f"{address}?{link.query}"})


class LinkedVideoView(VideoView):
    """A video for those who have a link to it. Every link that is not valid gets the same answer."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        return keep_secret(super().finalize_response(request, response, *args, **kwargs))

    def play(
        self,
        request: Request,
        address: str,
        owner: AbstractBaseUser | None,
        find: Callable[[], StoredFile | None],
        *,
        title: str = "",
    ) -> HttpResponseBase:
        """Return the video of this owner, if the request's link was made for it."""
        link = _link_of(request)
        is_welcome = link is not None and owner is not None and is_valid(link, address, owner)
        file = find() if is_welcome else None
        if link is None or file is None or not is_of(link, file):
            message = "This link has ended, or it is of another video. Ask for a new one."
            raise NotFoundError(message, code="link-ended")
        return self.respond(request, file, title=title)


def _link_of(request: Request) -> MediaLink | None:
    asked = MediaLinkIn(data=request.query_params)
    return MediaLink(**asked.validated_data) if asked.is_valid() else None


LINK_PARAMETERS = [
    OpenApiParameter("expires", int, required=True, description="as the link has it"),
    OpenApiParameter("file", str, required=True, description="as the link has it"),
    OpenApiParameter("signature", str, required=True, description="as the link has it"),
]
