"""How far each step is: marked in the transaction of its statements, so that a crash leaves both or neither."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql
from psycopg.types.json import Jsonb

_DONE = """
    INSERT INTO handover.evolution_steps (evolution, run, step, done_at) VALUES (%s, %s, %s, clock_timestamp())
    ON CONFLICT (evolution, run, step) DO UPDATE SET done_at = clock_timestamp()
"""
_KEEP = """
    INSERT INTO handover.evolution_steps (evolution, run, step, cursor) VALUES (%s, %s, %s, %s)
    ON CONFLICT (evolution, run, step) DO UPDATE SET cursor = excluded.cursor
"""
_MARKED = "SELECT step FROM handover.evolution_steps WHERE (evolution, run) = (%s, %s) AND done_at IS NOT NULL"
_READ = "SELECT done_at IS NOT NULL, cursor FROM handover.evolution_steps WHERE (evolution, run, step) = (%s, %s, %s)"


@dataclass(frozen=True)
class StepMark:
    """The mark of one step in one run of a command; ``role`` owns the journal.

    Each method but ``done_on_disk`` works in the caller's transaction; each leaves the session's role as it was.
    """

    role: str
    evolution: str
    run: str
    step: str

    def done(self, connection: Connection[Any]) -> None:
        """Mark the step as done."""
        self._execute(connection, _DONE)

    def done_on_disk(self, connection: Connection[Any]) -> None:
        """Mark the step as done, and wait until the disk has that and all that was committed before.

        Only then may the journal say so: its entry can reach the copy on this machine while the database is gone, and
        a database that comes back without the step would be taken for one that has it.
        """
        with connection.transaction():
            connection.execute("SET LOCAL synchronous_commit = on")
            self.done(connection)

    def keep(self, connection: Connection[Any], cursor: Mapping[str, Any]) -> None:
        """Keep how far it is."""
        self._execute(connection, _KEEP, Jsonb(dict(cursor)))

    def read(self, connection: Connection[Any]) -> tuple[bool, dict[str, Any]]:
        """Return whether it is done, and how far it is."""
        row = self._execute(connection, _READ)
        return (bool(row[0]), dict(row[1])) if row else (False, {})

    def _execute(self, connection: Connection[Any], text: str, *more: object) -> tuple[Any, ...] | None:
        with connection.transaction():
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(self.role)))
            found = connection.execute(text.encode(), [self.evolution, self.run, self.step, *more])
            row = found.fetchone() if found.description else None
            connection.execute("RESET ROLE")
        return row


def marked(connection: Connection[Any], role: str, evolution: str, run: str) -> frozenset[str]:
    """Return the names of the steps of a run that are done by their marks.

    Parameters
    ----------
    connection, role
        A session, and the role that owns the journal.
    evolution, run
        The evolution's name, and the run's id.
    """
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        # A database that was set back to before its first evolution has no such table.
        is_there = connection.execute("SELECT to_regclass('handover.evolution_steps') IS NOT NULL").fetchone()
        rows = connection.execute(_MARKED, [evolution, run]).fetchall() if is_there == (True,) else []
        connection.execute("RESET ROLE")
    return frozenset(str(step) for (step,) in rows)
