"""One id for a request, in every line of the log down to the worker's, and as a trace for OpenTelemetry if wanted.

The id is a trace id of W3C: a front that traces gives it, or one that numbers its requests (nginx: ``$request_id``).
"""

import importlib.util
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from config import logs, metrics

log = logging.getLogger("config.requests")

HEADER = "X-Request-ID"
# Asked every few seconds; a line for each would hide the others.
PROBED = {"/health", "/ready", "/api/health", "/api/ready"}
_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_TRACEPARENT = re.compile(rf"[0-9a-f]{{2}}-({_ID.pattern})-[0-9a-f]{{16}}-[0-9a-f]{{2}}(-.*)?")
# Ours is the first span of a trace, whichever system numbered it.
_PARENT_SPAN = 1


class Traced:
    """Give each request its id, count it, and time it. Outermost: so that refusals of all others are counted too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = id_of(request)
        began = time.perf_counter()
        with logs.named(request_id=request_id), metrics.at_work(), span("request", request_id, method=request.method):
            response = self.get_response(request)
            seconds = time.perf_counter() - began
            metrics.count(request, response, seconds=seconds)
            if settings.LOG_FORMAT == "json" and request.path not in PROBED:
                extra = {"status": response.status_code, "seconds": round(seconds, 4)}
                log.info("%s %s %s", request.method, request.path, response.status_code, extra=extra)
        response[HEADER] = request_id
        return response


def id_of(request: HttpRequest) -> str:
    """Return the id that the front gave this request, or a new one; anything that is no trace id is not taken."""
    given = request.headers.get(HEADER, "").lower()
    if _ID.fullmatch(given):
        return given
    traced = _TRACEPARENT.fullmatch(request.headers.get("traceparent", ""))
    return traced[1] if traced else uuid.uuid4().hex


@contextmanager
def span(name: str, request_id: str, **attributes: Any) -> Iterator[None]:
    """Send the block as a span of the request's trace, if OTEL_EXPORTER_OTLP_ENDPOINT says where to."""
    if not settings.OTEL_EXPORTER_OTLP_ENDPOINT or not request_id:
        yield
        return
    from opentelemetry import trace  # noqa: PLC0415 - an extra that few installations have

    parent = trace.SpanContext(
        int(request_id, 16), _PARENT_SPAN, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED)
    )
    context = trace.set_span_in_context(trace.NonRecordingSpan(parent))
    with _provider().get_tracer("compas").start_as_current_span(name, context=context, attributes=attributes):
        yield


@cache
def _provider() -> Any:
    """Return what sends the spans; made in the process that serves, since its thread does not survive a fork."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - see span
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": "compas"}))
    endpoint = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider


def require() -> None:
    """Refuse to start with an endpoint for traces and without the packages that send them."""
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT and importlib.util.find_spec("opentelemetry.sdk") is None:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but the packages for it are not installed. Install the backend with "
            "its extra `tracing`, or leave the setting out."
        )
