"""/api/moves"""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.moves import selectors
from bachateo.moves import DIFFICULTIES, ENERGY_LEVELS
from config.documentation import PROBLEMS
from config.inputs import Parameters
from config.outputs import Output


class MoveOut(Output):
    clip_id = serializers.CharField()
    label = serializers.CharField(  # type: ignore[assignment]  # the stubs mean Field.label
        source="move_label", help_text="what is danced; several clips may show one move"
    )
    difficulty = serializers.CharField()
    energy = serializers.CharField(source="energy_level")
    roles = serializers.CharField(source="lead_follow_roles", help_text="who dances")
    role = serializers.CharField(allow_null=True, help_text="intro opens a choreography, outro closes it")
    tempo_bpm = serializers.FloatField(source="estimated_tempo", help_text="in the clip")
    eight_counts = serializers.IntegerField(help_text="how long it is")
    quality = serializers.FloatField(source="quality_score", help_text="0 to 1")


class MoveFilter(Parameters):
    difficulty = serializers.ChoiceField(DIFFICULTIES, required=False, allow_blank=True)
    energy = serializers.ChoiceField(ENERGY_LEVELS, required=False, allow_blank=True)
    label = serializers.CharField(required=False, allow_blank=True)  # type: ignore[assignment]  # as above
    tempo_min = serializers.FloatField(required=False, help_text="beats per minute")
    tempo_max = serializers.FloatField(required=False, help_text="beats per minute")


class MovesView(APIView):
    @extend_schema(
        parameters=[MoveFilter],
        responses={
            200: inline_serializer("MoveList", {"results": MoveOut(many=True)}),
            400: PROBLEMS,
            401: PROBLEMS,
            503: PROBLEMS,
        },
    )
    def get(self, request: Request) -> Response:
        """The moves that choreographies are made of."""
        asked = MoveFilter(data=request.query_params)
        asked.is_valid(raise_exception=True)
        found = selectors.moves(**asked.validated_data)
        return Response({"results": MoveOut(found, many=True).data})


class MoveView(APIView):
    @extend_schema(responses={200: MoveOut, 401: PROBLEMS, 404: PROBLEMS, 503: PROBLEMS})
    def get(self, _request: Request, clip_id: str) -> Response:
        """One move."""
        return Response(MoveOut(selectors.move_of(clip_id)).data)
