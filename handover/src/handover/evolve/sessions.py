"""Sessions of old and new clients: which ones are there, and how those from before are recycled."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection, errors, sql

from handover.config.evolve import EvolveSettings
from handover.errors import Refused
from handover.evolve.expression import declared
from handover.evolve.step_context import StepContext
from handover.wording import counted, one_line

POLL_S = 0.1
_OURS = "application_name LIKE 'handover %%'"
# A role that may not see sessions of others gets NULL for their type and their begin: these count, as if from before.
_SESSIONS = f"""
    SELECT pid, coalesce(usename, ''), coalesce(application_name, ''), coalesce(state, ''), backend_start,
           left(query, 80)
      FROM pg_stat_activity
     WHERE datname = current_database() AND coalesce(backend_type, 'client backend') = 'client backend'
       AND pid <> pg_backend_pid()
       AND NOT {_OURS} AND """
_IDLE = "idle"


@dataclass(frozen=True)
class ClientSession:
    """A session of a client, as ``pg_stat_activity`` has it; ``state`` is empty when this role may not see it."""

    pid: int
    role: str
    application: str
    state: str
    since: datetime | None
    query: str

    def __str__(self) -> str:
        name = self.application or "no name"
        return f"pid {self.pid} ({self.role}, {name}, {self.state or 'state not visible'}): {one_line(self.query)}"


def _read(connection: Connection[Any], condition: sql.Composable, *values: object) -> list[ClientSession]:
    query = sql.SQL(_SESSIONS) + condition + sql.SQL(" ORDER BY pid")
    return [ClientSession(*row) for row in connection.execute(query, list(values)).fetchall()]


def sessions_of(
    connection: Connection[Any], roles: Sequence[str], before: datetime | None = None
) -> list[ClientSession]:
    """Return the sessions of roles in this database.

    Parameters
    ----------
    connection
        As the owner of the tables.
    roles
        The roles.
    before
        Only sessions that began before this moment; None: all.
    """
    if before is None:
        return _read(connection, sql.SQL("usename = ANY(%s)"), list(roles))
    return _read(connection, sql.SQL("usename = ANY(%s) AND (backend_start < %s) IS NOT FALSE"), list(roles), before)


def new_clients(connection: Connection[Any], settings: EvolveSettings) -> list[ClientSession]:
    """Return the sessions that expect the new shape, and those of which that is not known.

    Raises
    ------
    Refused
        ``handover.toml`` does not say how to know them, or says it wrongly.
    """
    return _declared(connection, settings, wanted=True)


def other_clients(connection: Connection[Any], settings: EvolveSettings) -> list[ClientSession]:
    """Return the sessions of old and of carrying roles that do not expect the new shape.

    Raises
    ------
    Refused
        As of :func:`new_clients`.
    """
    roles = {*settings.old_roles, *settings.carrying_roles}
    return [one for one in _declared(connection, settings, wanted=False) if one.role in roles]


def _declared(connection: Connection[Any], settings: EvolveSettings, *, wanted: bool) -> list[ClientSession]:
    if not settings.new_sessions:
        message = (
            "handover.toml does not say which sessions expect the new shape, so it is not known whether any is left."
        )
        todo = "Add a condition on pg_stat_activity: [evolve] new_sessions = \"application_name = 'app 2'\""
        raise Refused(f"{message} {todo}", code="HO642")
    return _where(connection, "new_sessions", settings.new_sessions, "FALSE" if wanted else "TRUE")


def pathless_clients(connection: Connection[Any], settings: EvolveSettings) -> list[ClientSession]:
    """Return the sessions of carrying roles that do not tell that they set their search path.

    Raises
    ------
    Refused
        ``handover.toml`` says wrongly how to know them.
    """
    if not settings.path_sessions:
        return []
    others = _where(connection, "path_sessions", settings.path_sessions, "TRUE")
    return [one for one in others if one.role in settings.carrying_roles]


def _where(connection: Connection[Any], key: str, condition: str, is_not: str) -> list[ClientSession]:
    wanted = sql.SQL("({}) IS NOT {}").format(declared(condition.replace("%", "%%")), declared(is_not))
    try:
        return _read(connection, wanted)
    except errors.ProgrammingError as error:
        said = str(error).strip().splitlines()[0]
        message = f"[evolve] {key} is not a condition on pg_stat_activity: {said}."
        raise Refused(f"{message} Correct it in handover.toml.", code="HO642") from error


def recycle(context: StepContext, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Wait until no session of the given roles is left from before this step began; end those that stay idle.

    Parameters
    ----------
    context
        What the step works with.
    arguments
        ``roles``: the roles whose search path was changed.

    Raises
    ------
    Refused
        A session stays in a transaction, or may not be ended by this role.
    """
    roles, limit_s = list(arguments["roles"]), context.config.evolve.recycle_s
    with context.connect() as connection:
        since = _began(context, connection)
        began, ended = time.monotonic(), 0
        said: set[int] = set()
        while old := sessions_of(connection, roles, since):
            context.go_on()
            fresh = [one for one in old if one.pid not in said]
            said |= {one.pid for one in fresh}
            if fresh:
                context.say(f"waiting for {counted(len(old), 'session')} from before: {'; '.join(map(str, fresh[:3]))}")
            waited_s = time.monotonic() - began
            if waited_s > 2 * limit_s + POLL_S:
                _give_up(old, waited_s)
            if waited_s >= limit_s:
                ended += _end_idle(connection, old)
            time.sleep(POLL_S)
    return {"roles": roles, "since": since.isoformat(), "ended": ended, "waited_s": round(time.monotonic() - began, 1)}


def _began(context: StepContext, connection: Connection[Any]) -> datetime:
    """Return when the step began, by the database's clock: the settings of the roles were changed before that."""
    kept = context.cursor(connection).get("since")
    if kept:
        return datetime.fromisoformat(kept)
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    since: datetime = row[0]
    context.keep(connection, {"since": since.isoformat()})
    return since


def _end_idle(connection: Connection[Any], old: Sequence[ClientSession]) -> int:
    """End the idle ones of these sessions; return how many.

    The state is looked at again in the same statement: a session that has begun a transaction since is left alone.
    """
    idle = [one.pid for one in old if one.state == _IDLE]
    query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid = ANY(%s) AND state = 'idle'"
    try:
        row = connection.execute(query, [idle]).fetchone()
    except errors.InsufficientPrivilege as error:
        names = ", ".join(sorted({one.role for one in old}))
        message = f"sessions of {names} are left from before, and this role may not end them."
        todo = "Restart those systems, or: GRANT pg_signal_backend TO this role. Then: handover resume"
        raise Refused(f"{message} {todo}", code="HO643") from error
    return int(row[0]) if row else 0


def _give_up(old: Sequence[ClientSession], waited_s: float) -> None:
    lines = "\n".join(f"       {one}" for one in old[:5])
    message = f"{counted(len(old), 'session')} from before would not end within {waited_s:.0f} s:\n{lines}"
    raise Refused(f"{message}\n       End them or restart their system, then: handover resume", code="HO643")
