"""When a job begins and ends, by the time that the last ones took."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from apps.jobs import calls, cloud_run, turns
from apps.jobs.models import Job

# So many of the last jobs are measured: a library or a machine that is new is soon what is told.
MEASURED = 20
GRAIN_S = 30
# The end of a job is written by its worker's commit, its beginning when it was taken.
_USUAL = """
    SELECT statement_timestamp(), (
            SELECT count(*) FROM procrastinate_workers AS worker
            WHERE last_heartbeat >= statement_timestamp() - make_interval(secs => %s) AND NOT EXISTS (
                SELECT FROM worker_queues WHERE worker_id = worker.id AND 'generate' <> ALL (queues)
            )
        ), percentile_cont(0.5) WITHIN GROUP (ORDER BY ended_at - began_at)
    FROM (
        SELECT began_at, ended_at FROM jobs
        WHERE outcome = 'completed' AND began_at IS NOT NULL ORDER BY ended_at DESC LIMIT %s
    ) AS last
"""


@dataclass(frozen=True)
class Estimate:
    """When a job begins and ends; None where nothing is known."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True)
class Pace:
    """How fast jobs are made now: the usual time of one, None if none was measured, and how many are made at once."""

    now: datetime
    usual: timedelta | None
    at_once: int

    def estimate(self, job: Job, ahead: int | None) -> Estimate:
        """Return when a live job begins and ends; ``ahead`` is its place, as ``turns.places`` counts."""
        if job.token is not None:
            ends_at = job.began_at + self.usual if job.began_at and self.usual else None
            # One that takes longer than usual has no known end: a time that is past would be wrong.
            return Estimate(job.began_at, ends_at if ends_at and ends_at > self.now else None)
        if self.usual is None or not self.at_once or ahead is None or ahead > turns.FURTHEST:
            return Estimate()
        starts_at = _whole(self.now) + ahead // self.at_once * self.usual
        return Estimate(starts_at, starts_at + self.usual)


def _whole(now: datetime) -> datetime:
    """Round up to half a minute: an estimate is no truer, and who polls is told something new only when it is."""
    past_s = now.second % GRAIN_S + now.microsecond / 1_000_000
    return now + timedelta(seconds=GRAIN_S - past_s) if past_s else now


def pace() -> Pace:
    """Return how fast jobs are made now."""
    with connection.cursor() as cursor:
        cursor.execute(_USUAL, [calls.stalled_after_s(), MEASURED])
        now, workers, usual = cursor.fetchone()
    # Each job on Cloud Run has a machine of its own.
    at_once = settings.PARALLEL_RUNNING_LIMIT if cloud_run.is_used() else workers
    return Pace(now, usual, min(at_once, settings.PARALLEL_RUNNING_LIMIT))
