"""Calls to the workers. A call is a job of procrastinate's, in a queue of ``apps.jobs.queues``.

After a call to generate the worker looks for work in table ``jobs``; a call to ingest says itself what is to be done.

Only this module uses private parts of procrastinate (its ``Job``, its manager, its SQL), so pyproject.toml caps the
version. A worker with a superfluous call finds nothing to do; the sweep repeats a call that was lost.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, LiteralString, cast

import procrastinate.jobs
import procrastinate.manager
import procrastinate.sql
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Count, QuerySet
from django.db.models.functions import Now
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.psycopg_connector import PsycopgConnector

from apps.jobs.models import WorkerQueues
from apps.jobs.queues import FIRST, GENERATE, INGEST
from config import silence
from config.clock import database_now

log = logging.getLogger(__name__)

TABLES = ("backend.procrastinate_jobs", "backend.procrastinate_workers")
# Calls that give way are raised when they have waited for so long.
_RAISE = """
    UPDATE procrastinate_jobs SET priority = %s
    WHERE status = 'todo' AND priority < %s AND scheduled_at < statement_timestamp() - make_interval(secs => %s)
"""
# Of a worker that serves some queues alone, told as soon as it is registered; it leaves with the worker.
_SERVES = "INSERT INTO worker_queues (worker_id, queues) VALUES (%(worker_id)s, %(queues)s)"

# Through Django's connection, in its transaction, in a worker too.
_connector = DjangoConnector()
_manager = procrastinate.manager.JobManager(_connector)


class WorkersConnector(PsycopgConnector):
    """What a worker reads and writes the queue with; its sessions end when the database is silent.

    ``queues`` are those that it serves; None: all.
    """

    def __init__(self, queues: Sequence[str] | None = None) -> None:
        sessions = silence.sessions_that_end(settings.DATABASE_SILENCE_S)
        super().__init__(kwargs=connector_params(), connection_class=sessions)
        self.queues = queues

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        """Do as procrastinate, and note which queues a worker serves that was just registered."""
        found: dict[str, Any] = await super().execute_query_one_async(query, **arguments)
        if query == procrastinate.sql.queries["register_worker"] and self.queues:
            await super().execute_query_async(_SERVES, worker_id=found["worker_id"], queues=list(self.queues))
        return found

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
    return _call(GENERATE, {"task_id": task_id}, priority=FIRST)


def call_to_ingest(share: dict[str, Any], *, since: datetime, priority: int) -> None:
    """Call a worker to a share of an ingest, from ``since`` on.

    Raises an Error of Django's if the database refuses or is away.
    """
    _call(INGEST, share, priority=priority, scheduled_at=since)


def _call(queue: str, arguments: dict[str, Any], **when: Any) -> int:
    call = procrastinate.jobs.Job(
        queue=queue, lock=None, queueing_lock=None, task_name=queue, task_kwargs=arguments, **when
    )
    with _errors_of_django():
        return cast("int", _manager.defer_job(call).id)  # the database numbers it


def is_call_waiting() -> bool:
    """Return whether a call waits for a worker that takes it."""
    return ProcrastinateJob.objects.filter(task_name=GENERATE, status="todo").exists()


def open_calls_to_ingest(library: str) -> QuerySet[ProcrastinateJob]:
    """Return the calls to an ingest into this library that wait, or that a worker works on."""
    return ProcrastinateJob.objects.filter(
        task_name=INGEST, status__in=["todo", "doing"], args__contains={"library": library}
    )


def waiting_calls() -> dict[str, int]:
    """Return how many calls wait in each queue that has some."""
    waiting = ProcrastinateJob.objects.filter(status="todo").values_list("queue_name").annotate(Count("pk"))
    return dict(waiting.order_by())


def live_workers(queue: str = GENERATE) -> int:
    """Return how many workers that serve this queue have reported within :func:`stalled_after_s`."""
    reported_since = Now() - timedelta(seconds=stalled_after_s())
    apart = WorkerQueues.objects.exclude(queues__contains=[queue])
    live = ProcrastinateWorker.objects.filter(last_heartbeat__gte=reported_since)
    return live.exclude(pk__in=apart.values("worker_id")).count()


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
    for call in [*_stalled(GENERATE), *_stalled(INGEST)]:
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


def _stalled(queue: str) -> Iterable[dict[str, Any]]:
    return _connector.execute_query_all(
        query=procrastinate.sql.queries["select_stalled_jobs_by_heartbeat"],
        queue=queue,
        task_name=queue,
        seconds_since_heartbeat=stalled_after_s(),
    )


def raise_old_calls() -> None:
    """Let calls that gave way for GIVE_WAY_S go first: what is of low priority does not wait for ever."""
    with connection.cursor() as cursor:
        cursor.execute(_RAISE, [FIRST, FIRST, settings.GIVE_WAY_S])


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
