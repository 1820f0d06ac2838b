"""/api/collections/ID/video/link and /api/collections/ID/video/linked"""

import uuid
from functools import partial

from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.collections import selectors
from apps.media.link_views import LINK_PARAMETERS, NO_LOGIN, LinkedVideoView, MediaLinkOut, link_response
from config.documentation import PROBLEMS, VIDEO


class ChoreographyLinkView(APIView):
    @extend_schema(request=None, responses={201: MediaLinkOut, 401: PROBLEMS, 403: PROBLEMS, 404: PROBLEMS})
    def post(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Make an address of its video that plays without a login, for a while."""
        choreography = selectors.choreography_of(request.user, choreography_id)
        return link_response(request, _address(choreography_id), selectors.video_of(choreography), request.user)


class LinkedChoreographyView(LinkedVideoView):
    @extend_schema(auth=NO_LOGIN, parameters=LINK_PARAMETERS, responses=VIDEO)
    def get(self, request: Request, choreography_id: uuid.UUID) -> HttpResponseBase:
        """Its video, whole or by range, for those who have a link to it."""
        choreography = selectors.choreography_of_a_living_user(choreography_id)
        if choreography is None:
            return self.play(request, _address(choreography_id), None, lambda: None)
        video = partial(selectors.video_or_none, choreography)
        return self.play(request, _address(choreography_id), choreography.user, video, title=choreography.title)


def _address(choreography_id: uuid.UUID) -> str:
    return reverse("api:choreography-video-linked", args=[choreography_id])
