"""/api/choreography/tasks/ID/events"""

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.views import APIView

from apps.authentication.requests import MemberApiRequest
from apps.choreography import selectors
from apps.following.events import RETRY, State, state_of, versions_of
from apps.following.permits import permit_of
from apps.following.watch import Follower, line_of_the_queue, watch
from config.documentation import PROBLEMS
from config.rendering import FiniteJSONRenderer
from serving.feeds import FEEDS

STREAM = "text/event-stream"
LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    location=OpenApiParameter.HEADER,
    description="The id of the last event that was read: what it told is not told again. A browser sends it by itself.",
)
# No proxy between may gather events to send them together.
HEADERS = {"Cache-Control": "private, no-store", "X-Accel-Buffering": "no"}


class EventStreamRenderer(BaseRenderer):
    """Lets clients that accept only events in; the stream is no answer of Django REST framework's."""

    media_type = STREAM
    format = "events"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        """Return the description of the address, all that is rendered here, as a comment of the stream."""
        return b": " + FiniteJSONRenderer().render(data) + b"\n\n"


class TaskEvent(serializers.Serializer[Any]):
    """One of the events of a stream."""

    id = serializers.CharField(required=False, help_text="for Last-Event-ID")
    event = serializers.ChoiceField(["task", "end"], required=False)
    data = serializers.CharField(  # type: ignore[assignment]  # the member is called so; the stubs mean Serializer.data
        help_text="JSON: what /api/choreography/tasks/ID answers"
    )


class TaskEventsView(APIView):
    renderer_classes = (FiniteJSONRenderer, EventStreamRenderer)

    @extend_schema(
        parameters=[LAST_EVENT_ID],
        responses={
            (200, STREAM): TaskEvent,
            204: OpenApiResponse(description="The task has ended, and its last event is the one in Last-Event-ID."),
            401: PROBLEMS,
            404: PROBLEMS,
            410: PROBLEMS,
            429: PROBLEMS,
        },
    )
    def get(self, request: MemberApiRequest, task_id: str) -> HttpResponseBase:
        """Follow a task (Server-Sent Events): its state now and whenever it changes, until it has ended."""
        # The version before the state: a change in between is told once more rather than not at all.
        found = selectors.task_of(request.user, task_id)
        version, line = versions_of({found.pk})[found.pk], line_of_the_queue()
        state = state_of(selectors.task_of(request.user, found.pk))
        known = request.headers.get("Last-Event-ID", "") == state.event_id
        if state.has_ended and known:
            return HttpResponse(status=HTTPStatus.NO_CONTENT, headers=HEADERS)  # a browser then asks no more
        answer = stream(state, is_known=known)
        goes_on = not state.has_ended and request.method != "HEAD" and FEEDS in request.META
        if goes_on:
            follower = Follower(request.user, found.pk, permit_of(request), version, state.event_id, line)
            watch.join(follower)
            answer.feed = follower  # type: ignore[attr-defined]  # the server's worker goes on from here
        return answer


def stream(state: State, *, is_known: bool) -> StreamingHttpResponse:
    """Return the first part of the stream. A server without feeds ends it here, and the client asks again."""
    first = RETRY if is_known else RETRY + state.as_events()
    return StreamingHttpResponse([first], headers=HEADERS, content_type=STREAM)
