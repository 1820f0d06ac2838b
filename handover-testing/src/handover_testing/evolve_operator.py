"""A database with a table of jobs, a journal, and an operator who evolves it by a plan written by hand."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from handover.config.config import Config, load_config
from handover.config.evolve import EVOLVE_GATES
from handover.evolve.commands import evolve_commands
from handover.evolve.context import EvolveContext, open_evolve_context
from handover.evolve.position import CurrentEvolution, current_evolution
from handover.evolve.remains import remains
from handover.evolve.resume import resume_evolution, resume_evolution_back
from handover.evolve.statement import EvolutionPlan
from handover.journal.entry import JournalEntry
from handover.journal.journal import opened
from handover.runs.command import start_command
from handover_testing.handmade_plan import NAME, TABLE, TABLES, handmade_plan
from handover_testing.pair import Pair

START = "evolve start"


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


def _killer(kill_at: str, at: Callable[[str], None]) -> Callable[[str], None]:
    def at_point(point: str) -> None:
        at(point)
        if point == kill_at:
            raise Killed(point)

    return at_point


@dataclass
class EvolveOperator:
    """The operator of an evolution.

    Attributes
    ----------
    pair
        The pair, whose database has the table.
    role
        The role of old clients.
    said
        What commands told people.
    """

    pair: Pair
    role: str
    said: list[str]

    @property
    def config(self) -> Config:
        return load_config(self.pair.folder / "handover.toml")

    @property
    def plan(self) -> EvolutionPlan:
        return handmade_plan(self.role)

    def run(
        self,
        command: str,
        plan: EvolutionPlan | None = None,
        *,
        kill_at: str = "",
        at: Callable[[str], None] = lambda _: None,
        name: str = NAME,
        **facts: Any,
    ) -> str:
        """Perform a command; return the state after it. The process is killed at the point ``kill_at``."""
        given = {"overrides": dict.fromkeys(EVOLVE_GATES, "a trial")} | facts
        with self.context(command, _killer(kill_at, at), name) as context:
            made = plan or (self.plan if command == START else context.plan)
            if command == START:
                given["plan"] = made.as_json()
            start_command(context, evolve_commands(made)[command], given)
            return context.position().state

    def context(
        self, command: str, at: Callable[[str], None] = lambda _: None, name: str = NAME
    ) -> AbstractContextManager[EvolveContext]:
        return open_evolve_context(self.config, command, name, say=self.said.append, at_point=at)

    def resume(self, *, back: bool = False, at: Callable[[str], None] = lambda _: None) -> str:
        with self.context("resume", at) as context:
            if back:
                resume_evolution_back(context, "a trial")
            else:
                resume_evolution(context)
            return context.position().state

    def points_of(self, command: str) -> list[str]:
        """Perform a command and roll it back; return the points between its first entry and its last."""
        points: list[str] = []
        self.run(command, at=points.append)
        self.run("evolve rollback")
        if command != START:
            self.run(START)
        return list(dict.fromkeys(points))[1:-1]

    def killed_at_each_new_point(self, command: str) -> list[str]:
        """Perform a command that is killed at each point, and resumed; return the points."""
        seen: list[str] = []

        def at(point: str) -> None:
            if point not in seen:
                seen.append(point)
                raise Killed(point)

        while True:
            try:
                if self.is_under_way():
                    self.resume(at=at)
                elif "ended" not in seen:
                    self.run(command, at=at)
            except Killed:
                continue
            return seen

    def current(self) -> CurrentEvolution | None:
        with opened(self.config) as journal:
            return current_evolution(journal.entries())

    def is_under_way(self) -> bool:
        current = self.current()
        return current is not None and current.position.run is not None

    def state(self) -> str:
        current = self.current()
        return current.position.state if current else "at rest"

    def entries(self) -> list[JournalEntry]:
        with opened(self.config) as journal:
            return journal.entries()

    def wrong_rows(self) -> list[tuple[Any, ...]]:
        """Return the rows whose two values do not belong to each other; none where only one value is there."""
        columns = {name for (name,) in self.sql("SELECT attname FROM pg_attribute WHERE attrelid = 'jobs'::regclass")}
        if "status_v2" in columns:
            return self._wrong("status", "status_v2")
        return self._wrong("status_v1", "status") if "status_v1" in columns else []

    def _wrong(self, old: str, new: str) -> list[tuple[Any, ...]]:
        wanted = f"CASE {old} WHEN 'started' THEN 'pending' ELSE {old} END"
        return self.sql(f"SELECT * FROM jobs WHERE {new} IS DISTINCT FROM {wanted}")  # noqa: S608 - names of this module

    def sql(self, statement: str, role: str = "owner") -> list[tuple[Any, ...]]:
        with self.connect(role) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    def connect(self, role: str = "owner", **more: Any) -> psycopg.Connection[Any]:
        """Open a session of the owner, or of an old client: ``client``."""
        url = self.pair.database.url("owner")
        if role == "client":
            url = re.sub("//owner:[^@]+@", f"//{self.role}:pass@", url)
        return psycopg.connect(url, autocommit=True, **more)

    def left(self) -> list[str]:
        with self.connect() as connection:
            columns = [(TABLE, "status_v1"), (TABLE, "status_v2")]
            return remains(connection, self.config.evolve, [TABLE], columns, [self.role])


@pytest.fixture
def operator(pair: Pair) -> Iterator[EvolveOperator]:
    role = f"old_{secrets.token_hex(4)}"
    declared = f'[evolve]\nold_roles = ["{role}"]\nother_roles = ["owner"]\nrecycle_s = 0.2\nattempts = 3\n'
    declared += "new_sessions = \"application_name = 'new client'\"\n"
    file = pair.folder / "handover.toml"
    file.write_text(f"{file.read_text()}\n{declared}")
    pair.superuser(f"CREATE ROLE {role} LOGIN PASSWORD 'pass'")
    pair.superuser(f"GRANT {role} TO owner WITH ADMIN OPTION")
    try:
        assert pair.handover("init-journal", "--apply").returncode == 0
        made = EvolveOperator(pair, role, [])
        made.sql(TABLES)
        made.sql(f"GRANT ALL ON {TABLE} TO {role}; GRANT USAGE ON SCHEMA public TO {role}")
        yield made
    finally:
        pair.superuser(f"DROP OWNED BY {role}; DROP ROLE {role}")
