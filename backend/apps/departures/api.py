"""/api/auth/me/delete"""

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.departures.services import delete_account
from config.documentation import PROBLEMS, SESSION_ONLY
from config.inputs import Input


class Departure(Input):
    password = serializers.CharField(max_length=4096, trim_whitespace=False, write_only=True)


class AccountDeletionView(APIView):
    @extend_schema(
        auth=SESSION_ONLY,
        request=Departure,
        examples=[OpenApiExample("own password", {"password": "bailamos"}, request_only=True)],
        responses={204: None, 400: PROBLEMS, 401: PROBLEMS, 403: PROBLEMS, 409: PROBLEMS, 429: PROBLEMS},
    )
    def post(self, request: MemberApiRequest) -> Response:
        """Delete your account for ever, with its choreographies, songs, sessions, tokens and files."""
        form = Departure(data=request.data)
        form.is_valid(raise_exception=True)
        delete_account(request=request, user=request.user, **form.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)
