"""The events of a task, as a browser's EventSource reads them."""

import hashlib
from dataclasses import dataclass
from typing import Any

from apps.authentication.models import User
from apps.choreography import selectors
from apps.choreography.models import ChoreographyTask
from apps.generation.wishes import TaskOut
from apps.jobs.models import Job
from config.errors import NotFoundError
from config.rendering import FiniteJSONRenderer

ENDED = {ChoreographyTask.Status.COMPLETED, ChoreographyTask.Status.FAILED}
# After so many milliseconds a client whose stream ended asks again.
RETRY = b"retry: 2000\n\n"
HEARTBEAT = b": the connection lives\n\n"
GONE = b'id: gone\nevent: end\ndata: {"status": "cancelled"}\n\n'


@dataclass(frozen=True)
class State:
    """What is told of a task at one moment; its ``event_id`` is of what it says."""

    event_id: str
    data: bytes
    has_ended: bool

    def as_events(self) -> bytes:
        """Return the event of this state; after the last one follows one that says so."""
        event = b"id: %s\nevent: task\ndata: %s\n\n" % (self.event_id.encode(), self.data)
        return event + (b"event: end\ndata: {}\n\n" if self.has_ended else b"")


def state_of(task: ChoreographyTask) -> State:
    """Return what /api/choreography/tasks/ID would answer."""
    data: bytes = FiniteJSONRenderer().render(TaskOut(task).data)
    return State(hashlib.blake2b(data, digest_size=12).hexdigest(), data, task.status in ENDED)


def current_state(user: User, task_id: str) -> State | None:
    """Return the state of a task now; None if it was cancelled or forgotten."""
    try:
        return state_of(selectors.task_of(user, task_id))
    except NotFoundError:
        return None


def versions_of(task_ids: set[str]) -> dict[str, tuple[Any, ...]]:
    """Return for each task what changes whenever its state does, but for its place in the queue; in two queries."""
    rows = ChoreographyTask.objects.filter(pk__in=task_ids)
    jobs = Job.objects.filter(pk__in=task_ids)
    found: dict[str, tuple[Any, ...]] = dict.fromkeys(task_ids, ())
    for pk, *columns in rows.values_list("pk", "status", "stage", "progress", "updated_at"):
        found[pk] = tuple(columns)
    for pk, *columns in jobs.values_list("pk", "token", "attempt", "outcome"):
        found[pk] = (*found.get(pk, ()), *columns)
    return found
