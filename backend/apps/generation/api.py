"""/api/choreography"""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.choreography import selectors
from apps.choreography.models import ChoreographyTask
from apps.generation import services
from apps.generation.swaps import swap_wishes
from apps.generation.wishes import Cancelled, GenerationRequest, SwapRequest, TaskOut
from apps.media.streaming import VideoView
from apps.quotas.limits import waiting_left
from config.conditions import IF_MATCH, READING, is_known, not_modified, poll_again, tag_of, takes_if_match
from config.documentation import PROBLEMS, VIDEO
from config.errors import InvalidError
from config.problems import rate_limit

LONGEST_KEY = 255
# After so many seconds a client that polls is mostly told something new.
POLL_S: dict[str, int] = {ChoreographyTask.Status.STARTED: 5, ChoreographyTask.Status.RUNNING: 2}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description=f"Any text of at most {LONGEST_KEY} characters. Sent again with the same wishes, it is the same task.",
)
RATE_LIMIT = [
    OpenApiParameter(name, location=OpenApiParameter.HEADER, response=[200, 202, 429], description=description)
    for name, description in (
        ("RateLimit-Policy", "How many tasks of a user may wait, as draft-ietf-httpapi-ratelimit-headers says it."),
        ("RateLimit", "How many more may, and in how many seconds it is worth another try."),
    )
]
STARTED: dict[Any, Any] = {
    200: OpenApiResponse(TaskOut, description="the task that this Idempotency-Key started before"),
    202: TaskOut,
    400: PROBLEMS,
    401: PROBLEMS,
    404: PROBLEMS,
    409: PROBLEMS,
    410: PROBLEMS,
    429: PROBLEMS,
}


class GenerateView(APIView):
    @extend_schema(request=GenerationRequest, parameters=[IDEMPOTENCY_KEY, *RATE_LIMIT], responses=STARTED)
    def post(self, request: MemberApiRequest) -> Response:
        """Start a choreography; Location is the task to follow."""
        wishes = GenerationRequest(data=request.data)
        wishes.is_valid(raise_exception=True)
        return _start(request, wishes.validated_data)


class TaskSwapView(APIView):
    @extend_schema(request=SwapRequest, parameters=[IDEMPOTENCY_KEY, *RATE_LIMIT], responses=STARTED)
    def post(self, request: MemberApiRequest, task_id: str) -> Response:
        """Start a choreography that is this one with another move in the place of one; all others stay."""
        swap = SwapRequest(data=request.data)
        swap.is_valid(raise_exception=True)
        wishes = swap_wishes(user=request.user, task_id=task_id, **swap.validated_data)
        return _start(request, wishes)


def _start(request: MemberApiRequest, wishes: dict[str, Any]) -> Response:
    task, is_new = _started(request, wishes)
    headers = {"Location": reverse("api:task", args=[task.pk])} | rate_limit(*waiting_left(request.user))
    answer = status.HTTP_202_ACCEPTED if is_new else status.HTTP_200_OK
    return Response(TaskOut(task).data, status=answer, headers=headers)


def _started(request: MemberApiRequest, wishes: dict[str, Any]) -> tuple[ChoreographyTask, bool]:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return services.start_generation(user=request.user, **wishes), True
    if not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        message = f"An Idempotency-Key is a text of 1 to {LONGEST_KEY} printable characters."
        raise InvalidError(message, code="idempotency-key", errors={"Idempotency-Key": [message]})
    return services.start_generation_once(user=request.user, idempotency_key=key, **wishes)


class TasksView(ListAPIView[ChoreographyTask]):
    """Your generations, newest first."""

    serializer_class = TaskOut
    queryset = ChoreographyTask.objects.none()
    request: MemberApiRequest

    def get_queryset(self) -> QuerySet[ChoreographyTask]:
        # The key too, in the same direction: then a page costs the same wherever it is.
        return selectors.tasks_of(self.request.user).order_by("-created_at", "-pk")

    def paginate_queryset(self, queryset: Any) -> list[Any]:
        return selectors.shown_as_their_jobs(list(super().paginate_queryset(queryset) or []))


class TaskView(APIView):
    @extend_schema(responses={200: TaskOut, 401: PROBLEMS, 404: PROBLEMS, 410: PROBLEMS})
    def get(self, request: MemberApiRequest, task_id: str) -> Response:
        """How far a generation is. Cancelled: 410 for a day."""
        if "If-None-Match" in request.headers and request.method in READING:
            version, status_now = selectors.version_if_known(request.user, task_id)
            if version and is_known(request, _tag_of(version)):
                return not_modified(_tag_of(version), poll_again(POLL_S.get(status_now)))
        task = selectors.task_of(request.user, task_id)
        version, headers = selectors.version_of(task), poll_again(POLL_S.get(task.status))
        return Response(TaskOut(task).data, headers=headers | ({"ETag": _tag_of(version)} if version else {}))

    @extend_schema(
        parameters=[IF_MATCH], responses={200: Cancelled, 401: PROBLEMS, 404: PROBLEMS, 409: PROBLEMS, 410: PROBLEMS}
    )
    @takes_if_match(selectors.hold_task)
    def delete(self, request: MemberApiRequest, task_id: str) -> Response:
        """Cancel a generation. A finished one cannot be cancelled: 409, and nothing is lost."""
        return _cancel(request, task_id)


class TaskCancelView(APIView):
    @extend_schema(request=None, responses={200: Cancelled, 401: PROBLEMS, 404: PROBLEMS, 409: PROBLEMS, 410: PROBLEMS})
    def post(self, request: MemberApiRequest, task_id: str) -> Response:
        """Cancel a generation, for clients that cannot send DELETE."""
        return _cancel(request, task_id)


class TaskForgetView(APIView):
    @extend_schema(request=None, responses={200: Cancelled, 401: PROBLEMS, 404: PROBLEMS, 409: PROBLEMS, 410: PROBLEMS})
    def post(self, request: MemberApiRequest, task_id: str) -> Response:
        """Delete a finished generation and its video; what is in the collection stays, with its video."""
        previous = services.forget_generation(user=request.user, task_id=task_id)
        return Response({"message": "Task deleted", "task_id": task_id, "previous_status": previous})


def _tag_of(version: str) -> str:
    """Return the ETag of a task; another one, too, when tasks are told in other fields."""
    return tag_of(f"{TaskOut.Meta.fields} {version}".encode())


def _cancel(request: MemberApiRequest, task_id: str) -> Response:
    previous = services.cancel_generation(user=request.user, task_id=task_id)
    return Response({"message": "Task cancelled", "task_id": task_id, "previous_status": previous})


class TaskVideoView(VideoView):
    @extend_schema(responses=VIDEO | {409: PROBLEMS, 410: PROBLEMS})
    def get(self, request: MemberApiRequest, task_id: str) -> HttpResponseBase:
        """The finished video, whole or by range."""
        task = selectors.task_of(request.user, task_id)
        return self.respond(request, selectors.video_of(task))
