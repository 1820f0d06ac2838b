"""/api/songs"""

from django.urls import reverse
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.songs import selectors, services
from apps.songs.models import LONGEST_TITLE
from config.bodies import takes_file
from config.documentation import PROBLEMS
from config.inputs import Input
from config.outputs import Output


class SongOut(Output):
    id = serializers.CharField(help_text="what /api/choreography/generate takes as song")
    name = serializers.CharField(source="id", help_text="the same, for clients of before")
    title = serializers.CharField()
    size = serializers.IntegerField(help_text="bytes")
    duration_s = serializers.FloatField(allow_null=True, help_text="null if it was not uploaded here")
    tempo_bpm = serializers.FloatField(allow_null=True, help_text="null until a choreography of it was made")
    added_at = serializers.DateTimeField()
    is_mine = serializers.BooleanField(help_text="only you see it, and you can rename and delete it")
    mine = serializers.BooleanField(source="is_mine", help_text="the same, for clients of before")


class Upload(Input):
    is_form = True
    file = serializers.FileField(allow_empty_file=True)


class NewTitle(Input):
    title = serializers.CharField(max_length=LONGEST_TITLE)


@takes_file(services.size_limit_bytes)
class SongsView(APIView):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        responses={200: inline_serializer("SongList", {"results": SongOut(many=True)}), 401: PROBLEMS},
    )
    def get(self, request: MemberApiRequest) -> Response:
        """Your own songs, then everybody's, each by title."""
        return Response({"results": SongOut(selectors.songs_for(request.user), many=True).data})

    @extend_schema(
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}},
                "required": ["file"],
                "additionalProperties": False,
            }
        },
        responses={201: SongOut, 200: SongOut, 400: PROBLEMS, 401: PROBLEMS, 409: PROBLEMS, 413: PROBLEMS},
    )
    def post(self, request: MemberApiRequest) -> Response:
        """Upload a song: mp3, m4a, flac, ogg, opus, wav, or an mp4 for its sound. Only you see it.

        The same content again answers 200 with your song that is there.
        """
        form = Upload(data=request.data)
        form.is_valid(raise_exception=True)
        song, created = services.add_song(upload=form.validated_data["file"], user=request.user)
        answer = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return Response(SongOut(song).data, status=answer, headers={"Location": reverse("api:song", args=[song.id])})


class SongView(APIView):
    @extend_schema(responses={200: SongOut, 401: PROBLEMS, 404: PROBLEMS})
    def get(self, request: MemberApiRequest, song_id: str) -> Response:
        """One song, yours or everybody's."""
        return Response(SongOut(selectors.song_for(request.user, song_id)).data)

    @extend_schema(
        request=NewTitle(partial=True),
        responses={200: SongOut, 400: PROBLEMS, 401: PROBLEMS, 404: PROBLEMS, 409: PROBLEMS},
    )
    def patch(self, request: MemberApiRequest, song_id: str) -> Response:
        """Rename one of yours; without a title it stays. Everybody's: 409."""
        form = NewTitle(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        return Response(SongOut(services.rename_song(user=request.user, song_id=song_id, **form.validated_data)).data)

    @extend_schema(responses={204: None, 401: PROBLEMS, 404: PROBLEMS, 409: PROBLEMS})
    def delete(self, request: MemberApiRequest, song_id: str) -> Response:
        """Delete one of yours; its choreographies stay, also those in the making. Everybody's: 409."""
        services.delete_song(user=request.user, song_id=song_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
