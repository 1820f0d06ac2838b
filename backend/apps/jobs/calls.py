"""Calls to the workers. A call is a job in procrastinate's queue; its worker then looks for work in table ``jobs``.

Only this module uses private parts of procrastinate (its ``Job``, its manager, its SQL), so pyproject.toml caps the
version. A worker with a superfluous call finds nothing to do; the sweep repeats a call that was lost.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, LiteralString, cast

import procrastinate.jobs
import procrastinate.manager
import procrastinate.sql
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.psycopg_connector import PsycopgConnector

from config import silence
from config.clock import database_now

log = logging.getLogger(__name__)

# The one task of the queue, and the queue.
NAME = "generate"
TABLES = ("backend.procrastinate_jobs", "backend.procrastinate_workers")

# Through Django's connection, in its transaction, in a worker too.
_connector = DjangoConnector()
_manager = procrastinate.manager.JobManager(_connector)


class WorkersConnector(PsycopgConnector):
    """What a worker reads and writes the queue with; its sessions end when the database is silent."""

    def __init__(self) -> None:
        sessions = silence.sessions_that_end(settings.DATABASE_SILENCE_S)
        super().__init__(kwargs=connector_params(), connection_class=sessions)

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """Do as procrastinate, but write the end of a call again if the session ended meanwhile.

        Otherwise the call would count as being worked on for as long as this worker lives.
        """
        try:
            await super().execute_query_async(query, **arguments)
        except ConnectorException:
            if query != procrastinate.sql.queries["finish_job"]:
                raise
            await super().execute_query_async(query, **arguments)


def call_worker(task_id: str = "") -> int:
    """Call a worker; return the number of the call. The task it is made for is noted for people.

    Raises an Error of Django's if the database refuses or is away.
    """
    call = procrastinate.jobs.Job(
        queue=NAME, lock=None, queueing_lock=None, task_name=NAME, task_kwargs={"task_id": task_id}
    )
    with _errors_of_django():
        return cast("int", _manager.defer_job(call).id)  # the database numbers it


def is_call_waiting() -> bool:
    """Return whether a call waits for a worker that takes it."""
    return ProcrastinateJob.objects.filter(task_name=NAME, status="todo").exists()


def live_workers() -> int:
    """Return how many workers have reported within :func:`stalled_after_s`."""
    return _live_workers().count()


def _live_workers() -> QuerySet[ProcrastinateWorker]:
    reported_since = Now() - timedelta(seconds=stalled_after_s())
    return ProcrastinateWorker.objects.filter(last_heartbeat__gte=reported_since)


def stalled_after_s() -> float:
    """Return after how many seconds without a heartbeat a worker counts as gone."""
    return settings.PROCRASTINATE_WORKER_DEFAULTS["stalled_worker_timeout"]


def repeat_stalled_calls() -> None:
    """Make the calls again whose worker is gone; procrastinate does not do that by itself.

    Raises an Error of Django's if the database refuses or is away.
    """
    with _errors_of_django():
        _repeat_stalled_calls()


def _repeat_stalled_calls() -> None:
    stalled = _connector.execute_query_all(
        query=procrastinate.sql.queries["select_stalled_jobs_by_heartbeat"],
        queue=NAME,
        task_name=NAME,
        seconds_since_heartbeat=stalled_after_s(),
    )
    for call in stalled:
        log.warning("call %s: its worker is gone; it is made again", call["id"])
        with transaction.atomic():
            _connector.execute_query(
                query=procrastinate.sql.queries["retry_job"],
                job_id=call["id"],
                retry_at=database_now(),
                new_priority=None,
                new_queue_name=None,
                new_lock=None,
            )


@contextmanager
def _errors_of_django() -> Iterator[None]:
    """Raise Django's errors, which callers expect, in place of those that procrastinate makes of them."""
    try:
        yield
    except ConnectorException as error:
        cause = error.__cause__
        if cause is None or isinstance(cause, Error):
            raise
        with connection.wrap_database_errors:
            raise cause from None
