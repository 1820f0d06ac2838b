"""What a switch has cost people, computed from their diaries."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.clients.diary import DiaryEntry, Lag, TaskSeen, Visit

# A browser may finish what it does on an open connection; after this it counts as stuck.
GRACE_S = 2.0


@dataclass(frozen=True)
class RecordMove:
    """One move of the record; times in seconds since the epoch.

    ``decided`` is when the command was typed, ``written`` when the name server first answered the new address, and
    ``until`` when the measurement ends.
    """

    before: str
    after: str
    decided: float
    written: float
    until: float
    ttl_s: float


@dataclass(frozen=True)
class Cost:
    """What one move has cost.

    ``propagation_s`` is from the change of the record to the last request that the system after it did not answer,
    ``visible_s`` the same from the decision. ``stuck`` people came there later than the TTL allows.
    """

    requests: int
    old_tab_requests: int
    failed: int
    retried: int
    fell_back: int
    sessions_lost: int
    tasks_in_flight: int
    tasks_lost: int
    propagation_s: float
    visible_s: float
    stuck: int

    @property
    def old_tab_pct(self) -> float:
        """Share of the requests that came from tabs of the other system."""
        return round(100 * self.old_tab_requests / self.requests, 1) if self.requests else 0.0


def cost(entries: Sequence[DiaryEntry], moved: RecordMove) -> Cost:
    """Return what a move has cost. With ``requests`` at 0 nothing was measured."""
    visits = [e for e in entries if isinstance(e, Visit) and moved.decided <= e.at <= moved.until]
    # Unanswered requests do not count as arrived: they may have gone to a dead system.
    late = [v for v in visits if v.by != moved.after and v.at > moved.written]
    last = max((v.at for v in late), default=moved.written)
    flying = in_flight(entries, moved)
    return Cost(
        requests=len(visits),
        old_tab_requests=sum(v.from_old_tab for v in visits),
        failed=sum(bool(v.failed) for v in visits),
        retried=sum(v.retried for v in visits),
        fell_back=sum(v.fell_back for v in visits),
        sessions_lost=sessions_lost(visits),
        tasks_in_flight=len(flying),
        tasks_lost=sum(is_lost(task) for task in flying),
        propagation_s=round(last - moved.written, 2),
        visible_s=round(last - moved.decided, 2),
        stuck=len({v.person for v in late if v.at > moved.written + moved.ttl_s + GRACE_S}),
    )


def tasks(entries: Iterable[DiaryEntry]) -> list[TaskSeen]:
    """Return every task as it was seen last."""
    return list({e.task: e for e in entries if isinstance(e, TaskSeen)}.values())


def is_lost(task: TaskSeen) -> bool:
    """Whether a task never completed for the person who waited for it."""
    return not task.cancelled and task.status != "completed"


def in_flight(entries: Sequence[DiaryEntry], moved: RecordMove) -> list[TaskSeen]:
    """Return the tasks that ran while the record changed, or that ended on the other system than they began on."""
    return [
        task
        for task in tasks(entries)
        if not task.cancelled
        and task.started <= moved.until
        and (task.ended is None or task.ended >= moved.decided)
        and (task.started <= moved.written or task.started_by != task.ended_by)
    ]


def sessions_lost(visits: Iterable[Visit]) -> int:
    """Return how many people were logged out."""
    return len({v.person for v in visits if v.session_lost})


def lag_p95_s(entries: Iterable[DiaryEntry]) -> float:
    """Return how long 95 of 100 rows took until the other system read them; infinite when none was seen.

    A row that was not read in time counts as infinitely late.
    """
    lags = sorted(math.inf if e.seconds is None else e.seconds for e in entries if isinstance(e, Lag))
    return lags[math.ceil(0.95 * len(lags)) - 1] if lags else math.inf
