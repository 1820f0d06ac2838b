"""Parts of the OpenAPI document that several views share."""

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class CookieSessionScheme(SessionScheme):
    target_class = "apps.authentication.sessions.CookieSession"


class Problem(serializers.Serializer):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False)


PROBLEMS = OpenApiResponse(Problem, description="Problem details (RFC 9457), application/problem+json")
VIDEO = {(200, "video/mp4"): OpenApiTypes.BINARY, (206, "video/mp4"): OpenApiTypes.BINARY, 404: PROBLEMS, 416: PROBLEMS}
