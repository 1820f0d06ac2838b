"""Parts of the OpenAPI document that several views share."""

from typing import Any

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class CookieSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]  # drf-spectacular types only a part
    target_class = "apps.authentication.sessions.CookieSession"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular types only a part
    target_class = "apps.tokens.authentication.BearerToken"
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002 - the framework's signature
        return {"type": "http", "scheme": "bearer", "description": "a personal token from /api/auth/tokens"}


class Problem(serializers.Serializer[Any]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]  # the member is called so; the stubs mean Serializer.errors
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


PROBLEMS = OpenApiResponse(Problem, description="Problem details (RFC 9457), application/problem+json")
# Where no token is let in (apps.tokens.scopes).
SESSION_ONLY: Any = [{"cookieAuth": []}]  # extend_schema is typed for names alone
VIDEO = {(200, "video/mp4"): OpenApiTypes.BINARY, (206, "video/mp4"): OpenApiTypes.BINARY, 404: PROBLEMS, 416: PROBLEMS}
