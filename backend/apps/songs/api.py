"""/api/songs"""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.songs import selectors, services
from config.bodies import takes_file
from config.documentation import PROBLEMS
from config.inputs import Input


class SongOut(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="what /api/choreography/generate takes")
    title = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")
    duration_s = serializers.FloatField(allow_null=True, help_text="null if it was not uploaded here")
    added_at = serializers.DateTimeField()
    mine = serializers.SerializerMethodField()

    def get_mine(self, song: selectors.SongFile) -> bool:
        request: MemberApiRequest = self.context["request"]
        return song.uploaded_by_id == request.user.pk


class Upload(Input):
    is_form = True
    file = serializers.FileField(allow_empty_file=True)


@takes_file(services.size_limit_bytes)
class SongsView(APIView):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        responses={200: inline_serializer("SongList", {"results": SongOut(many=True)}), 401: PROBLEMS},
    )
    def get(self, request: MemberApiRequest) -> Response:
        """Every song there is, by title."""
        results = SongOut(selectors.songs(), many=True, context={"request": request})
        return Response({"results": results.data})

    @extend_schema(
        request={
            "multipart/form-data": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
        },
        responses={201: SongOut, 200: SongOut, 400: PROBLEMS, 401: PROBLEMS, 409: PROBLEMS, 413: PROBLEMS},
    )
    def post(self, request: MemberApiRequest) -> Response:
        """Upload an mp3. The same content again answers 200 with the song that is there."""
        form = Upload(data=request.data)
        form.is_valid(raise_exception=True)
        song, created = services.add_song(upload=form.validated_data["file"], uploaded_by=request.user)
        body = SongOut(song, context={"request": request}).data
        return Response(body, status=status.HTTP_201_CREATED if created else status.HTTP_200_OK)
