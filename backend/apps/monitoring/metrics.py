"""What the web server tells Prometheus besides its own requests: the queue, and what this service needs."""

from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError, connection
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from apps.jobs import calls, estimates
from apps.jobs.queues import GENERATE, INGEST
from apps.monitoring import readiness
from config import metrics
from config.guard import NotAdoptedError

# Each of the two reads an index; a queue of 100,000 takes some hundredths of a second.
_JOBS = """
    SELECT waiting.number, taken.held, taken.number - taken.held, waiting.oldest_s
    FROM (
        SELECT count(*) AS number,
            coalesce(extract(epoch FROM statement_timestamp() - min(created_at)), 0) AS oldest_s
        FROM jobs WHERE outcome IS NULL AND token IS NULL
    ) AS waiting, (
        SELECT count(*) AS number, count(*) FILTER (WHERE lease_expires_at >= statement_timestamp()) AS held
        FROM jobs WHERE outcome IS NULL AND token IS NOT NULL
    ) AS taken
"""


def serve() -> None:
    """Answer with all metrics of the web server, if METRICS_BIND says where."""
    metrics.serve(settings.METRICS_BIND, QueueCollector(), ReadyCollector())


class QueueCollector(Collector):
    """The queue, counted when it is asked for."""

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: a registry need not ask the database when it gets this."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield the queue as it is now; without the database, that it is away and nothing else."""
        try:
            found = list(_of_queue())
        except (DatabaseError, NotAdoptedError):
            found = []
        finally:
            if not connection.in_atomic_block:
                connection.close()  # this thread ends with the answer
        yield GaugeMetricFamily("compas_database_up", "Whether the database answers.", float(bool(found)))
        yield from found


def _of_queue() -> Iterator[Metric]:
    with connection.cursor() as cursor:
        cursor.execute(_JOBS)
        waiting, taken, left_behind, oldest_s = cursor.fetchone()
    jobs = GaugeMetricFamily("compas_jobs", "Jobs that have not ended.", labels=["state"])
    for state, number in (("waiting", waiting), ("taken", taken), ("left_behind", left_behind)):
        jobs.add_metric([state], number)
    yield jobs
    yield GaugeMetricFamily("compas_oldest_waiting_seconds", "How long the oldest waiting job waits.", float(oldest_s))
    yield GaugeMetricFamily("compas_workers", "Workers that make videos and reported lately.", calls.live_workers())
    waiting_calls = GaugeMetricFamily("compas_calls", "Calls that wait for a worker.", labels=["queue"])
    for name, number in ({GENERATE: 0, INGEST: 0} | calls.waiting_calls()).items():
        waiting_calls.add_metric([name], number)
    yield waiting_calls
    if (usual := estimates.pace().usual) is not None:
        says = "How long a run usually takes: the median of the last ones that made a video."
        yield GaugeMetricFamily("compas_usual_run_seconds", says, usual.total_seconds())


class ReadyCollector(Collector):
    """What ``/api/ready`` says, as numbers."""

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: a registry need not ask everything when it gets this."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Ask what this service needs, and yield 1 for each that answers."""
        ready = GaugeMetricFamily("compas_ready", "Whether what this service needs answers.", labels=["check"])
        for name, outcome in readiness.check().items():
            ready.add_metric([name], float(outcome == readiness.OK))
        yield ready
