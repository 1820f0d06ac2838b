"""Make the video of one task and end: what an execution of Cloud Run runs."""

import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from apps.generation import queue
from apps.generation.worker import carry_out_generation
from apps.jobs import turns
from apps.jobs.models import Job
from config import silence

ENDED_BY_SIGNAL = 128


class Command(BaseCommand):
    help = "Makes the video of a task. A task that has ended, or that another process makes, stays as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("task", help="the task's id")

    def handle(self, *_args: Any, task: str, **_options: Any) -> None:
        # The first process of a container has no handler unless it sets one, and would be killed 10 s later. Its next
        # attempt takes the job over; without one, a sweep finds that the execution is over.
        signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(ENDED_BY_SIGNAL + number))
        silence.end_sessions_after(settings.DATABASE_SILENCE_S)
        connection.close()
        lease = queue.take_reserved(task)
        if lease is None:
            self.stdout.write(f"Nothing to do: {_why(task)}")
            return
        try:
            carry_out_generation(lease)
        finally:
            turns.end_turn(lease.user_id)
            queue.call_worker_if_due()
        self.stdout.write(f"Task {task}: {_outcome(task)}.")


def _why(task: str) -> str:
    job = Job.objects.filter(pk=task).first()
    if job is None:
        return f"there is no task {task}."
    return f"task {task} {'has ended: ' + job.outcome if job.outcome else f'is being made by {job.owner}'}."


def _outcome(task: str) -> str:
    return Job.objects.filter(pk=task).values_list("outcome", flat=True).first() or "not ended; it will be begun again"
