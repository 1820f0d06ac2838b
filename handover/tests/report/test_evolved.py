"""The chapter on Phase 2 tells an evolution that really happened."""

import re
from datetime import timedelta

import psycopg
import pytest

from handover.journal.journal import opened
from handover.parallel.history import WatchHistory, Window
from handover.parallel.rule import MetricVerdict
from handover.report.page import page_facts, recorded_gates, rendered
from handover.runs.retries import LockedOutError
from handover_testing.evolve_operator import operator
from handover_testing.handmade_plan import NAME

__all__ = ["operator"]


def chapter_text(operator) -> str:
    with opened(operator.config) as journal:
        page = rendered(page_facts(operator.config, journal, recorded_gates(operator.config, journal)))
    chapter = page.partition('id="phase-2"')[2].partition("<h2")[0]
    return " ".join(re.sub("<[^>]+>", " ", chapter).split())


def test_chapter__no_evolution__says_what_to_type(operator):
    assert "No evolution has begun." in chapter_text(operator)


def test_chapter__from_start_to_contract__tells_stage_rows_locks_worst_client_and_way_back(operator):
    operator.run("evolve start")
    said = chapter_text(operator)
    assert f"{NAME}" in said
    assert "expanded" in said
    assert f"handover evolve rollback {NAME}: one transaction; what was written since is kept." in said
    assert "not watched: run handover watch meanwhile" in said
    slow(operator, 117.0)
    operator.run("evolve switch")
    operator.run("evolve contract")
    slow(operator, 900.0, later=True)  # after the end: no client of the evolution's
    said = chapter_text(operator)
    assert "None but a backup: the old shape was dropped." in said
    assert "117 ms (95 of 100 answers of backend, 1 window)" in said
    assert "Longest strong lock none" not in said
    assert "contract see that nothing is left" in said


def test_chapter__a_step_failed__says_why(operator):
    operator.run("evolve start")
    with psycopg.connect(operator.pair.database.url("owner")) as reader:
        reader.execute("SELECT FROM jobs")
        with pytest.raises(LockedOutError):
            operator.run("evolve switch")
    said = chapter_text(operator)
    assert "failed" in said
    assert "SELECT FROM jobs" in said


def slow(operator, latency_ms: float, *, later: bool = False) -> None:
    end = operator.entries()[-1].at + timedelta(minutes=5 if later else 0)
    start = end if later else end - timedelta(milliseconds=1)
    history = WatchHistory(operator.config, f"test {latency_ms}")
    verdict = MetricVerdict("backend", "latency_p95_ms", latency_ms, "green", "")
    history.add([], Window(start, end + timedelta(seconds=1), (verdict,)))
    history.close()
