"""After the original is gone: tables that only it needed are retired, and can be brought back.

Nothing is dropped. Tables move to the schema ``retired`` with their rows; the original's role loses its rights in
``public``, and the record there lists them. Facts decide: the archive of the clean-up has the tables that the original
mapped, the backend says which it maps, and the database knows what refers to a table.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from handover.adoption.folded import RECORD, SCHEMA, Finish, Right, recorded_finish
from handover.adoption.statements import AdoptionStep, Statement, Transaction
from handover.adoption.survey import query
from handover.config.config import Config
from handover.cutover.cleanup import FOLDER
from handover.cutover.position import position_of
from handover.errors import Refused
from handover.finding import Finding
from handover.journal.journal import opened
from handover.schema.models import Description
from handover.troubles import why_unreadable

HISTORY = "django_migrations"
_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE usename = %s AND datname = current_database() ORDER BY 1"
_MEMBER = """
    SELECT FROM pg_roles member, pg_roles whole
     WHERE member.rolname = %s AND whole.rolname = %s AND pg_has_role(member.oid, whole.oid, 'MEMBER')
"""
_IS_THERE = "SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname = %s"


@dataclass(frozen=True)
class ArchivedOriginal:
    """What the archive says of the original: the role it connected as, and the tables of its models."""

    role: str
    tables: frozenset[str]


@dataclass(frozen=True)
class PublicTable:
    """A table of ``public``: whether this role owns it, and which other relations need it."""

    name: str
    mine: bool
    extension: bool
    needed_by: list[str]


def require_cleaned(config: Config) -> None:
    """Raise unless the journal says that the original is gone.

    Raises
    ------
    Refused
        It says something else, or cannot be read.
    """
    with opened(config) as journal:
        journal.require()
        position = position_of(journal.entries())
    if position.conflict or position.paused or position.run or position.state != "cleaned":
        why = position.conflict or ("everything is paused" if position.paused else f"the state is {position.state}")
        message = f"tables are retired only in the state cleaned; {why}. Nothing was changed."
        raise Refused(f"{message} See: handover status", code="HO032")


@contextmanager
def written_down(config: Config, what: str) -> Iterator[None]:
    """Write to the journal before ``what`` is done, and afterwards how it ended.

    Raises
    ------
    JournalError, Refused
        The database does not take the entry, or has no journal; nothing was begun.
    """
    with opened(config) as journal:
        journal.add("finish", {"what": what, "phase": "begun"})
        try:
            yield
        except Exception as error:
            journal.add("finish", {"what": what, "phase": "failed", "error": str(error)}, after_the_fact=True)
            raise
        journal.add("finish", {"what": what, "phase": "done"}, after_the_fact=True)


def archived_original(config: Config) -> ArchivedOriginal:
    """Return what the archive says of the original.

    Raises
    ------
    Refused
        The archive is not there or does not say.
    """
    path = config.root / FOLDER / "schema.json"
    try:
        archive = json.loads(path.read_text())
        role = archive["systems"]["original"]["settings"]["database"]["role"]
        models = archive["models"]["original"].values()
        joins = (join["table"] for model in models for join in model["many_to_many"].values())
        tables = {model["table"].removeprefix("public.") for model in models} | set(joins)
    except (OSError, ValueError, KeyError) as error:
        message = f"{path} does not say what the original mapped: {why_unreadable(error)}."
        todo = "Run on the machine that cleaned up, or bring its .handover/archive here."
        raise Refused(f"{message} Nothing was changed. {todo}", code="HO033") from error
    return ArchivedOriginal(role, frozenset(tables))


def survey(connection: Connection[Any], config: Config, gone: ArchivedOriginal, backend: Description) -> Finish:
    """Decide which tables are retired; this changes nothing.

    Parameters
    ----------
    connection, config
        The shared database, and the pair.
    gone
        The original, as the archive describes it.
    backend
        The backend, as it describes itself.

    Raises
    ------
    Refused
        The original is still connected, the backend lives in ``public``, or tables are retired already.
    """
    _check(connection, config, gone)
    mapped = {model.table for model in backend.models} | {pair.table for pair in config.models}
    mapped |= {join.table for model in backend.models for join in model.many_to_many}
    with connection.cursor(row_factory=class_row(PublicTable)) as cursor:
        found = cursor.execute(query("retirable")).fetchall()
    why = {table.name: _why_kept(table, mapped) for table in found if table.name in {*gone.tables, HISTORY}}
    tables, lines = _unneeded(found, why)
    with connection.cursor(row_factory=class_row(Right)) as cursor:
        rights = cursor.execute(query("rights"), {"role": gone.role}).fetchall()
    taken = tuple(right for right in rights if right.mine and not right.owns)
    lines += [
        f"rights on {'.'.join(right.name)}: {gone.role} {'owns it' if right.owns else 'has them from another role'}"
        for right in rights
        if right not in taken
    ]
    if _is_shared(connection, config, gone):
        taken, lines = (), [*lines, f"rights of {gone.role}: another system uses it too"]
    return Finish(tables, gone.role, taken, tuple(lines))


def _check(connection: Connection[Any], config: Config, gone: ArchivedOriginal) -> None:
    if config.backend.schema_name == "public":
        raise Refused("the backend has no schema of its own, so no table belongs to the original alone.", code="HO034")
    row = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", [SCHEMA]).fetchone()
    if row and row[0]:
        message = f"the schema {SCHEMA} is there already; nothing was changed."
        raise Refused(f"{message} Bring its tables back first: handover adopt --finish --undo --apply", code="HO035")
    shared = _is_shared(connection, config, gone)
    sessions = [] if shared else connection.execute(_SESSIONS, [gone.role]).fetchall()
    if sessions:
        what = f"is connected: {', '.join(f'pid {pid}' for (pid,) in sessions)}"
        finding = Finding(
            code="HO036",
            where=gone.role,
            found=what,
            expected="",
            todo="Find out who that is; the original should be gone.",
        )
        raise Refused("the original is still connected; nothing was changed.", (finding,))


def _is_shared(connection: Connection[Any], config: Config, gone: ArchivedOriginal) -> bool:
    """Return whether another system uses the original's role too, or the backend's role acts as it."""
    if gone.role in (config.backend.role, connection.info.user):
        return True
    return connection.execute(_MEMBER, [config.backend.role, gone.role]).rowcount > 0


def _why_kept(table: PublicTable, mapped: set[str]) -> str:
    if table.name in mapped:
        return "a model of the backend maps it"
    if table.extension:
        return "an extension brought it"
    return "" if table.mine else "it belongs to another role"


def _unneeded(found: list[PublicTable], why: dict[str, str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the tables that no remaining table refers to, and a line for each other table."""
    why = dict(why)
    needed = {table.name: [user.removeprefix("public.") for user in table.needed_by] for table in found}
    # What a table that stays refers to stays as well, and so on.
    while late := [n for n, reason in why.items() if not reason and any(why.get(x, "x") for x in needed[n])]:
        for name in late:
            users = sorted(x for x in needed[name] if why.get(x, "x"))
            why[name] = f"{', '.join(users)} refers to it"
    tables = tuple(sorted(name for name, reason in why.items() if not reason))
    return tables, [f"{name}: {reason}" for name, reason in sorted(why.items()) if reason]


