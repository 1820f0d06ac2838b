"""Worlds put on a stage: what the check says of their twins, and of the differences planted into them."""

import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from handover.finding import Finding
from handover.side import Side
from handover_testing.drifts import catalog_drifts
from handover_testing.drifts.drawn.differences import differences
from handover_testing.drifts.drawn.twins import twins
from handover_testing.drifts.drawn.world import World
from handover_testing.drifts.drawn.worlds import worlds
from handover_testing.drifts.drift import Drift
from handover_testing.drifts.every import read_clean
from handover_testing.drifts.fork_server import ForkServer, fork_server
from handover_testing.drifts.play import Outcome
from handover_testing.drifts.projects import Project
from handover_testing.drifts.stage import Stage, build
from sandbox.fixtures import server_for_this_run
from sandbox.postgres import Server

ALARMING = ("breaking", "risky", "unseen")


@dataclass(frozen=True)
class Drawn:
    """A world, its twins, and numbers that choose the differences to plant."""

    world: World
    twins: tuple[Project, ...]
    choices: tuple[int, ...]


@dataclass(frozen=True)
class Planted:
    """What became of a difference: how bad it is, and how bad the check called it at its place; None: it missed it."""

    name: str
    place: str
    expected: str
    severity: str | None
    said: tuple[str, ...]

    @staticmethod
    def of(outcome: Outcome) -> "Planted":
        """Return the plain facts, which can go from one process to another."""
        drift, said = outcome.drift, tuple(f"{f.code} {f.severity} {f.where}" for f in outcome.said)
        return Planted(drift.name, drift.place, drift.severity, outcome.severity, said)


@dataclass
class Tally:
    """What the check said: of each twin, and of each planted difference."""

    twins: dict[str, list[str]] = field(default_factory=dict)
    planted: list[Planted] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Take in another one."""
        self.twins |= other.twins
        self.planted += other.planted

    @property
    def alarms(self) -> dict[str, list[str]]:
        """The twins that are not clean."""
        return {name: said for name, said in self.twins.items() if said}

    @property
    def missed(self) -> list[Planted]:
        """The differences of which nothing was said at their place."""
        return [p for p in self.planted if p.severity is None]

    @property
    def misjudged(self) -> list[Planted]:
        """The differences that were seen, but called better or worse than they are."""
        return [p for p in self.planted if p.severity not in (None, p.expected)]


def draw(twins_each: int, differences_each: int, seed_number: int) -> Drawn:
    """Draw a world by Hypothesis; the same number gives the same one.

    It is the second example: the first is always the smallest, and later ones may be like those before.
    """
    found: list[Drawn] = []

    @seed(seed_number)
    @settings(
        max_examples=2,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def collect(data: st.DataObject) -> None:
        world = data.draw(worlds())
        equal = tuple(data.draw(twins(world)) for _ in range(twins_each))
        numbers = st.integers(0, 1 << 30)
        found.append(Drawn(world, equal, tuple(data.draw(numbers) for _ in range(differences_each))))

    collect()
    return found[-1]


def play_alone(numbers: Iterable[int], twins_each: int, differences_each: int) -> Tally:
    """Draw worlds and play them on a server of their own; for a process of its own."""
    with server_for_this_run() as server, fork_server() as parent:
        return play(numbers, twins_each, differences_each, server, parent)


def play(numbers: Iterable[int], twins_each: int, differences_each: int, server: Server, parent: ForkServer) -> Tally:
    """Draw a world of each number, put it on a stage, and play its twins and differences."""
    tally = Tally()
    for number in numbers:
        drawn = draw(twins_each, differences_each, number)
        with _staged(drawn.world, server, parent) as staged:
            for place, twin in enumerate(drawn.twins):
                said = [str(f) for f in staged.of_twin(twin) if f.severity in ALARMING]
                tally.twins[f"world {number}, twin {place}"] = said
            tally.planted += [Planted.of(outcome) for outcome in _planted(drawn, staged)]
    return tally


def _planted(one: Drawn, staged: "_Staged") -> Iterator[Outcome]:
    """Plant as many as were drawn: of the differences of models two thirds, of the live catalog one."""
    stage = staged.stage
    models = list(differences(one.world))
    live = list(catalog_drifts.drifts(stage.shape, read_clean(stage, stage.server))) if one.choices else []
    for number, choice in enumerate(one.choices):
        of_kind = live if number % 3 == 2 else models
        while True:
            try:
                yield staged.of_difference(of_kind.pop(choice % len(of_kind)))
            except psycopg.DatabaseError:
                continue  # PostgreSQL does not do that to such a table: the next one
            break


class _Staged:
    """A world on its stage; the original has described itself once."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.clean = {side: stage.described(stage.folder / "clean", side, stage.database) for side in Side}
        with self._clone() as database:
            self.baseline = stage.looked(stage.config(stage.folder / "clean", stage.pair), self.clean, database)

    @contextmanager
    def _clone(self, sql: str = "") -> Iterator[str]:
        name = f"drawn_{secrets.token_hex(5)}"
        self.stage.server.create_database(name, template=self.stage.database)
        try:
            if sql:
                with self.stage.server.connect(name) as connection:
                    connection.execute(sql.encode())
            yield name
        finally:
            self.stage.server.drop_database(name)

    def of_twin(self, twin: Project) -> tuple[Finding, ...]:
        """Return what the check says of a twin as the backend."""
        return self._looked({"original": self.stage.pair["original"], "backend": twin}, ("backend",), "")

    def of_difference(self, drift: Drift) -> Outcome:
        """Return what became of a difference."""
        projects = {side: project.copy() for side, project in self.stage.pair.items()}
        changed: tuple[Side, ...] = ()
        if drift.edit:
            drift.edit(projects)
            changed = ("original",) if drift.kind.startswith("original") else ("backend",)
        said = self._looked(projects, changed, drift.sql)
        return Outcome(drift, tuple(f for f in said if f not in set(self.baseline)), {})

    def _looked(self, projects: dict[Side, Project], changed: tuple[Side, ...], sql: str) -> tuple[Finding, ...]:
        stage = self.stage
        folder = stage.folder / secrets.token_hex(4)
        stage.write(folder, projects)
        described: dict[Side, dict[str, Any]] = dict(self.clean)
        described |= {side: stage.described(folder, side, stage.database) for side in changed}
        with self._clone(sql) as database:
            said = stage.looked(stage.config(folder, projects), described, database)
        shutil.rmtree(folder)
        return said


@contextmanager
def _staged(world: World, server: Server, parent: ForkServer) -> Iterator[_Staged]:
    with tempfile.TemporaryDirectory() as place:
        stage = build(world.shape(f"drawn_{secrets.token_hex(4)}"), Path(place), server, parent)
        try:
            yield _Staged(stage)
        finally:
            with server.connect() as connection:
                connection.execute(f"ALTER DATABASE {stage.database} IS_TEMPLATE false".encode())
            server.drop_database(stage.database)
