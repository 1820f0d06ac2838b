"""Read-only mode of the original: from before people are moved until they come back, for teams without double writes.

The database says whether it holds, by a setting of the original's role; for programs of the team, the journal does.
"""

import time
from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import Connection, sql

from handover.config.config import Config, database_url
from handover.config.switch import ReadOnly
from handover.cutover import health, hooks
from handover.cutover.context import RunContext
from handover.errors import ConfigurationError, HandoverError, Refused
from handover.journal.entry import JournalEntry
from handover.journal.journal import opened
from handover.runs.command import Action, Evidence
from handover.troubles import database_trouble

ON, OFF = "let the original only read", "let the original write again"
SETTING = "default_transaction_read_only"
BETWEEN_S = 0.2
# `clock_timestamp()` of the change is the database's, as is the start of each session.
_SESSIONS = """
    SELECT pid, state FROM pg_stat_activity
     WHERE usename = %s AND datname = current_database() AND backend_start < %s AND pid <> pg_backend_pid()
"""
_IS_ON = """
    SELECT EXISTS (SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) one
     WHERE r.rolname = %s AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND one IN ('default_transaction_read_only=on', 'default_transaction_read_only=true'))
"""


class ReadOnlyError(HandoverError):
    """The original could not be brought into read-only mode, or out of it."""

    code = "HO626"


def switch_on(config: Config) -> tuple[Action[RunContext], ...]:
    """Return the action that lets the original only read; none when that is not declared."""
    return (Action(ON, _on),) if config.read_only else ()


def switch_off(config: Config) -> tuple[Action[RunContext], ...]:
    """Return the action that lets the original write again; none when that is not declared."""
    return (Action(OFF, _off),) if config.read_only else ()


def _declared(config: Config) -> ReadOnly:
    assert config.read_only is not None  # noqa: S101 - there is no action without it
    return config.read_only


def _on(context: RunContext) -> Evidence:
    """Let the original only read, and see that it cannot write any more."""
    declared = _declared(context.config)
    if declared.by == "hook":
        return {"output": hooks.execute(context.config, "read-only-on", declared.on, _told(context)).output}
    with _session(context.config) as connection:
        _check_role(context.config, connection, declared)
        _alter(connection, declared, "SET {} = on")
        ended = _renew_sessions(connection, declared)
    return {"role": declared.role, "sessions_ended": ended, "write": _refused_write(context)}


def _refused_write(context: RunContext) -> str:
    """Let the original try to write; it must not be able to."""
    if context.config.rollback.write is None:
        return "not tried: [rollback.write] is not declared"
    try:
        health.can_write(context.config)
    except Refused as error:
        if "read-only" in str(error):
            return "refused, as it must be"
        raise
    message = f"the original still writes, although {SETTING} is on for {_declared(context.config).role}."
    raise ReadOnlyError(f"{message} Does it connect as another role? Correct [read_only] role, then: handover resume")


def _off(context: RunContext) -> Evidence:
    """Let the original write again before people come back; what cannot be done is said, and does not hold them up."""
    if context.journal.copy_alone and _declared(context.config).by == "setting":
        todo = f"when the database is back: handover resume, or {statement(context.config)}"
        context.say(f"the database is down, so the original can only read until it is told otherwise; {todo}")
        return {"trouble": "the database is down", "todo": todo}
    try:
        return lift(context)
    except HandoverError as error:
        if not context.facts.get("unproven"):
            raise
        context.say(f"UNPROVEN  {error}")
        return {"trouble": str(error)}


def lift(context: RunContext) -> Evidence:
    """Let the original write again, and see that it does.

    Raises
    ------
    ReadOnlyError, Refused
        It could not be done, or the original cannot write; then it is in read-only mode again.
    """
    declared = _declared(context.config)
    if declared.by == "hook":
        return {"output": hooks.execute(context.config, "read-only-off", declared.off, _told(context)).output}
    with _session(context.config) as connection:
        _alter(connection, declared, "RESET {}")
        ended = _renew_sessions(connection, declared)
    seen = {"role": declared.role, "sessions_ended": ended}
    if context.config.rollback.write is None:
        return seen
    return {**seen, "write": health.can_write(context.config)}


def is_on(config: Config, entries: Iterable[JournalEntry]) -> bool | None:
    """Say whether the original can only read; None when that cannot be asked.

    Parameters
    ----------
    config, entries
        The pair, and the journal's entries: of programs of the team, only the journal knows.
    """
    if config.read_only is None:
        return False
    if config.read_only.by == "hook":
        # From when it begins to be switched on, until it is off.
        turns = [(ON, "begun"), (OFF, "done")]
        last = [
            e.body["action"] for e in entries if e.kind == "action" and (e.body["action"], e.body["phase"]) in turns
        ]
        return bool(last) and last[-1] == ON
    try:
        with _session(config) as connection:
            row = connection.execute(_IS_ON, [config.read_only.role]).fetchone()
    except (ReadOnlyError, ConfigurationError):
        return None
    return bool(row and row[0])


def is_on_now(config: Config) -> bool:
    """Say whether the original can only read, without a journal at hand; what cannot be asked counts as no."""
    if config.read_only is None:
        return False
    if config.read_only.by == "setting":
        return bool(is_on(config, ()))
    try:
        with opened(config) as journal:
            return bool(is_on(config, journal.entries()))
    except HandoverError:
        return False


