"""/api/choreography/tasks/ID/video/link and /api/choreography/tasks/ID/video/linked"""

from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.models import User
from apps.authentication.requests import MemberApiRequest
from apps.choreography import selectors
from apps.media.link_views import LINK_PARAMETERS, NO_LOGIN, LinkedVideoView, MediaLinkOut, link_response
from apps.media.storage import StoredFile
from config.documentation import PROBLEMS, VIDEO
from config.errors import ConflictError, GoneError, NotFoundError

ANSWERS = {201: MediaLinkOut} | dict.fromkeys((401, 403, 404, 409, 410), PROBLEMS)


class TaskLinkView(APIView):
    @extend_schema(request=None, responses=ANSWERS)
    def post(self, request: MemberApiRequest, task_id: str) -> Response:
        """Make an address of its video that plays without a login, for a while."""
        task = selectors.task_of(request.user, task_id)
        return link_response(request, _address(task.pk), selectors.video_of(task), request.user)


class LinkedTaskView(LinkedVideoView):
    @extend_schema(auth=NO_LOGIN, parameters=LINK_PARAMETERS, responses=VIDEO)
    def get(self, request: Request, task_id: str) -> HttpResponseBase:
        """Its video, whole or by range, for those who have a link to it."""
        owner = selectors.living_owner_of(task_id)
        return self.play(request, _address(task_id), owner, lambda: _video(owner, task_id) if owner else None)


def _video(owner: User, task_id: str) -> StoredFile | None:
    try:
        return selectors.video_of(selectors.task_of(owner, task_id))
    except (NotFoundError, GoneError, ConflictError):
        return None


def _address(task_id: str) -> str:
    return reverse("api:task-video-linked", args=[task_id])
