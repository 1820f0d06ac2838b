"""What the worker runs (`manage.py procrastinate worker`)."""

from typing import Any, cast

from procrastinate import JobContext
from procrastinate.contrib.django import app

from apps.generation.worker import make_next
from apps.jobs import queues
from apps.moves.ingest import Waiting, work_on


@app.task(name=queues.GENERATE, queue=queues.GENERATE, pass_context=True)
def generate(context: JobContext, *, task_id: str) -> None:  # noqa: ARG001 - the call names a task, but the next in the queue is made
    make_next(queue_job_id=cast("int", context.job.id))


@app.task(name=queues.INGEST, queue=queues.INGEST, pass_context=True)
def ingest(context: JobContext, /, **share: Any) -> None:
    work_on(share, Waiting(context.job.priority, context.job.scheduled_at))
