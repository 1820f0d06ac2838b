"""What the worker runs (`manage.py procrastinate worker`)."""

from typing import cast

from procrastinate import JobContext
from procrastinate.contrib.django import app

from apps.generation.worker import make_next
from apps.jobs import calls


@app.task(name=calls.NAME, queue=calls.NAME, pass_context=True)
def generate(context: JobContext, *, task_id: str) -> None:  # noqa: ARG001 - the call names a task, but the next in the queue is made
    make_next(queue_job_id=cast("int", context.job.id))
