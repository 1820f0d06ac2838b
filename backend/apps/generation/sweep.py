"""Repair what killed workers and the original left: no task stays running for ever.

Every worker sweeps when it starts and then every JOB_SWEEP_S seconds; two sweeps at once do no harm.
"""

import logging
import threading
from collections.abc import Iterator
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
    """Sweep once."""
    calls.repeat_stalled_calls()
    turns.join_all()
    for task_id in original.touched_while_waiting(at_most=REPAIRS):
        repair_waiting(task_id)
    original.fail_what_it_left()
    remove_forgotten()
    files.remove_abandoned_drafts()
    remove_abandoned(Path(settings.BACHATEO_CACHE))
    if cloud_run.is_used():
        executions.reconcile()
    queue.call_worker_if_due()
    forget_old_events()
    forget_ended_tokens()
    forget_expired_sessions()
    forget_counts_that_are_over()
    following.sweep()
    counting.sweep()
    recordings.sweep()
    runs.SWEPT.set_to_current_time()


@contextmanager
def sweeping() -> Iterator[None]:
    """Sweep now, and then every JOB_SWEEP_S seconds until the block ends."""
    sweep()
    over = threading.Event()
    thread = threading.Thread(target=_sweep_until, args=(over,), name="sweep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _sweep_until(over: threading.Event) -> None:
    while not over.wait(settings.JOB_SWEEP_S):
        try:
            sweep()
        except Exception:
            # Whatever it was, the next sweep may succeed; without sweeps tasks would stay running for ever.
            log.exception("the sweep failed; it is tried again in %s s", settings.JOB_SWEEP_S)
        finally:
            connection.close()


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
