"""Remove the backend again, without a trace."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection, sql

from handover.adoption.folded import recorded_finish
from handover.adoption.record import AdoptionRecord
from handover.adoption.statements import ROW_RIGHTS, AdoptionStep, Statement, Transaction
from handover.adoption.survey import granted, query
from handover.config.config import Config
from handover.errors import Refused
from handover.finding import Finding
from handover.wording import counted, identifier

_SESSIONS = """
    SELECT pid, coalesce(nullif(application_name, ''), 'no name') FROM pg_stat_activity
     WHERE usename = %s AND datname = current_database() ORDER BY pid
"""
_OTHER_DATABASES = """
    SELECT DISTINCT d.datname FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
     WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = %s::regrole AND d.datname <> current_database()
     UNION SELECT datname FROM pg_stat_activity WHERE usename = %s AND datname <> current_database()
     ORDER BY 1
"""
_OWN_TABLES = """
    SELECT relname FROM pg_class
     WHERE relnamespace = %s::regnamespace AND relkind = 'r'
       AND relname NOT IN ('django_migrations', 'handover_adoption')
     ORDER BY 1
"""


def undo_transaction(connection: Connection[Any], config: Config, record: AdoptionRecord) -> Transaction:
    """Return the one transaction that removes what adoption and the backend have added.

    Parameters
    ----------
    connection
        As the owner of the shared tables.
    config, record
        The pair, and the record that its adoption wrote.

    Raises
    ------
    Refused
        The backend is still connected, or the tables that only the original needs are in the schema retired.
    """
    if recorded_finish(connection):
        message = "tables of the original are in the schema retired, so it cannot run. Nothing was changed."
        raise Refused(f"{message} Bring them back first: handover adopt --finish --undo --apply", code="HO035")
    sessions = connection.execute(_SESSIONS, [config.backend.role]).fetchall()
    if sessions:
        what = f"is connected: {', '.join(f'pid {pid} ({name})' for pid, name in sessions)}"
        finding = Finding(
            code="HO027",
            where=config.backend.role,
            found=what,
            expected="",
            todo="Stop the backend and its workers first.",
        )
        raise Refused("the backend is still connected; nothing was changed.", (finding,))
    others = [row[0] for row in connection.execute(_OTHER_DATABASES, [config.backend.role] * 2)]
    return (
        AdoptionStep(
            "Content types and permissions that came with it, and the rows that point at them",
            tuple(_rows(connection, config, record)),
        ),
        AdoptionStep("Its schema, with everything in it", (_drop_schema(config),)),
        AdoptionStep("The columns it added to shared tables", tuple(_drop_columns(connection, record))),
        AdoptionStep("Its rights on the shared tables", tuple(_revoke(connection, config, record, others))),
        _role(config, record, others),
    )


def undo_losses(connection: Connection[Any], config: Config, record: AdoptionRecord) -> tuple[str, ...]:
    """Return the data that an undo destroys for good, one line for each table or column.

    Parameters
    ----------
    connection
        As the owner of the shared tables.
    config, record
        The pair, and the record that its adoption wrote.
    """
    lines = []
    for (table,) in connection.execute(_OWN_TABLES, [config.backend.schema_name]).fetchall():
        lines += _count(
            connection,
            sql.Identifier(config.backend.schema_name, table),
            sql.SQL("true"),
            f"{config.backend.schema_name}.{table}",
        )
    for table, column in _added(connection, record):
        filled = sql.SQL("{} IS NOT NULL").format(sql.Identifier(column))
        lines += _count(connection, sql.Identifier("public", table), filled, f"values of {table}.{column}")
    return tuple(lines)


def _count(connection: Connection[Any], table: sql.Identifier, where: sql.SQL | sql.Composed, name: str) -> list[str]:
    row = connection.execute(sql.SQL("SELECT count(*) FROM {} WHERE {}").format(table, where)).fetchone()
    return [f"{counted(row[0], 'row')}: {name}"] if row and row[0] else []


def _rows(connection: Connection[Any], config: Config, record: AdoptionRecord) -> Iterator[Statement]:
    if "django_content_type" not in record.shared:
        return
    # The original's history is frozen, so a later row under an app label of the backend's migrations is the backend's.
    types = sql.SQL(
        "SELECT id FROM public.django_content_type WHERE NOT id = ANY({}) AND app_label IN (SELECT app FROM {})"
    ).format(sql.Literal(record.content_types), sql.Identifier(config.backend.schema_name, "django_migrations"))
    permissions = sql.SQL(
        "SELECT p.id FROM public.auth_permission p JOIN public.django_content_type t ON t.id = p.content_type_id"
        " WHERE NOT p.id = ANY({}) AND t.app_label IN (SELECT app FROM {})"
    ).format(sql.Literal(record.permissions), sql.Identifier(config.backend.schema_name, "django_migrations"))
    doomed = {"django_content_type": types, "auth_permission": permissions}
    references = connection.execute(query("references")).fetchall()
    for table_name, column_name, target, nullable in references:
        table, column = sql.Identifier("public", table_name), sql.Identifier(column_name)
        verb = (
            sql.SQL("UPDATE {} SET {} = NULL").format(table, column)
            if nullable
            else sql.SQL("DELETE FROM {}").format(table)
        )
        yield sql.SQL("{} WHERE {} IN ({})").format(verb, column, doomed[target])
    for name in ("auth_permission", "django_content_type"):
        yield sql.SQL("DELETE FROM {} WHERE id IN ({})").format(sql.Identifier("public", name), doomed[name])


def _drop_schema(config: Config) -> Statement:
    return sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(config.backend.schema_name))


def _drop_columns(connection: Connection[Any], record: AdoptionRecord) -> Iterator[Statement]:
    for table, column in _added(connection, record):
        yield sql.SQL("ALTER TABLE {} DROP COLUMN {}").format(sql.Identifier("public", table), sql.Identifier(column))


def _added(connection: Connection[Any], record: AdoptionRecord) -> list[tuple[str, str]]:
    """Return the added columns that are there; an interrupted adoption may not have added them.

    DROP COLUMN IF EXISTS would wait for the table even when there is nothing to drop.
    """
    query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s AND NOT attisdropped"
    return [(t, c) for t, c in record.columns if connection.execute(query, [f"public.{t}", c]).fetchone()]


def _revoke(
    connection: Connection[Any], config: Config, record: AdoptionRecord, others: list[str]
) -> Iterator[Statement]:
    """Yield the REVOKE of every right that the role got since the adoption began."""
    role = sql.Identifier(config.backend.role)
    goes = record.role_created and not others
    if record.rights is None and not goes:
        yield from _revoke_shared(config, record)
        return
    before = {tuple(right) for right in record.rights or ()}  # JSON knows no tuples
    since = [row for row in granted(connection, config) if (row["kind"], row["object"], row["privilege"]) not in before]
    if goes and (stuck := [row for row in since if not row["mine"]]):
        raise Refused("the role cannot be dropped; nothing was changed.", tuple(_stuck(config, row) for row in stuck))
    for row in since:
        if row["mine"]:
            yield sql.SQL("REVOKE {} ON {} {} FROM {}").format(
                *(sql.SQL(row[part]) for part in ("privilege", "kind", "object")), role
            )


def _stuck(config: Config, row: dict[str, Any]) -> Finding:
    right = f"{row['privilege']} on {row['kind'].lower()} {row['object']}"
    found = f"was granted {right} by another role, and you are not a member of that role"
    role = identifier(config.backend.role)
    todo = f"As that role: REVOKE {row['privilege']} ON {row['kind']} {row['object']} FROM {role};"
    return Finding(code="HO046", where=config.backend.role, found=found, expected="", todo=todo)


def _revoke_shared(config: Config, record: AdoptionRecord) -> Iterator[Statement]:
    role = sql.Identifier(config.backend.role)
    held = {tuple(pair) for pair in record.held}
    for right in (*ROW_RIGHTS, "REFERENCES"):
        names = [table for table in record.shared if (table, right) not in held]
        tables = sql.SQL(", ").join(sql.Identifier("public", name) for name in names)
        if names:
            yield sql.SQL("REVOKE {} ON {} FROM {}").format(sql.SQL(right), tables, role)
    if record.usage_granted:
        yield sql.SQL("REVOKE USAGE ON SCHEMA public FROM {}").format(role)


def _role(config: Config, record: AdoptionRecord, others: list[str]) -> AdoptionStep:
    role = sql.Identifier(config.backend.role)
    if record.role_created and not others:
        return AdoptionStep("The role, which adoption made", (sql.SQL("DROP ROLE {}").format(role),))
    if others:
        return AdoptionStep(f"The role stays as it is: {', '.join(others)} uses it too", ())
    settings = [sql.SQL("ALTER ROLE {} RESET search_path").format(role)]
    for setting in record.role_settings:
        name, _, value = setting.partition("=")
        if name == "search_path":
            settings.append(sql.SQL("ALTER ROLE {} SET search_path = {}").format(role, sql.SQL(value)))
    if record.membership_granted:
        settings.append(sql.SQL("REVOKE {} FROM CURRENT_USER").format(role))
    return AdoptionStep("The role was there before; its settings as they were", tuple(settings))
