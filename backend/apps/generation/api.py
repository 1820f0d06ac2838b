"""/api/choreography"""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_serializer
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.choreography import selectors
from apps.choreography.models import ChoreographyTask, TaskOfPhase1
from apps.collections.models import SavedChoreography
from apps.generation import services
from apps.media.streaming import VideoView
from config.documentation import PROBLEMS, VIDEO
from config.errors import InvalidError
from config.inputs import Input

LONGEST_KEY = 255


@extend_schema_serializer(component_name="Wishes")
class GenerationRequest(Input):
    song = serializers.CharField(max_length=255, help_text="name of a song in /api/songs")
    difficulty = serializers.ChoiceField(SavedChoreography.Difficulty.choices)
    energy = serializers.ChoiceField(["low", "medium", "high"], required=False, allow_null=True)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False, help_text="another dance")
    auto_save = serializers.BooleanField(required=False, help_text="keep it in the collection; default true")


class TaskOut(serializers.ModelSerializer[ChoreographyTask]):
    task_id = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(TaskOfPhase1.Status.choices, source="told_status", read_only=True)
    progress = serializers.IntegerField(read_only=True)
    video = serializers.SerializerMethodField()

    class Meta:
        model = ChoreographyTask
        fields = (
            "task_id",
            "status",
            "progress",
            "stage",
            "message",
            "result",
            "error",
            "job_execution_name",
            "created_at",
            "updated_at",
            "video",
        )
        read_only_fields = fields

    def get_video(self, task: ChoreographyTask) -> str | None:
        completed = task.status == ChoreographyTask.Status.COMPLETED
        return reverse("api:task-video", args=[task.pk]) if completed else None


class Cancelled(serializers.Serializer[Any]):
    message = serializers.CharField()
    task_id = serializers.CharField()
    previous_status = serializers.CharField()


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description=f"Any text of at most {LONGEST_KEY} characters. Sent again with the same wishes, it is the same task.",
)


class GenerateView(APIView):
    @extend_schema(
        request=GenerationRequest,
        parameters=[IDEMPOTENCY_KEY],
        responses={
            200: OpenApiResponse(TaskOut, description="the task that this Idempotency-Key started before"),
            202: TaskOut,
            400: PROBLEMS,
            401: PROBLEMS,
            404: PROBLEMS,
            409: PROBLEMS,
            410: PROBLEMS,
            429: PROBLEMS,
        },
    )
    def post(self, request: MemberApiRequest) -> Response:
        """Start a choreography; Location is the task to follow."""
        wishes = GenerationRequest(data=request.data)
        wishes.is_valid(raise_exception=True)
        task, is_new = _start(request, wishes.validated_data)
        location = reverse("api:task", args=[task.pk])
        answer = status.HTTP_202_ACCEPTED if is_new else status.HTTP_200_OK
        return Response(TaskOut(task).data, status=answer, headers={"Location": location})


def _start(request: MemberApiRequest, wishes: dict[str, Any]) -> tuple[ChoreographyTask, bool]:
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
        return Response(TaskOut(selectors.task_of(request.user, task_id)).data)

    @extend_schema(responses={200: Cancelled, 401: PROBLEMS, 404: PROBLEMS, 410: PROBLEMS})
    def delete(self, request: MemberApiRequest, task_id: str) -> Response:
        """Cancel a generation; a finished one is forgotten, and what was saved stays."""
        return _cancel(request, task_id)


class TaskCancelView(APIView):
    @extend_schema(request=None, responses={200: Cancelled, 401: PROBLEMS, 404: PROBLEMS, 410: PROBLEMS})
    def post(self, request: MemberApiRequest, task_id: str) -> Response:
        """Cancel a generation, for clients that cannot send DELETE."""
        return _cancel(request, task_id)


def _cancel(request: MemberApiRequest, task_id: str) -> Response:
    previous = services.cancel_generation(user=request.user, task_id=task_id)
    return Response({"message": "Task cancelled", "task_id": task_id, "previous_status": previous})


class TaskVideoView(VideoView):
    @extend_schema(responses=VIDEO)
    def get(self, request: MemberApiRequest, task_id: str) -> HttpResponseBase:
        """The finished video, whole or by range."""
        task = selectors.task_of(request.user, task_id)
        return self.respond(request, selectors.video_of(task))