def statement(config: Config) -> str:
    """Return what switches it off by hand."""
    declared = _declared(config)
    if declared.by == "hook":
        return f"run {' '.join(declared.off)}"
    role = sql.Identifier(str(declared.role)).as_string()
    return f"`ALTER ROLE {role} IN DATABASE … RESET {SETTING}`, and end the sessions of {declared.role}"


def described(config: Config) -> str:
    """Return what a plan says of it; empty when it is not declared."""
    declared = config.read_only
    if declared is None:
        return ""
    if declared.by == "hook":
        return f"before the first change, the hook {' '.join(declared.on)} lets the original only read"
    return f"before the first change, the database lets {declared.role} only read; its sessions are renewed"


def check_as_planned(context: RunContext) -> None:
    """Raise when the plan that was reviewed says something else of it.

    Raises
    ------
    Refused
        ``[read_only]`` was changed since.
    """
    assert context.plan is not None  # noqa: S101 - the command takes a plan
    if context.plan.read_only != described(context.config):
        message = f"plan {context.plan.checksum[:8]} was reviewed, but [read_only] in handover.toml has changed since."
        raise Refused(f"{message} Nothing was applied. Run `handover cutover plan` and review again.", code="HO571")


def was_on_at_switch(entries: Iterable[JournalEntry]) -> bool:
    """Say whether the last switch let the original only read."""
    found = False
    for entry in entries:
        if entry.kind == "run" and entry.body["command"] == "cutover":
            found = False
        found |= entry.kind == "action" and (entry.body["action"], entry.body["phase"]) == (ON, "done")
    return found


def lift_pending(context: RunContext) -> None:
    """Let the original write again if people reach it and it still cannot: the database was down on the way back."""
    if is_on(context.config, context.journal.entries()):
        context.say(OFF)
        context.add("read-only", {"on": False, "evidence": dict(lift(context))}, after_the_fact=True)


def _told(context: RunContext) -> dict[str, Any]:
    return {"facts": dict(context.facts)}


def _session(config: Config) -> Connection[Any]:
    # Its own setting must not hold for this session, in case both use one role.
    try:
        return psycopg.connect(
            database_url(config),
            autocommit=True,
            connect_timeout=5,
            application_name="handover read-only",
            options=f"-c {SETTING}=off -c lock_timeout=5000 -c statement_timeout=15000",
        )
    except psycopg.Error as error:
        raise ReadOnlyError(f"the database does not answer: {database_trouble(error)}") from error


def _check_role(config: Config, connection: Connection[Any], declared: ReadOnly) -> None:
    """Refuse a role that others need to write with."""
    if declared.role == config.backend.role:
        message = f"[read_only] role is {declared.role}, and the backend connects as it too; it could not write either."
        raise Refused(f"{message} Give the original a role of its own.", code="HO627")
    if declared.role == connection.info.user:
        message = (
            f"[read_only] role is {declared.role}, and handover connects as it too; it could not write its journal."
        )
        raise Refused(f"{message} Let {config.database.url_env} name another role that owns the tables.", code="HO627")
    row = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [declared.role]).fetchone()
    if row is None:
        message = f"[read_only] role {declared.role} does not exist; nothing was changed."
        raise Refused(f"{message} Name the role that the original connects as.", code="HO627")


def _alter(connection: Connection[Any], declared: ReadOnly, change: str) -> None:
    name, setting = sql.Identifier(str(declared.role)), sql.SQL(SETTING)
    database = sql.Identifier(connection.info.dbname)
    statement_ = sql.SQL("ALTER ROLE {} IN DATABASE {} ").format(name, database) + sql.SQL(change).format(setting)
    try:
        connection.execute(statement_)
    except psycopg.Error as error:
        text = statement_.as_string(connection)
        message = f"{connection.info.user} may not do `{text}`: {str(error).splitlines()[0]}."
        raise ReadOnlyError(
            f"{message} Give it the right over {declared.role}, or do it as an administrator."
        ) from error


def _renew_sessions(connection: Connection[Any], declared: ReadOnly) -> int:
    """End the sessions that began before the change: idle ones at once, busy ones when their time is over."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    began, ended = time.monotonic(), 0
    try:
        while sessions := connection.execute(_SESSIONS, [declared.role, row[0]]).fetchall():
            over = time.monotonic() - began >= declared.grace_s
            for pid, state in sessions:
                if over or state == "idle":
                    connection.execute("SELECT pg_terminate_backend(%s)", [pid])
                    ended += 1
            if over and time.monotonic() - began >= 2 * declared.grace_s + 5:
                message = f"{len(sessions)} sessions of {declared.role} from before the change do not end."
                raise ReadOnlyError(f"{message} They are in pg_stat_activity.")
            time.sleep(BETWEEN_S)
    except psycopg.Error as error:
        message = f"the sessions of {declared.role} could not be ended: {str(error).splitlines()[0]}."
        raise ReadOnlyError(
            f"{message} {connection.info.user} must be a member of it, or of pg_signal_backend."
        ) from error
    return ended


def status_line(config: Config, on: bool | None, *, people_reach_original: bool) -> str:  # noqa: FBT001 - what it is about
    """Return what the status says of it; empty when it is off.

    Parameters
    ----------
    config, on
        The pair, and what :func:`is_on` says.
    people_reach_original
        Whether all people are meant to reach the original, which should then be able to write.
    """
    if on is None:
        return "Read-only mode: unknown, because the database cannot be asked."
    if not on:
        return ""
    wrong = f" People reach it: handover resume, or {statement(config)}." if people_reach_original else ""
    return f"Read-only mode: the original can only read.{wrong}"
