"""/api/collections"""

import uuid
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.collections import selectors, services
from apps.collections.models import SavedChoreography
from apps.media.streaming import VideoView
from config.documentation import PROBLEMS, VIDEO


class ChoreographyOut(serializers.ModelSerializer[SavedChoreography]):
    duration = serializers.FloatField(allow_null=True, help_text="seconds; null where an old row holds no number")
    video = serializers.SerializerMethodField()

    class Meta:
        model = SavedChoreography
        fields = (
            "id",
            "title",
            "difficulty",
            "duration",
            "music_info",
            "generation_parameters",
            "created_at",
            "video",
        )
        read_only_fields = fields

    def get_video(self, choreography: SavedChoreography) -> str:
        return reverse("api:choreography-video", args=[choreography.pk])


class Keep(serializers.Serializer[Any]):
    task_id = serializers.CharField(max_length=36, help_text="a completed task of yours")
    title = serializers.CharField(max_length=200, required=False, help_text="default: the song's")
    difficulty = serializers.ChoiceField(SavedChoreography.Difficulty.choices, required=False)


class Change(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200)
    difficulty = serializers.ChoiceField(SavedChoreography.Difficulty.choices)


class Wanted(serializers.Serializer[Any]):
    difficulty = serializers.ChoiceField(SavedChoreography.Difficulty.choices, required=False, allow_blank=True)
    search = serializers.CharField(required=False, allow_blank=True, help_text="in the title and in music_info")
    sort = serializers.ChoiceField(list(selectors.SORTS), required=False, help_text="default: newest")


class Stats(serializers.Serializer[Any]):
    total_count = serializers.IntegerField()
    total_duration = serializers.FloatField(help_text="seconds; invalid lengths are left out")
    avg_duration = serializers.FloatField(help_text="seconds")
    beginner_count = serializers.IntegerField()
    intermediate_count = serializers.IntegerField()
    advanced_count = serializers.IntegerField()


class ChoreographiesView(ListAPIView[SavedChoreography]):
    serializer_class = ChoreographyOut
    queryset = SavedChoreography.objects.none()
    request: MemberApiRequest

    def get_queryset(self) -> QuerySet[SavedChoreography]:
        wanted = Wanted(data=self.request.query_params)
        wanted.is_valid(raise_exception=True)
        return selectors.choreographies_of(self.request.user, **wanted.validated_data)

    @extend_schema(parameters=[Wanted], responses={200: ChoreographyOut(many=True), 400: PROBLEMS, 401: PROBLEMS})
    def get(self, request: Request) -> Response:
        """Your collection, newest first unless another order is asked for. A cursor is valid for one order."""
        return super().get(request)

    @extend_schema(
        request=Keep,
        responses={
            201: ChoreographyOut,
            200: ChoreographyOut,
            400: PROBLEMS,
            401: PROBLEMS,
            404: PROBLEMS,
            409: PROBLEMS,
        },
    )
    def post(self, request: MemberApiRequest) -> Response:
        """Keep a finished task's video. A second time answers 200 with the choreography that was kept."""
        form = Keep(data=request.data)
        form.is_valid(raise_exception=True)
        saved, created = services.save_choreography(user=request.user, **form.validated_data)
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        location = reverse("api:choreography", args=[saved.pk])
        return Response(ChoreographyOut(saved).data, status=code, headers={"Location": location})


class ChoreographyView(APIView):
    @extend_schema(responses={200: ChoreographyOut, 401: PROBLEMS, 404: PROBLEMS})
    def get(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """One of your choreographies."""
        return Response(ChoreographyOut(selectors.choreography_of(request.user, choreography_id)).data)

    @extend_schema(
        request=Change(partial=True), responses={200: ChoreographyOut, 400: PROBLEMS, 401: PROBLEMS, 404: PROBLEMS}
    )
    def patch(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Change its title or level; what is not given stays."""
        form = Change(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        changed = services.change_choreography(
            user=request.user, choreography_id=choreography_id, **form.validated_data
        )
        return Response(ChoreographyOut(changed).data)

    @extend_schema(responses={204: None, 401: PROBLEMS, 404: PROBLEMS})
    def delete(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Delete it and its video."""
        services.delete_choreography(user=request.user, choreography_id=choreography_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class CollectionStatsView(APIView):
    @extend_schema(responses={200: Stats, 401: PROBLEMS})
    def get(self, request: MemberApiRequest) -> Response:
        """How many you have, and how long they are."""
        return Response(selectors.stats_of(request.user))


class ChoreographyVideoView(VideoView):
    @extend_schema(responses=VIDEO)
    def get(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> HttpResponseBase:
        """Its video, whole or by range."""
        choreography = selectors.choreography_of(request.user, choreography_id)
        return self.respond(request, selectors.video_of(choreography), title=choreography.title)