def finish_transaction(found: Finish) -> Transaction:
    """Return the one transaction that retires tables: the record first, the locks that users wait for last."""
    record = sql.Identifier(SCHEMA, RECORD)
    values = sql.Literal(json.dumps(asdict(found)))
    return (
        AdoptionStep(
            f"The schema {SCHEMA}, with the record that an undo needs",
            (
                sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)),
                sql.SQL("CREATE TABLE {} (record jsonb NOT NULL, done timestamptz NOT NULL)").format(record),
                sql.SQL("INSERT INTO {} VALUES ({}, now())").format(record, values),
            ),
        ),
        AdoptionStep(
            f"Rights of the original's role {found.role}", tuple(_rights(found, "REVOKE {} ON {} {} FROM {}"))
        ),
        AdoptionStep("Tables that only the original mapped, with their rows", tuple(_moves(found, "public", SCHEMA))),
    )


def _rights(found: Finish, form: str) -> Iterator[Statement]:
    for right in found.rights:
        rights = sql.SQL(", ").join(map(sql.SQL, right.rights))
        name = sql.Identifier(*right.name)
        statement = sql.SQL(form).format(rights, sql.SQL(right.kind), name, sql.Identifier(found.role))
        grants = form.startswith("GRANT") and right.grantable
        yield statement + sql.SQL(" WITH GRANT OPTION" if grants else "")


def _moves(found: Finish, source: str, target: str) -> Iterator[Statement]:
    for table in found.tables:
        names = sql.Identifier(source, table), sql.Identifier(target)
        yield sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(*names)


def undo_transaction(connection: Connection[Any]) -> Transaction:
    """Return the one transaction that brings everything back.

    Raises
    ------
    Refused
        No table is retired, or a name in ``public`` is taken by now.
    """
    found = recorded_finish(connection)
    if found is None:
        message = f"{connection.info.dbname} has no {SCHEMA}.{RECORD}: no table is retired there."
        raise Refused(f"{message} Is it the right database?", code="HO037")
    taken = [name for name in found.tables if connection.execute(_IS_THERE, [name]).rowcount]
    if taken:
        message = f"public has {', '.join(taken)} again, so the old one cannot come back; nothing was changed."
        raise Refused(f"{message} Rename the new one first.", code="HO037")
    schema, record = sql.Identifier(SCHEMA), sql.Identifier(SCHEMA, RECORD)
    last = (sql.SQL("DROP TABLE {}").format(record), sql.SQL("DROP SCHEMA {}").format(schema))
    return (
        AdoptionStep("Tables that only the original mapped, with their rows", tuple(_moves(found, SCHEMA, "public"))),
        AdoptionStep(f"Rights of the original's role {found.role}", tuple(_rights(found, "GRANT {} ON {} {} TO {}"))),
        AdoptionStep(f"The record, and the schema {SCHEMA}, which must be empty by then", last),
    )
