"""/api/choreography"""

from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.choreography import selectors, services
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.media.streaming import VideoView
from config.documentation import PROBLEMS, VIDEO


class Wishes(serializers.Serializer):
    song = serializers.CharField(max_length=255, help_text="name of a song in /api/songs")
    difficulty = serializers.ChoiceField(SavedChoreography.Difficulty.choices)
    energy = serializers.ChoiceField(["low", "medium", "high"], required=False, allow_null=True)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False, help_text="another dance")
    auto_save = serializers.BooleanField(required=False, help_text="keep it in the collection; default true")


class TaskOut(serializers.ModelSerializer):
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


class Generate(APIView):
    @extend_schema(request=Wishes, responses={202: TaskOut, 400: PROBLEMS, 401: PROBLEMS, 404: PROBLEMS})
    def post(self, request: Request) -> Response:
        """Start a choreography; Location is the task to follow."""
        wishes = Wishes(data=request.data)
        wishes.is_valid(raise_exception=True)
        task = services.start_generation(user=request.user, **wishes.validated_data)
        location = reverse("api:task", args=[task.pk])
        return Response(TaskOut(task).data, status=status.HTTP_202_ACCEPTED, headers={"Location": location})


class Tasks(ListAPIView):
    """Your generations, newest first."""

    serializer_class = TaskOut
    queryset = ChoreographyTask.objects.none()

    def get_queryset(self):
        return selectors.tasks_of(self.request.user)


class Task(APIView):
    @extend_schema(responses={200: TaskOut, 401: PROBLEMS, 404: PROBLEMS})
    def get(self, request: Request, task_id: str) -> Response:
        """How far a generation is."""
        return Response(TaskOut(selectors.task_of(request.user, task_id)).data)


class TaskVideo(VideoView):
    @extend_schema(responses=VIDEO)
    def get(self, request: Request, task_id: str) -> HttpResponseBase:
        """The finished video, whole or by range."""
        task = selectors.task_of(request.user, task_id)
        return self.respond(request, selectors.video_of(task))
