"""Runs: each attempt of a worker at a job. Named in the log, counted and timed."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Gauge, Histogram

from apps.jobs.leases import Lease
from apps.jobs.models import Job
from config import logs, traces

log = logging.getLogger(__name__)

RUNS = Histogram(
    "compas_run_seconds",
    "How long runs took: from the lease to the end of the video, or to the reason why there is none.",
    ["outcome"],
    buckets=(0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900),
)
SWEPT = Gauge("compas_last_sweep_timestamp_seconds", "When this worker last swept without a fault.")
# Of a run whose job goes on: its lease was lost, or it is tried again.
GOES_ON = "goes on"
GONE = "gone"


@contextmanager
def observed(lease: Lease) -> Iterator[None]:
    """Name the run in each line of the log, and count it with what became of its job."""
    request_id = _request_id(lease)
    with (
        logs.named(request_id=request_id, task_id=lease.task_id, run_id=str(lease.token)),
        traces.span("run", request_id, task_id=lease.task_id, attempt=lease.attempt),
    ):
        began = time.perf_counter()
        log.info("begins", extra={"attempt": lease.attempt})
        try:
            yield
        finally:
            seconds = time.perf_counter() - began
            outcome = _outcome(lease)
            RUNS.labels(outcome).observe(seconds)
            log.info("ended: %s", outcome, extra={"outcome": outcome, "seconds": round(seconds, 3)})


def _request_id(lease: Lease) -> str:
    request = Job.objects.filter(pk=lease.task_id).values_list("request", flat=True).first()
    # A job of an older version has none.
    return str((request or {}).get("request_id", ""))


def _outcome(lease: Lease) -> str:
    job = Job.objects.filter(pk=lease.task_id).only("outcome").first()
    return GONE if job is None else job.outcome or GOES_ON
