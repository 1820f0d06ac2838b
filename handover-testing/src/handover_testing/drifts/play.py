"""Plant a drift on a stage, look, and say whether it was seen."""

import secrets
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from handover.census.census import take_census
from handover.check.merging import merged
from handover.config.config import System
from handover.finding import Finding
from handover.probe.client import Probe, probe
from handover.schema.catalog import read_catalog, snapshot
from handover.schema.models import Description
from handover.schema.rows import read_rows
from handover.schema.subject import DescribedSystem, Subject, search_path_of
from handover.side import Side
from handover_testing.drifts.drift import Drift
from handover_testing.drifts.stage import Stage

WEIGHT = {"breaking": 3, "risky": 2, "unseen": 1, "safe": 0}


@dataclass(frozen=True)
class Outcome:
    """What became of one drift.

    ``said`` holds every finding that the clean pair does not have; ``severity`` is the worst of those at the drift's
    place. ``rivals`` says which of Django's own commands noticed.
    """

    drift: Drift
    said: tuple[Finding, ...]
    rivals: dict[str, bool]

    @property
    def at_place(self) -> tuple[Finding, ...]:
        """The findings at the drift's place."""
        return tuple(f for f in self.said if self.drift.place in f.where and f.severity != "safe")

    @property
    def severity(self) -> str | None:
        """The worst at the place."""
        return max((f.severity for f in self.at_place), key=WEIGHT.__getitem__, default=None)

    @property
    def caught(self) -> bool:
        """Whether the rule that must see it did."""
        return any(f.code == self.drift.code for f in self.at_place)

    @property
    def right_severity(self) -> bool:
        """Whether the worst at the place is as bad as the drift."""
        return self.severity == self.drift.severity


class Player:
    """A stage with what its clean pair says, asked once."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.clean = {side: stage.described(stage.folder / "clean", side, stage.database) for side in Side}
        self._tables = ""
        with self._clone("") as database:
            config = stage.config(stage.folder / "clean", stage.pair)
            self.baseline = stage.looked(config, self.clean, database)
            self._tables = self._inspected(database)
        self.stack = ExitStack()
        self._probes: dict[Side, Probe] = {}

    def close(self) -> None:
        """End the dialogues."""
        self.stack.close()

    def _inspected(self, database: str) -> str:
        answer = self.stage.described(self.stage.folder / "clean", "original", database, ["inspectdb"])
        return str(answer.get("inspectdb"))

    @contextmanager
    def _clone(self, sql: str) -> Iterator[str]:
        name = f"drift_{secrets.token_hex(5)}"
        server = self.stage.server
        server.create_database(name, template=self.stage.database)
        try:
            if sql:
                with server.connect(name) as connection:
                    connection.execute(sql.encode())
            yield name
        finally:
            server.drop_database(name)

    def play(self, drift: Drift, *, rivals: bool = False, mend: Iterable[str] = ()) -> Outcome:
        """Plant a drift in a copy of the pair and of its database, mend it if statements are given, and look."""
        stage = self.stage
        projects = {side: project.copy() for side, project in stage.pair.items()}
        folder = stage.folder / "clean"
        described = self.clean
        with self._clone(drift.sql) as database:
            self._mend(database, mend)
            if drift.edit or drift.files:
                folder = stage.folder / secrets.token_hex(4)
                if drift.edit:
                    drift.edit(projects)
                stage.write(folder, projects, drift.files)
                described = {side: self._described(folder, side, database, drift) for side in Side}
            config = stage.config(folder, projects)
            counts = drift.kind == "data"
            said = self._counted(database) if counts else stage.looked(config, described, database)
            known = set(self.baseline)
            noticed = self._rivals(drift, folder, database) if rivals else {}
        return Outcome(drift, tuple(f for f in said if f not in known), noticed)

    def _mend(self, database: str, statements: Iterable[str]) -> None:
        """Execute statements one by one, as a person does: some refuse to run inside a transaction."""
        for statement in statements:
            with self.stage.server.connect(database) as connection:
                # The clone stands for the pair's database.
                connection.execute(statement.replace(f'"{self.stage.database}"', f'"{database}"').encode())

    def _described(self, folder: Any, side: Side, database: str, drift: Drift) -> dict[str, Any]:
        if drift.kind == f"{'backend' if side == 'original' else 'original'} models" and not drift.files:
            return self.clean[side]
        # A name of its own would be a finding of its own: the clone stands for the pair's database.
        answer = self.stage.described(folder, side, database)
        return _renamed(answer, database, self.stage.database) if answer.get("describe") else answer

    def _counted(self, database: str) -> tuple[Finding, ...]:
        stage = self.stage
        descriptions = {side: Description.model_validate(self.clean[side]["describe"]) for side in Side}
        with snapshot(stage.server.url("owner", database)) as connection:
            catalog = read_catalog(connection)
            sides = tuple(DescribedSystem(name, d, search_path_of(d, catalog)) for name, d in descriptions.items())
            rows, _ = read_rows(connection, catalog, ("public",))
            subject = Subject(stage.config(stage.folder / "clean", stage.pair), catalog, sides, rows)
            _, found = take_census(connection, subject, self.probes(), budget_s=30, say=lambda _: None)
        return merged(found)

    def probes(self) -> dict[Side, Probe]:
        """Return real dialogues with the clean pair, opened at the first call."""
        if not self._probes:
            for side in Side:
                environment = self.stage.environment(side, self.stage.database)
                folder = self.stage.folder / "clean" / side
                system = System(path=folder, python=(sys.executable,), settings="settings", environment=environment)
                self._probes[side] = self.stack.enter_context(probe(side, system, self.stage.folder))
        return self._probes

    def _rivals(self, drift: Drift, folder: Any, database: str) -> dict[str, bool]:
        """Say what Django's own commands notice: both checks on the system that changed, and a new inspectdb."""
        sides: Iterable[Side] = ("original",) if drift.kind.startswith("original") else ("backend",)
        answers = [self.stage.described(folder, side, database, ["makemigrations", "migrate"]) for side in sides]
        checks = any(a.get("error") or a.get("makemigrations") or a.get("migrate") for a in answers)
        return {"migrations": bool(checks), "inspectdb": self._inspected(database) != self._tables}


def _renamed(answer: dict[str, Any], clone: str, template: str) -> dict[str, Any]:
    database = answer["describe"]["settings"]["database"]
    if database["name"] == clone:
        database["name"] = template
    return answer
