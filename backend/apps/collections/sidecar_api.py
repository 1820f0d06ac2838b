"""/api/collections/ID/timeline, captions, chapters and picture"""

import uuid

from django.http import HttpResponseBase
from rest_framework.request import Request

from apps.authentication.requests import MemberApiRequest
from apps.collections import selectors
from apps.collections.models import SavedChoreography
from apps.media.pictures import picture_response
from apps.media.sidecar_views import SidecarView
from apps.media.sidecars import PICTURE


class SidecarOfChoreography(SidecarView):
    """The sidecar of a choreography, for those who may see its video."""

    def of_choreography(self, request: Request, choreography: SavedChoreography) -> HttpResponseBase:
        if self.sidecar is PICTURE:
            return picture_response(request, selectors.picture_of(choreography))
        return self.respond(request, selectors.video_of(choreography))


class ChoreographySidecarView(SidecarOfChoreography):
    def get(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> HttpResponseBase:
        return self.of_choreography(request, selectors.choreography_of(request.user, choreography_id))
