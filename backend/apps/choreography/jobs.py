"""What the worker runs (`manage.py procrastinate worker`)."""

from procrastinate.contrib.django import app
from procrastinate.job_context import JobContext

from apps.choreography import queue
from apps.choreography.generation import work


@app.task(name=queue.NAME, queue=queue.NAME, pass_context=True)
def generate(context: JobContext, *, task_id: str) -> None:  # noqa: ARG001 - for whom it rang; who is first is served
    work(queue_job_id=context.job.id)
