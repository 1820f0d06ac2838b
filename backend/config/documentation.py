"""Parts of the OpenAPI document that several views share, and what holds for all: names, errors, headers."""

import functools
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import translation
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema_serializer
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer

from config.inputs import Input
from config.negotiation import PROBLEM
from config.texts import PATTERN, PATTERN_OR_EMPTY, one_line


class SchemaMadeOnce(SchemaGenerator):
    """The document is the same whoever asks, and takes half a second to make: a process makes it once."""

    def get_schema(self, request: object = None, public: bool = False) -> Any:  # noqa: ARG002, FBT001 - the framework's signature
        return _document()


@functools.cache
def _document() -> Any:
    with translation.override(None):  # not in the language of the one who asks first
        return SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]  # as above


def rendered_once(kind: type[BaseRenderer]) -> type[BaseRenderer]:
    """Return this kind of renderer, which renders the document once in a process: that takes longer than all else."""

    @functools.cache
    def rendered() -> Any:
        return kind().render(_document(), renderer_context={})

    return type(kind.__name__, (kind,), {"render": lambda *_, **__: rendered()})


class CookieSessionScheme(SessionScheme):  # type: ignore[no-untyped-call]  # drf-spectacular types only a part
    target_class = "apps.authentication.sessions.CookieSession"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular types only a part
    target_class = "apps.tokens.authentication.BearerToken"
    name = "bearerAuth"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002 - the framework's signature
        return {"type": "http", "scheme": "bearer", "description": "a personal token from /api/auth/tokens"}


EXAMPLE = {
    "type": "urn:compas:problem:invalid",
    "title": "Bad Request",
    "status": 400,
    "detail": "Some of the input is invalid; see errors.",
    "errors": {"title": ["This field may not be blank."]},
}


