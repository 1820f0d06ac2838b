"""Every planted fault of every group of proofs, and clean pairs; each group has its own way to run them."""

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from handover.errors import HandoverError
from handover.proof.explain import check
from handover.proof.outcome import Outcome
from handover_testing.drifts.benign import changes
from handover_testing.drifts.shapes import DANCE
from handover_testing.drifts.stage import Stage
from handover_testing.faults import concurrent, concurrent_play, identity, oddities, own_rows, play, read_across, stores
from handover_testing.faults.fault import Fault
from sandbox.search.server import SearchServer

HISTORIES = "histories"  # the synthetic histories of concurrent-writes
# Those harmless changes that could affect rows, locks or plans.
BENIGN = (
    "auth_user: nullable columns that no model knows",
    "inheritance: the model forgets an index",
    "arrays_and_ranges: a GIN index more in the database",
    "auth_user: unique as a constraint",
)


@dataclass(frozen=True)
class Ground:
    """Where to run faults: a clean stage of each shape, an interpreter that starts fast, and a search server."""

    stages: dict[str, Stage]
    python: list[str]
    folder: Path
    search: SearchServer


@dataclass(frozen=True)
class Case:
    """One fault, or one clean pair; ``plays`` runs it and returns whether the proof was right, and what it found."""

    group: str
    name: str
    planted: bool
    plays: Callable[[Ground], tuple[bool, str]]
    shape: str = DANCE.name


class Verdict(NamedTuple):
    """Whether the proof was right, what it said, and how long that took."""

    right: bool
    said: str
    seconds: float


@dataclass(frozen=True)
class Played:
    """The result of one case."""

    case: Case
    right: bool
    said: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.case.group}: {self.case.name}: {self.said}"


def play_case(case: Case, ground: Ground) -> Verdict:
    """Run one case; the refusal of a system or a server is a result, too."""
    began = time.monotonic()
    try:
        right, said = case.plays(ground)
    except (HandoverError, psycopg.Error) as error:
        right, said = False, f"{type(error).__name__}: {error}"
    return Verdict(right, said, time.monotonic() - began)


def every() -> Iterator[Case]:
    """Yield every fault, then every clean pair."""
    for fault in (*read_across.faults(), *own_rows.faults(), *oddities.faults(), *identity.faults()):
        yield Case(fault.group, fault.name, True, partial(_row_by_row, fault), fault.shape)
    for history in concurrent.histories():
        yield Case(HISTORIES, history.name, True, partial(_history, history), "")
    for faulty in concurrent.SYSTEMS:
        yield Case("concurrent-writes", faulty.name, True, partial(_system, faulty))
    for planted in stores.FAULTS:
        yield Case(planted.group, planted.name, True, partial(_store, planted))
    yield from clean_pairs()


def clean_pairs() -> Iterator[Case]:
    """Yield pairs of several shapes without a fault, and harmless changes."""
    benign = (
        Fault(f"clean {drift.name}", read_across.GROUP, drift.shape, edit=drift.edit, files=drift.files, sql=drift.sql)
        for drift in changes()
        if drift.name in BENIGN
    )
    for fault in (*read_across.clean(), *own_rows.clean(), *oddities.clean(), *benign, *identity.clean()):
        yield Case(fault.group, fault.name, False, partial(_row_by_row, fault), fault.shape)
    yield Case("concurrent-writes", "clean writers", False, _clean_writers)
    for group in stores.GROUPS:
        yield Case(group, f"clean {group}", False, partial(_clean_store, group, False))
    yield Case("search", "clean search over HTTP", False, partial(_clean_store, "search", True))


# --- each group's way


def _row_by_row(fault: Fault, ground: Ground) -> tuple[bool, str]:
    played = play.play(ground.stages[fault.shape], fault, ground.python, ground.folder)
    return played.caught if fault.code else played.green, str(played)


def _history(fault: concurrent.HistoryFault, _: Ground) -> tuple[bool, str]:
    """Check the fault's rows among clean ones: only the expected anomaly may be found."""
    found = check(concurrent.in_between(fault, seed=3), fault.writers).tally.counts
    wanted = fault.expected
    expected = (wanted.kind, wanted.side, wanted.style)
    right = {tuple(cause) for cause in found} == {expected}
    return right, f"expected {expected}, found {[*map(tuple, found)] or 'nothing'}"


def _system(fault: concurrent.SystemFault, ground: Ground) -> tuple[bool, str]:
    outcome = concurrent_play.play(ground.stages[DANCE.name], fault, ground.folder, python=ground.python)
    return concurrent_play.caught(fault, outcome), f"expected {fault.kind} by the backend, said {_told(outcome)}"


def _clean_writers(ground: Ground) -> tuple[bool, str]:
    outcome = concurrent_play.play(
        ground.stages[DANCE.name], concurrent_play.CLEAN, ground.folder, python=ground.python
    )
    return _green(outcome), f"said {_told(outcome)}"


def _store(fault: stores.Fault, ground: Ground) -> tuple[bool, str]:
    with pytest.MonkeyPatch.context() as patch:
        outcome = stores.played(ground.stages[DANCE.name], ground.folder, ground.python, ground.search, patch, fault)
    said = f"expected {fault.code}, said {_told(outcome)}"
    return any(failure.finding.code == fault.code for failure in outcome.failures), said


def _clean_store(group: stores.Group, over_http: bool, ground: Ground) -> tuple[bool, str]:
    stage = ground.stages[DANCE.name]
    ground.folder.mkdir(exist_ok=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory(dir=ground.folder) as place,
        stores.stand(stage, Path(place, "pair"), ground.python, ground.search, patch) as stand,
    ):
        stand.over_http = over_http
        outcome = stand.proved(group)
    return _green(outcome), f"said {_told(outcome)}"


def _green(outcome: Outcome) -> bool:
    return not (outcome.failures or outcome.empty)


def _told(outcome: Outcome) -> str:
    told = [f"{failure.finding.code} {failure.finding.where}" for failure in outcome.failures]
    return ", ".join([*told, *(f"nothing of {name}" for name in outcome.empty)]) or "nothing"
