"""/api/choreography/tasks/ID/timeline, captions, chapters and picture"""

from django.http import HttpResponseBase

from apps.authentication.requests import MemberApiRequest
from apps.choreography import selectors
from apps.media.sidecar_views import SidecarView


class TaskSidecarView(SidecarView):
    def get(self, request: MemberApiRequest, task_id: str) -> HttpResponseBase:
        return self.respond(request, selectors.video_of(selectors.task_of(request.user, task_id)))
