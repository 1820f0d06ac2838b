"""The check of histories: each planted fault is found with its kind and its system, and clean histories are clean."""

import json
import random
from dataclasses import replace

import pytest

from handover.proof.explain import check
from handover.proof.history import RowHistory, Writers, contended
from handover_testing.faults.concurrent import HistoryFault, histories, in_between
from handover_testing.faults.synthetic import WRITERS, clean_rows

FAULTS = histories()


def found(rows: list[RowHistory], fault: HistoryFault) -> set[tuple[str, str | None, str]]:
    return {tuple(cause) for cause in check(rows, fault.writers).tally.counts}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_check__planted_fault__is_found_with_its_kind_and_system_and_nothing_else(fault):
    seen = (fault.expected.kind, fault.expected.side, fault.expected.style)
    assert found(in_between(fault, seed=3), fault) == {seen}


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.unversioned], ids=lambda f: f.name)
def test_check__no_versions__finds_what_shows_by_ids_and_times(fault):
    rows = [replace(row, versions=None) for row in in_between(fault, seed=3)]
    seen = (fault.expected.kind, fault.expected.side, fault.expected.style)
    assert found(rows, fault) == {seen}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("versions", [True, False])
def test_check__clean_history__finds_nothing_and_counts_all(seed, versions):
    rows = list(clean_rows(3_000, seed))
    checked = check(rows if versions else [replace(row, versions=None) for row in rows], WRITERS)
    assert checked.tally.counts == {}
    assert (checked.operations, checked.rows) == (3_000, 4)
    assert 0 < checked.reads < 3_000
    assert bool(checked.versions) is versions


def test_check__anomaly__comes_with_the_few_versions_that_show_it():
    stale = FAULTS[0]
    tally = check(in_between(stale, seed=1), WRITERS).tally
    (failure,) = tally.failures("tasks")
    assert str(failure.finding) == (
        "HO320  tasks: stale save by the original takes back what others wrote meanwhile; "
        "a write keeps the columns that it does not mean.\n"
        "       Write the columns that are meant, by update() with F() or under select_for_update()."
    )
    assert (failure.caused_by, failure.finding.hurts) == ("original", "backend")
    assert failure.reproduce == (
        "row k",
        "version 1: original (agent 0) create 0: no row → [0, 0, started]",
        "version 2: backend (agent 1) update 1000000000: [0, 0, started] → [1000000000, 1, started]",
        "version 3: original (agent 0) save 2: [1000000000, 1, started] → [2, 1, started]",
        "original (agent 0) save 2 knew [0, 0, started]; it ended ok",
    )


def test_failures__ways_are_not_declared__what_every_purge_in_django_does_is_only_a_note():
    fault = next(f for f in FAULTS if f.name == "a purge of a row that is not over")
    tally = check(in_between(fault, seed=1), WRITERS).tally
    assert tally.failures("tasks", undescribed=("original", "backend")) == {}
    assert tally.by_nature(("original",)) == {"purge writes although its condition or its lock does not hold": 1}
    (failure,) = tally.failures("tasks", undescribed=("backend",))
    assert failure.finding.code == "HO330"


def test_failures__ways_are_not_declared__an_update_without_its_condition_is_still_found():
    fault = next(f for f in FAULTS if f.name == "an update without its condition")
    (failure,) = check(in_between(fault, seed=1), WRITERS).tally.failures("tasks", undescribed=("original", "backend"))
    assert failure.finding.code == "HO330"


def test_contended__operations_of_two_agents_overlap__returns_both():
    row = next(clean_rows(4, seed=0))
    times = [(0.0, 1.0), (0.5, 1.5), (1.5, 2.0), (3.0, 4.0)]
    agents = [0, 1, 0, 1]
    row.operations = [
        o._replace(id=agent * 10**9 + n, began=began, ended=ended)
        for n, (o, agent, (began, ended)) in enumerate(zip(row.operations, agents, times, strict=True))
    ]
    assert contended(row) == {0, 10**9 + 1}


def test_contended__operations_of_one_agent__never_overlap():
    row = next(clean_rows(50, seed=0))
    row.operations = [o._replace(id=n, began=0.0, ended=9.0) for n, o in enumerate(row.operations)]
    assert contended(row) == set()


def test_check__operation_on_several_rows__is_counted_once():
    row = next(clean_rows(40, seed=random.Random(0).randrange(9)))  # noqa: S311
    both = row.operations[0]._replace(style="sweep", keys=(row.key, "another"), id=5)
    row.operations.append(both)
    other = RowHistory("another", [both], [])
    assert check([row, other], WRITERS).operations == 41


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_evidence__history_went_through_json__is_checked_as_before(fault):
    rows = [RowHistory.read(json.loads(json.dumps(row.evidence()))) for row in fault.rows]
    writers = Writers.read(json.loads(json.dumps(fault.writers.evidence())))
    assert rows == list(fault.rows)
    assert found(rows, replace(fault, writers=writers)) == found(list(fault.rows), fault)
