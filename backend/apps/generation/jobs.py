"""What the worker runs (`manage.py procrastinate worker`)."""

from typing import Any, cast

from django.db import InterfaceError, OperationalError
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.jobs import Job

from apps.generation.worker import make_next
from apps.jobs import queues
from apps.moves.ingest import Waiting, work_on


class GoesOn(BaseRetryStrategy):
    """Makes a call again whose worker lost the database for a moment.

    What an ingest has left to do stands in its calls alone; a choreography that was stopped is found by every sweep.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """Return that it is made again, waiting since when it did; None for a fault that would come again."""
        passes = isinstance(exception, OperationalError | InterfaceError)
        return RetryDecision(retry_at=job.scheduled_at) if passes else None


@app.task(name=queues.GENERATE, queue=queues.GENERATE, pass_context=True)
def generate(context: JobContext, *, task_id: str) -> None:  # noqa: ARG001 - the call names a task, but the next in the queue is made
    make_next(queue_job_id=cast("int", context.job.id))


@app.task(name=queues.INGEST, queue=queues.INGEST, pass_context=True, retry=GoesOn())
def ingest(context: JobContext, /, **share: Any) -> None:
    work_on(share, Waiting(context.job.priority, context.job.scheduled_at))
