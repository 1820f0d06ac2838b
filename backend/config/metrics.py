"""Metrics for Prometheus, on a port of their own (``METRICS_BIND``), which no front leads to."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from prometheus_client import REGISTRY, Gauge, Histogram, start_http_server
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)

REQUESTS = Histogram(
    "compas_request_seconds",
    "How long requests took until their answer began, by view.",
    ["method", "view", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
AT_WORK = Gauge("compas_requests_at_work", "Requests that are being answered now.")
# Programs may send any word as a method; a label must not grow without an end.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@contextmanager
def at_work() -> Iterator[None]:
    """Count a request as being answered until the block ends."""
    with AT_WORK.track_inprogress():
        yield


def count(request: HttpRequest, response: HttpResponse, *, seconds: float) -> None:
    """Count a request that was answered."""
    method = request.method if request.method in METHODS else "other"
    view = request.resolver_match.view_name if request.resolver_match else "none"
    REQUESTS.labels(method, view or "unnamed", str(response.status_code)).observe(seconds)


def serve(bind: str, *collectors: Collector) -> None:
    """Answer with the metrics of this process at ``HOST:PORT``; an empty ``bind`` answers nowhere.

    Raises ImproperlyConfigured if that cannot be: metrics that cannot be read must not look like silence.
    """
    if not bind:
        return
    for collector in collectors:
        REGISTRY.register(collector)
    host, _, port = bind.rpartition(":")
    try:
        start_http_server(int(port), addr=host.strip("[]"))
    except OSError as error:
        raise ImproperlyConfigured(
            f"METRICS_BIND is {bind}, where nothing can be answered: {error.strerror}. Give each process an address of "
            "this machine and a port of its own."
        ) from error
    log.info("metrics at http://%s/metrics", bind)
