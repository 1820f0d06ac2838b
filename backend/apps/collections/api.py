"""/api/collections"""

import uuid
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.generics import ListAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.collections import selectors, services
from apps.collections.models import SavedChoreography
from apps.collections.pages import page_of
from apps.labels.selectors import LabelsOfOne, labels_by_choreography
from apps.media.streaming import VideoView
from config.addresses import address_of
from config.conditions import IF_MATCH, takes_if_match
from config.documentation import PROBLEMS, VIDEO
from config.inputs import Input, Parameters
from config.outputs import Output


class ChoreographyOut(Output, serializers.ModelSerializer[SavedChoreography]):
    duration = serializers.FloatField(allow_null=True, help_text="seconds; null where an old row holds no number")
    video = serializers.SerializerMethodField()
    picture = serializers.SerializerMethodField()
    tags = serializers.SerializerMethodField()
    category = serializers.SerializerMethodField()

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
            "picture",
            "tags",
            "category",
        )
        read_only_fields = fields

    def get_video(self, choreography: SavedChoreography) -> str:
        return address_of("api:choreography-video", choreography.pk)

    def get_picture(self, choreography: SavedChoreography) -> str | None:
        return address_of("api:choreography-picture", choreography.pk) if choreography.thumbnail_path else None

    def get_tags(self, choreography: SavedChoreography) -> list[str]:
        return self._labels(choreography).tags

    def get_category(self, choreography: SavedChoreography) -> str | None:
        return self._labels(choreography).category

    def _labels(self, choreography: SavedChoreography) -> LabelsOfOne:
        labels: dict[uuid.UUID, LabelsOfOne] = self.context["labels"]
        return labels[choreography.pk]


def shown(choreographies: list[SavedChoreography]) -> list[Any]:
    """Return how these are shown, with the labels of all of them looked up at once."""
    labels = labels_by_choreography(row.pk for row in choreographies)
    return list(ChoreographyOut(choreographies, many=True, context={"labels": labels}).data)


class Keep(Input):
    task_id = serializers.CharField(max_length=36, help_text="a completed task of yours")
    title = serializers.CharField(max_length=200, required=False, help_text="default: the song's")
    difficulty = serializers.ChoiceField(SavedChoreography.Difficulty.choices, required=False)


class Change(Input):
    title = serializers.CharField(max_length=200)
    difficulty = serializers.ChoiceField(SavedChoreography.Difficulty.choices)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=200),
        max_length=100,
        help_text="all of them; what is not named is removed",
    )
    category = serializers.CharField(max_length=200, allow_blank=True, help_text="a new one is made; empty: none")


class Wanted(Parameters):
    difficulty = serializers.ChoiceField(SavedChoreography.Difficulty.choices, required=False, allow_blank=True)
    search = serializers.CharField(required=False, allow_blank=True, help_text="in the title and in music_info")
    sort = serializers.ChoiceField(list(selectors.SORTS), required=False, help_text="default: newest; not with q")
    q = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="words of title and song, the best matches first"
    )
    tag = serializers.CharField(required=False, allow_blank=True, max_length=200)
    category = serializers.CharField(required=False, allow_blank=True, max_length=200)


class Stats(Output):
    total_count = serializers.IntegerField()
    total_duration = serializers.FloatField(help_text="seconds; invalid lengths are left out")
    avg_duration = serializers.FloatField(help_text="seconds")
    beginner_count = serializers.IntegerField()
    intermediate_count = serializers.IntegerField()
    advanced_count = serializers.IntegerField()


class ChoreographiesView(ListAPIView[SavedChoreography]):
    serializer_class = ChoreographyOut
    queryset = SavedChoreography.objects.none()

    @extend_schema(parameters=[Wanted], responses={200: ChoreographyOut(many=True), 400: PROBLEMS, 401: PROBLEMS})
    def get(self, request: MemberApiRequest) -> Response:  # type: ignore[override]  # only members get here
        """Your collection, newest first unless you search or ask for another order. A cursor is valid for one order."""
        wanted = Wanted(data=request.query_params.dict())  # a sort that is empty is no sort
        wanted.is_valid(raise_exception=True)
        page = page_of(request.user, request, wanted.validated_data)
        return Response({"next": page.next, "previous": page.previous, "results": shown(page.rows)})

    @extend_schema(
        request=Keep,
        responses={
            201: ChoreographyOut,
            200: ChoreographyOut,
            400: PROBLEMS,
            401: PROBLEMS,
            404: PROBLEMS,
            409: PROBLEMS,
            410: PROBLEMS,
        },
    )
    def post(self, request: MemberApiRequest) -> Response:
        """Keep a finished task's video. A second time answers 200 with the choreography that was kept."""
        form = Keep(data=request.data)
        form.is_valid(raise_exception=True)
        saved, created = services.save_choreography(user=request.user, **form.validated_data)
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        location = address_of("api:choreography", saved.pk)
        return Response(shown([saved])[0], status=code, headers={"Location": location})


class ChoreographyView(APIView):
    @extend_schema(responses={200: ChoreographyOut, 401: PROBLEMS, 404: PROBLEMS})
    def get(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """One of your choreographies."""
        return Response(shown([selectors.choreography_of(request.user, choreography_id)])[0])

    @extend_schema(
        request=Change(partial=True),
        parameters=[IF_MATCH],
        responses={200: ChoreographyOut, 400: PROBLEMS, 401: PROBLEMS, 404: PROBLEMS, 409: PROBLEMS},
    )
    @takes_if_match(services.hold_choreography)
    def patch(self, request: MemberApiRequest, choreography_id: uuid.UUID) -> Response:
        """Change its title, level, tags or category; what is not given stays."""
        form = Change(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        changed = services.change_choreography(
            user=request.user, choreography_id=choreography_id, **form.validated_data
        )
        return Response(shown([changed])[0])

    @extend_schema(parameters=[IF_MATCH], responses={204: None, 401: PROBLEMS, 404: PROBLEMS})
    @takes_if_match(services.hold_choreography)
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