@extend_schema_serializer(examples=[OpenApiExample("invalid", EXAMPLE, response_only=True)])
class Problem(serializers.Serializer[Any]):
    type = serializers.CharField(help_text="stable and for programs; about:blank where the status says it all")
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="for people")
    limit = serializers.IntegerField(required=False, help_text="how much one user may have")
    errors = serializers.DictField(  # type: ignore[assignment]  # the member is called so; the stubs mean Serializer.errors
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


PROBLEMS = OpenApiResponse(Problem, description="Problem details (RFC 9457), application/problem+json")
# Where no token is let in (apps.tokens.scopes).
SESSION_ONLY: Any = [{"cookieAuth": []}]  # extend_schema is typed for names alone
NOT_MODIFIED = OpenApiResponse(description="the client has it as it is: If-None-Match or If-Modified-Since says so")
VIDEO = {
    (200, "video/mp4"): OpenApiTypes.BINARY,
    (206, "video/mp4"): OpenApiTypes.BINARY,
    304: NOT_MODIFIED,
    404: PROBLEMS,
    416: PROBLEMS,
}


class OurSchema(AutoSchema):
    """Names of operations are those of the addresses: list_songs, create_song, get_task, cancel_task."""

    def get_operation_id(self) -> str:
        """Return the name of this operation, which generated clients have as a function."""
        noun = _names_of_views().get(type(self.view), "").replace("-", "_")
        if not noun:
            return super().get_operation_id()
        return OPERATIONS.get((self.method, noun)) or self._name(noun)

    def _name(self, noun: str) -> str:
        is_list = noun.endswith("s") and noun not in SINGLE
        if self.method == "GET":
            return f"list_{noun}" if is_list else f"get_{noun}"
        if self.method == "POST":
            return f"create_{_one_of(noun)}" if is_list else noun
        return f"{ {'PATCH': 'change', 'PUT': 'set', 'DELETE': 'delete'}[self.method] }_{noun}"


# Nouns that end in an s and mean one thing.
SINGLE = {"preferences", "collection_stats"} | {
    f"{of}_{what}" for of in ("task", "choreography", "public", "shared") for what in ("captions", "chapters")
}
OPERATIONS = {
    ("DELETE", "sessions"): "delete_other_sessions",
    ("GET", "public"): "get_public_choreography",
    ("GET", "public_list"): "list_public_choreographies",
    ("GET", "shared"): "get_shared_choreography",
    ("POST", "password"): "change_password",
    ("POST", "reset"): "ask_for_reset",
    ("POST", "reset_password"): "reset_password",
    ("POST", "account_deletion"): "delete_account",
    ("POST", "choreography_video_link"): "create_choreography_video_link",
    ("POST", "share_link"): "create_share_link",
    ("POST", "task_video_link"): "create_task_video_link",
    ("POST", "task_cancel"): "cancel_task",
    ("POST", "task_forget"): "forget_task",
    ("POST", "task_swap"): "swap_move",
    ("GET", "task_events"): "follow_task",
    ("POST", "webhook_secret"): "rotate_webhook_secret",
    ("POST", "webhook_test"): "test_webhook",
}


def _one_of(noun: str) -> str:
    return f"{noun.removesuffix('ies')}y" if noun.endswith("ies") else noun.removesuffix("s")


@functools.cache
def _names_of_views() -> dict[type, str]:
    return dict(_named(get_resolver().url_patterns))


def _named(patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[type, str]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _named(pattern.url_patterns)
        elif pattern.name and (kind := getattr(pattern.callback, "cls", None)):
            yield kind, pattern.name


WHEN: dict[str, str] = {
    "400": "What was sent is not right; errors names the fields and parameters.",
    "401": "There is no login, or the token is unknown, expired or revoked.",
    "403": "There is no CSRF token, or the token lacks a scope.",
    "404": "There is no such thing, or it belongs to another account.",
    "406": "This address answers with JSON.",
    "409": "Not in the present state; or you have as much as one user may have.",
    "410": "It was cancelled.",
    "411": "The body came without a Content-Length.",
    "412": "It has changed since the ETag in If-Match was read.",
    "413": "Too large.",
    "414": "The address, with its query, is too long.",
    "415": "This address reads another media type.",
    "416": "The range lies outside of the file.",
    "429": "Too often, or too many at once; Retry-After says when to try again.",
    "431": "The headers are too large.",
    "500": "A fault of this service; its log has it.",
    "503": "Something that this service needs is missing at the moment; Retry-After says when to try again.",
}


def _header(description: str, kind: str = "string") -> dict[str, Any]:
    return {"description": description, "schema": {"type": kind}}


ETAG = {"ETag": _header("Strong. Sent back in If-None-Match it answers 304; in If-Match it guards a write.")}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "schema": {"type": "string"},
    "description": "ETags that the client has, or *.",
}
LOCATION = {"Location": _header("The address of what was made; without one it has none of its own.")}
RETRY_AFTER = {"Retry-After": _header("Seconds.", "integer")}
HEADERS = {
    "201": LOCATION,
    "202": LOCATION,
    "304": ETAG,
    "401": {"WWW-Authenticate": _header("How to log in: Session, or Bearer with what is wrong with the token.")},
    "416": {"Content-Range": _header("How many bytes there are.")},
    "429": RETRY_AFTER,
    "503": RETRY_AFTER,
}


def finish(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to the document what holds for every address (SPECTACULAR_SETTINGS["POSTPROCESSING_HOOKS"])."""
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            _finish_operation(path, method, operation, result["components"]["schemas"])
    _close_bodies(result["components"]["schemas"])
    for schema in result["components"]["schemas"].values():
        _take_anything_once(schema.get("properties", {}))
    return result


def _finish_operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    responses = operation["responses"]
    if method == "get" and "application/json" in responses.get("200", {}).get("content", {}):
        operation.setdefault("parameters", []).append(IF_NONE_MATCH)
        responses["200"].setdefault("headers", {}).update(ETAG)
        responses["304"] = {"description": "The client has it as it is."}
        if operation["operationId"] == "get_task":
            responses["200"]["headers"] |= {"Retry-After": _header("Seconds; while it waits or runs.", "integer")}
    if any(one["name"] == "If-Match" for one in operation.get("parameters", [])):
        responses["412"] = {"description": ""}
        if "200" in responses and method != "delete":
            responses["200"].setdefault("headers", {}).update(ETAG)
    for status in _errors_everywhere(path, method, operation):
        responses.setdefault(status, {"description": ""})
    _name_shared_body(operation, schemas)
    for status, response in responses.items():
        if status >= "400":
            response["content"] = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            response["description"] = WHEN.get(status) or HTTPStatus(int(status)).phrase
        response.setdefault("headers", {}).update(HEADERS.get(status, {}))
        if not response["headers"]:
            del response["headers"]
    operation["responses"] = dict(sorted(responses.items()))


def _name_shared_body(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Give a body that may come as several media types one name; generators would make two of the same name."""
    bodies = [body["schema"] for body in operation.get("requestBody", {}).get("content", {}).values()]
    if len(bodies) > 1 and "$ref" not in bodies[0]:
        name = f"{operation['operationId'].title().replace('_', '')}Body"
        schemas[name] = dict(bodies[0])
        for body in bodies:
            body.clear()
            body["$ref"] = f"#/components/schemas/{name}"


def _errors_everywhere(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield from ("400", "406", "414", "431", "500", "503")
    if operation.get("security", [{}]) != [{}]:
        yield from ("401", "403")
    if "{" in path:
        yield "404"
    if method != "get":
        yield from ("411", "413")
    if "requestBody" in operation:
        yield "415"


def _take_anything_once(properties: dict[str, Any]) -> None:
    """JSON of any kind may be null; said twice, null would be of two kinds, of which it may be one."""
    for told in properties.values():
        if {} in told.get("oneOf", ()):
            del told["oneOf"]


def _close_bodies(schemas: dict[str, Any]) -> None:
    """Say that unknown fields are refused."""
    for kind in _below(Input):
        name = getattr(kind, "_spectacular_annotation", {}).get("component_name", kind.__name__)
        for component in (name, f"Patched{name}", f"{name}Request", f"Patched{name}Request"):
            if component in schemas:
                schemas[component]["additionalProperties"] = False
                _tell_one_line(kind(), schemas[component]["properties"])


def _tell_one_line(body: Input, properties: dict[str, Any]) -> None:
    for name, field in body.fields.items():
        text: Any = getattr(field, "child", field)
        if one_line in text.validators and name in properties:
            told = properties[name].get("items", properties[name])
            told.setdefault("pattern", PATTERN_OR_EMPTY if text.allow_blank else PATTERN)


def _below(kind: type[Any]) -> Iterator[type[Any]]:
    one: type[Any]
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)
