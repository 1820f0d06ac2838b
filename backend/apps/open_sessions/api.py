"""/api/auth/sessions"""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.open_sessions import services
from apps.open_sessions.models import OpenSession
from config.documentation import PROBLEMS, SESSION_ONLY
from config.outputs import Output


class SessionOut(Output, serializers.ModelSerializer[OpenSession]):
    current = serializers.SerializerMethodField(help_text="the one that asks")

    class Meta:
        model = OpenSession
        fields = ("id", "device", "address", "begun_at", "begun_here", "last_seen_at", "expires_at", "current")
        read_only_fields = fields

    def get_current(self, session: OpenSession) -> bool:
        return services.is_this(session, self.context["request"])


class SessionsView(APIView):
    @extend_schema(
        auth=SESSION_ONLY,
        responses={200: inline_serializer("SessionList", {"results": SessionOut(many=True)}), 401: PROBLEMS},
    )
    def get(self, request: MemberApiRequest) -> Response:
        """Your open sessions, in this system and in the original."""
        found: Any = services.sessions_of(request.user)
        return Response({"results": SessionOut(found, many=True, context={"request": request}).data})

    @extend_schema(
        auth=SESSION_ONLY,
        responses={204: None, 401: PROBLEMS, 403: PROBLEMS},
    )
    def delete(self, request: MemberApiRequest) -> Response:
        """End all your sessions but this one."""
        services.end_other_sessions(request=request, user=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionView(APIView):
    @extend_schema(auth=SESSION_ONLY, responses={204: None, 401: PROBLEMS, 403: PROBLEMS, 404: PROBLEMS})
    def delete(self, request: MemberApiRequest, session_id: int) -> Response:
        """End one session; this one, too."""
        services.end_session(request=request, user=request.user, session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
