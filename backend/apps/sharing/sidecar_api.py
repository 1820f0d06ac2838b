"""/api/public/ID/timeline, captions and chapters, and the same of /api/shared/LINK"""

import uuid

from django.http import HttpResponseBase
from rest_framework.request import Request

from apps.collections.sidecar_api import SidecarOfChoreography
from apps.sharing import selectors
from apps.sharing.api import OpenToAll, SecretView


class PublicSidecarView(OpenToAll, SidecarOfChoreography):
    def get(self, request: Request, choreography_id: uuid.UUID) -> HttpResponseBase:
        return self.of_choreography(request, selectors.public_share(choreography_id).choreography)


class SharedSidecarView(SecretView, SidecarOfChoreography):
    def get(self, request: Request, link: str) -> HttpResponseBase:
        return self.of_choreography(request, selectors.share_by_link(link).choreography)
