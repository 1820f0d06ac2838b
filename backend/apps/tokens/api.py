"""/api/auth/tokens"""

from datetime import datetime, timedelta

from django.conf import settings
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.tokens import services
from apps.tokens.models import PersonalToken
from apps.tokens.scopes import SCOPES
from apps.tokens.selectors import end_of, tokens_of
from config.clock import database_now
from config.documentation import PROBLEMS, SESSION_ONLY
from config.inputs import Input
from config.outputs import Output


class TokenOut(Output, serializers.ModelSerializer[PersonalToken]):
    scopes = serializers.ListField(child=serializers.CharField())
    ended = serializers.SerializerMethodField(help_text="why it is valid no more; empty as long as it is")

    class Meta:
        model = PersonalToken
        fields: tuple[str, ...] = (
            "id",
            "name",
            "prefix",
            "scopes",
            "created_at",
            "expires_at",
            "last_used_at",
            "ended",
        )
        read_only_fields: tuple[str, ...] = fields

    def get_ended(self, token: PersonalToken) -> str:
        return end_of(token)


class IssuedToken(TokenOut):
    token = serializers.CharField(help_text="the secret; it is shown this once")

    class Meta(TokenOut.Meta):
        fields = (*TokenOut.Meta.fields, "token")
        read_only_fields = fields


class NewToken(Input):
    name = serializers.CharField(max_length=100, help_text="to tell it from others")
    scopes = serializers.MultipleChoiceField(choices=list(SCOPES.items()), allow_empty=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, help_text="default: TOKEN_DAYS from now")

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        now = database_now()
        if value <= now:
            raise serializers.ValidationError("Lies in the past.")
        # A day more: who says "in 365 days" says it by another clock.
        if value > now + timedelta(days=settings.TOKEN_MAX_DAYS + 1):
            raise serializers.ValidationError(f"Lies more than {settings.TOKEN_MAX_DAYS} days ahead.")
        return value


class TokensView(APIView):
    @extend_schema(
        auth=SESSION_ONLY,
        responses={200: inline_serializer("TokenList", {"results": TokenOut(many=True)}), 401: PROBLEMS, 403: PROBLEMS},
    )
    def get(self, request: MemberApiRequest) -> Response:
        """Your tokens, newest first, without their secrets."""
        return Response({"results": TokenOut(tokens_of(request.user), many=True).data})

    @extend_schema(
        auth=SESSION_ONLY,
        request=NewToken,
        responses={201: IssuedToken, 400: PROBLEMS, 401: PROBLEMS, 403: PROBLEMS, 409: PROBLEMS},
    )
    def post(self, request: MemberApiRequest) -> Response:
        """Make a token. Its secret is in this answer and never again."""
        form = NewToken(data=request.data)
        form.is_valid(raise_exception=True)
        token, secret = services.issue_token(user=request.user, request=request, **form.validated_data)
        body = TokenOut(token).data | {"token": secret}
        return Response(body, status=status.HTTP_201_CREATED)


class TokenView(APIView):
    @extend_schema(auth=SESSION_ONLY, responses={204: None, 401: PROBLEMS, 403: PROBLEMS, 404: PROBLEMS})
    def delete(self, request: MemberApiRequest, token_id: int) -> Response:
        """Revoke a token."""
        services.revoke_token(user=request.user, token_id=token_id, request=request)
        return Response(status=status.HTTP_204_NO_CONTENT)
