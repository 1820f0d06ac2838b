"""The lease of a job: the right to write. A worker that has lost its lease writes nothing any more.

Every write goes through ``held``, which locks the job's row and compares the token. Rows are always
locked in the order task, job: the original's delete of a user locks them in that order too.
"""

import contextvars
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from apps.jobs.models import Job

log = logging.getLogger(__name__)

RENEWALS_PER_LEASE = 3
RENEWED_AFTER_S = 1.0  # at the latest: people wait for what is done at each renewal
# The owner of a job for which an execution was asked, until the execution takes the job over.
RESERVED = "an execution that was asked for"


# Lets the server end this transaction if its process is stopped in the middle of it.
SHORT = "set_config('idle_in_transaction_session_timeout', %s, true)"


class LeaseLostError(Exception):
    """Another worker has the job now, or it has ended."""


@dataclass(frozen=True)
class Lease:
    """The right to work on one job. The token is the fence; a new attempt has a new one."""

    task_id: str
    user_id: int
    token: uuid.UUID
    attempt: int


def live() -> QuerySet[Job]:
    """Return the jobs that have not ended, oldest first."""
    return Job.objects.filter(outcome__isnull=True)


def waiting() -> QuerySet[Job]:
    """Return the live jobs that no worker has, oldest first."""
    return live().filter(token__isnull=True)


def taken() -> QuerySet[Job]:
    """Return the live jobs that a worker has, or had until it was lost."""
    return live().filter(token__isnull=False)


def left_behind() -> QuerySet[Job]:
    """Return the live jobs whose worker is gone."""
    return taken().filter(lease_expires_at__lt=Now())


def take(task_id: str, *, queue_job_id: int) -> Lease | None:
    """Take a job that no worker has, or whose lease has run out. None: another worker was faster."""
    return _take(task_id, _free(), owner=_owner(), queue_job_id=queue_job_id)


def reserve(task_id: str) -> Lease | None:
    """Take a free job for an execution that will be asked for. None: another process was faster."""
    return _take(task_id, _free(), owner=RESERVED, queue_job_id=None)


def take_over(task_id: str) -> Lease | None:
    """Take a job for this execution: one that is free or reserved, or that it had before it was restarted.

    None: it has ended, or another execution has it.
    """
    owner = _owner()
    restarted = Q(owner=owner) if settings.EXECUTION else Q(pk__in=[])
    return _take(task_id, _free() | Q(owner=RESERVED) | restarted, owner=owner, queue_job_id=None)


def _free() -> Q:
    return Q(token__isnull=True) | Q(lease_expires_at__lt=Now())


def _take(task_id: str, which: Q, *, owner: str, queue_job_id: int | None) -> Lease | None:
    job = live().select_for_update().filter(which, pk=task_id).first()
    if job is None:
        return None
    token = uuid.uuid4()
    # The reservation was counted as the attempt that begins now.
    attempt = job.attempt if job.owner == RESERVED and owner != RESERVED else job.attempt + 1
    Job.objects.filter(pk=task_id).update(
        token=token,
        owner=owner,
        lease_expires_at=_expiry(),
        attempt=attempt,
        began_at=Now(),
        queue_job_id=queue_job_id,
    )
    return Lease(task_id, job.user_id, token, attempt)


def undo(reservation: Lease) -> None:
    """Let a reserved job wait again, as if it had not been reserved, unless it was taken over meanwhile."""
    live().filter(pk=reservation.task_id, token=reservation.token).update(
        token=None, owner="", lease_expires_at=None, attempt=reservation.attempt - 1, began_at=None
    )


def renew_reservation(task_id: str) -> None:
    """Keep a job reserved: its execution is on its way."""
    live().filter(pk=task_id, owner=RESERVED).update(lease_expires_at=_expiry())


def expire(task_id: str, token: uuid.UUID) -> bool:
    """Let a lease run out now: its process is gone. False: it is another's already."""
    return live().filter(pk=task_id, token=token).update(lease_expires_at=Now()) == 1


def give_back(task_id: str) -> bool:
    """Let a job that was left behind wait again. False: its worker has come back, or another was faster."""
    if left_behind().select_for_update().filter(pk=task_id).first() is None:
        return False
    live().filter(pk=task_id).update(token=None, owner="", lease_expires_at=None)
    return True


def held(lease: Lease) -> Job:
    """Return the job, locked until the transaction ends. Raises LeaseLostError."""
    job = live().select_for_update().filter(pk=lease.task_id, token=lease.token).first()
    if job is None:
        raise LeaseLostError(
            f"The lease of task {lease.task_id} (attempt {lease.attempt}) was lost; nothing is written."
        )
    return job


def end(lease: Lease, outcome: str, **how: Any) -> None:
    """Write how it ended (``result``, ``relaxed``, ``error`` …), which ends the lease too. Raises LeaseLostError."""
    held(lease)
    _end(lease.task_id, outcome, **how)


def end_for_all(task_id: str, outcome: str, *, error: str) -> None:
    """End a job even if a worker has it; the worker finds its lease gone."""
    live().filter(pk=task_id).select_for_update().first()
    _end(task_id, outcome, error=error)


def _end(task_id: str, outcome: str, **how: Any) -> None:
    live().filter(pk=task_id).update(
        outcome=outcome, ended_at=Now(), token=None, owner="", lease_expires_at=None, **how
    )


@contextmanager
def kept(
    lease: Lease, *, each_time: Callable[[], None], when_stuck: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Renew the lease in the background until the block ends, but no longer than JOB_TIME_LIMIT_S.

    ``when_stuck`` is called if the block still runs when the lease has run out after that.
    """
    over = threading.Event()
    named = contextvars.copy_context()  # its lines in the log are of the same run
    thread = threading.Thread(
        target=named.run, args=(_keep, lease, over, each_time, when_stuck), name=f"lease-{lease.task_id}", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _keep(lease: Lease, over: threading.Event, each_time: Callable[[], None], when_stuck: Callable[[], None]) -> None:
    give_up_at = time.monotonic() + settings.JOB_TIME_LIMIT_S
    # A worker that hangs would renew for ever, so its time is limited. After that another may take the job.
    wait_s = min(settings.JOB_LEASE_S / RENEWALS_PER_LEASE, RENEWED_AFTER_S)
    while not over.wait(wait_s) and time.monotonic() < give_up_at:
        try:
            if not _renew(lease):
                break
            each_time()
        except (Error, LeaseLostError) as error:
            log.warning("task %s: %s", lease.task_id, error)
            connection.close()
    connection.close()
    if time.monotonic() >= give_up_at and not over.wait(settings.JOB_LEASE_S):
        when_stuck()


def _renew(lease: Lease) -> bool:
    mine = live().filter(pk=lease.task_id, token=lease.token)
    return mine.update(lease_expires_at=_expiry()) == 1


@contextmanager
def short_transaction() -> Iterator[None]:
    """Begin a transaction that the server ends if this process is stopped in the middle of it.

    Otherwise the locks of a stopped worker would keep all others from taking its job.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {SHORT}", [shortest_ms()])
        yield


def shortest_ms() -> str:
    """Return the value of SHORT: after so long without a word from this process a transaction has ended."""
    return str(max(1000, round(settings.JOB_LEASE_S * 1000)))


def _expiry() -> Any:
    # The database's clock: those of two machines differ.
    return Now() + timedelta(seconds=settings.JOB_LEASE_S)


def _owner() -> str:
    return settings.EXECUTION or f"{socket.gethostname()}:{os.getpid()}"
