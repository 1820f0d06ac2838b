"""Repair what killed workers and the original left: no task stays running for ever. And clean up: the chores.

Every worker sweeps when it starts and then every JOB_SWEEP_S seconds; two sweeps at once do no harm. Chores give way to
choreographies, for GIVE_WAY_S at most.
"""

import logging
import math
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from apps.choreography import original
from apps.choreography.models import ChoreographyTask
from apps.collections.services import remove_forgotten
from apps.events.retention import forget_old_events
from apps.generation import executions, files, queue
from apps.jobs import calls, cloud_run, leases, runs, turns
from apps.jobs.models import Job
from apps.jobs.queues import CHORES, GENERATE, QUEUES
from apps.logins.limits import forget_counts_that_are_over
from apps.open_sessions.services import forget_expired_sessions
from apps.sharing import counting
from apps.songs import recordings
from apps.titles import following
from apps.tokens.services import forget_ended_tokens
from bachateo.files import remove_abandoned

log = logging.getLogger(__name__)

# So many waiting rows are repaired in one sweep, so that it ends soon however many the original has touched. The
# others are repaired later, or when their turn comes; until then only the original shows them as failed.
REPAIRS = 100


def sweep() -> None:
    """Sweep once, the chores included."""
    repair()
    clean_up()


def repair() -> None:
    """Repair what people may wait for: tasks, counts and documents that are behind."""
    calls.repeat_stalled_calls()
    calls.raise_old_calls()
    turns.join_all()
    for task_id in original.touched_while_waiting(at_most=REPAIRS):
        repair_waiting(task_id)
    original.fail_what_it_left()
    files.remove_abandoned_drafts()
    remove_abandoned(Path(settings.BACHATEO_CACHE))
    if cloud_run.is_used():
        executions.reconcile()
    queue.call_worker_if_due()
    following.sweep()
    counting.sweep()
    runs.SWEPT.set_to_current_time()


def clean_up() -> None:
    """Do the chores: remove what is not needed any more."""
    remove_forgotten()
    forget_old_events()
    forget_ended_tokens()
    forget_expired_sessions()
    forget_counts_that_are_over()
    recordings.sweep()


class Sweeps:
    """What a worker sweeps that serves these queues."""

    def __init__(self, queues: Collection[str]) -> None:
        self.queues = queues
        self.cleaned_up_at = -math.inf

    def once(self) -> None:
        """Repair; and clean up, if that is this worker's and nothing goes before it."""
        repair()
        if CHORES in self.queues and not self._gives_way():
            clean_up()
            self.cleaned_up_at = time.monotonic()

    def _gives_way(self) -> bool:
        is_patient = time.monotonic() - self.cleaned_up_at < settings.GIVE_WAY_S
        # One after the other: each has an index of its own.
        return is_patient and GENERATE in self.queues and (leases.waiting().exists() or leases.taken().exists())

    def until(self, over: threading.Event) -> None:
        """Sweep every JOB_SWEEP_S seconds."""
        while not over.wait(settings.JOB_SWEEP_S):
            try:
                self.once()
            except Exception:
                # Whatever it was, the next sweep may succeed; without sweeps tasks would stay running for ever.
                log.exception("the sweep failed; it is tried again in %s s", settings.JOB_SWEEP_S)
            finally:
                connection.close()


@contextmanager
def sweeping(queues: Collection[str] = QUEUES) -> Iterator[None]:
    """Sweep now, and then every JOB_SWEEP_S seconds until the block ends; the chores if ``queues`` has them."""
    sweeps, over = Sweeps(queues), threading.Event()
    sweeps.once()
    thread = threading.Thread(target=sweeps.until, args=(over,), name="sweep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def repair_waiting(task_id: str) -> None:
    """Take a waiting row back that the original failed; end the job of one that was cancelled."""
    with leases.short_transaction():
        task = ChoreographyTask.objects.select_for_update(no_key=True).filter(pk=task_id).first()
        job = leases.live().select_for_update().filter(pk=task_id, token__isnull=True).first()
        if job is None:
            return  # taken up or ended meanwhile
        if task is None and not original.was_purged(job):
            leases.end_for_all(task_id, Job.Outcome.CANCELLED, error=f"Task {task_id} was cancelled.")
            files.note_video(job)
        if task is not None and original.was_given_up(task):
            ChoreographyTask.objects.filter(pk=task_id).update(
                status=ChoreographyTask.Status.STARTED, error=None, updated_at=Now()
            )
