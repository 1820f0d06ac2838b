"""What is counted, and that nothing seen is no good news."""

import math
from dataclasses import replace

from sandbox.clients.diary import Lag, TaskSeen, Visit
from sandbox.clients.figures import RecordMove, cost, is_lost, lag_p95_s, tasks

MOVED = RecordMove("original", "backend", decided=100.0, written=102.0, until=200.0, ttl_s=30.0)
FINE = Visit(150.0, "ana", "original", "backend", "look", "GET", "/", 200, 1.0)
TASK = TaskSeen("t", "ana", 101.0, "original", 110.0, "backend", "completed")


def test_cost__requests_of_the_look_only__and_old_tabs_among_them() -> None:
    own = replace(FINE, tab="backend")
    typed = replace(FINE, tab="")
    seen = cost([replace(FINE, at=99.0), FINE, own, own, typed, replace(FINE, at=201.0)], MOVED)
    assert (seen.requests, seen.old_tab_requests, seen.old_tab_pct, seen.failed) == (4, 1, 25.0, 0)


def test_cost__last_request_of_the_system_before__is_the_propagation() -> None:
    late = replace(FINE, by="original", at=133.0)
    seen = cost([FINE, late], MOVED)
    assert (seen.propagation_s, seen.visible_s, seen.stuck) == (31.0, 33.0, 0)
    assert cost([FINE, replace(late, by="", failed="ConnectError")], MOVED).propagation_s == 31.0
    stuck = replace(late, at=134.5)
    assert cost([stuck, stuck, replace(stuck, person="ben")], MOVED).stuck == 2


def test_cost__task_across_the_move__is_in_flight_and_lost_when_it_never_ends() -> None:
    before = replace(TASK, task="before", started=90.0, ended=99.0, ended_by="original")
    here = replace(TASK, task="here", started=120.0, started_by="backend")
    crossed = replace(TASK, task="crossed", started=120.0)
    lost = replace(TASK, task="lost", ended=None, ended_by="", status="")
    failed = replace(TASK, task="failed", status="failed")
    cancelled = replace(TASK, task="cancelled", status="", cancelled=True)
    seen = cost([before, here, crossed, TASK, lost, failed, cancelled], MOVED)
    assert (seen.tasks_in_flight, seen.tasks_lost) == (4, 2)
    assert not is_lost(cancelled)


def test_tasks__seen_twice__counts_as_it_was_seen_last() -> None:
    assert tasks([replace(TASK, ended=None, status=""), TASK]) == [TASK]


def test_lag__nothing_seen_or_not_in_time__is_infinite() -> None:
    in_time = [Lag(1.0, "original", "backend", 0.1)] * 18
    assert lag_p95_s(in_time) == 0.1
    assert (
        lag_p95_s([*in_time, Lag(1.0, "original", "backend", None), Lag(2.0, "backend", "original", None)]) == math.inf
    )
    assert lag_p95_s([]) == math.inf
