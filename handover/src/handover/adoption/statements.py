"""The statements of an adoption, in order: the DBA sees the same list that is executed.

There are several transactions, because a migration may use what an earlier one made only after its commit (a new
value of an enum, before PostgreSQL 17). Until the last one, everything is in the backend's own schema.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from handover.adoption.history import Key, MigrationHistory
from handover.schema.models import Model

ADOPTION_TABLE = "handover_adoption"
ROW_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
Statement = sql.SQL | sql.Composed


@dataclass(frozen=True)
class Code:
    """A migration that cannot be SQL.

    Attributes
    ----------
    key, file
        The migration, and its file.
    operations
        The numbers of the operations that run; the others are about shared tables.
    why
        (operation, reason) of each operation that cannot be SQL.
    alone
        Whether Django's own ``migrate`` would do the same.
    history
        The table that records it.
    """

    key: Key
    file: str
    operations: tuple[int, ...]
    why: tuple[tuple[str, str], ...]
    alone: bool
    history: str

    @property
    def name(self) -> str:
        """App label, dot, name."""
        return ".".join(self.key)


@dataclass(frozen=True)
class Rendered:
    """One migration as SQL, or the operations in it that cannot be SQL."""

    file: str
    sql: tuple[str, ...] = ()
    code: tuple[tuple[str, str], ...] = ()
    alone: bool = True


@dataclass(frozen=True)
class Additions:
    """The additions to shared tables: SQL for nullable columns, and for join tables of a shared and another model.

    ``own`` names the backend's own tables that the new columns point at.
    """

    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    joins: tuple[tuple[str, tuple[str, ...]], ...] = ()
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class AdoptionStep:
    """A few statements with one purpose.

    Attributes
    ----------
    title
        What it does, one line.
    statements
        SQL with the parameters filled in.
    code
        What the backend's own interpreter runs instead.
    migration
        Name and file of the migration that the statements come from.
    """

    title: str
    statements: tuple[Statement, ...]
    code: Code | None = None
    migration: str = ""


Transaction = tuple[AdoptionStep, ...]


@dataclass(frozen=True)
class Situation:
    """What the live database has already; this decides which statements are needed.

    Attributes
    ----------
    role_exists, is_member, has_usage
        The role is there; the owner may act for it; it may use schema ``public``.
    verifier
        SCRAM verifier for a new role, None to leave the password to the DBA.
    owner
        The role that adopts.
    """

    role_exists: bool
    is_member: bool
    has_usage: bool
    verifier: str | None
    owner: str = ""


@dataclass(frozen=True)
class Incoming:
    """The backend as it is adopted: its role, its schema, its models and the SQL of its migrations."""

    role: str
    schema: str
    shared: tuple[Model, ...]
    referenced: tuple[str, ...]
    models: tuple[Model, ...]
    history: MigrationHistory
    rendered: dict[Key, Rendered]
    additions: Additions = Additions()
    replaces: Mapping[Key, tuple[Key, ...]] = field(default_factory=dict)
    sequences: tuple[tuple[str, str], ...] = ()


def adoption(incoming: Incoming, situation: Situation, record: dict[str, Any]) -> tuple[Transaction, ...]:
    """Return every transaction of an adoption.

    The column on the shared table comes last: its lock blocks the original, so it is held only until the commit.

    Parameters
    ----------
    incoming, situation
        The backend, and the live database.
    record
        What undoing needs to know; it is kept as JSON in the backend's schema.
    """
    begin = (
        AdoptionStep("The role, and the owner's right to act for it", tuple(_role(incoming, situation))),
        AdoptionStep(
            "Rights on the shared tables: read rows, refer to them; no right to alter",
            tuple(_reading(incoming, situation)),
        ),
        AdoptionStep("The schema that holds everything the role adds", tuple(_schema(incoming, record))),
        AdoptionStep(
            "Migration history: shared apps are copied, mirrored models are recorded",
            tuple(_history_rows(incoming)),
        ),
        AdoptionStep("Content types and permissions of its own models", tuple(_content_types(incoming))),
    )
    end = (
        # Only now, so that no migration of the backend can change a row that the original reads.
        AdoptionStep("Rights on the shared tables: write rows, take keys", tuple(_writing(incoming))),
        *_joins(incoming),
        *_columns(incoming, situation),
    )
    complete = (AdoptionStep("Mark the adoption as complete", (_completed(incoming),)),)
    return (begin, *((_own_migration(incoming, key),) for key in incoming.history.own), end, complete)


def _role(incoming: Incoming, situation: Situation) -> Iterator[Statement]:
    role = sql.Identifier(incoming.role)
    if not situation.role_exists:
        password = (
            sql.SQL(" PASSWORD {}").format(sql.Literal(situation.verifier)) if situation.verifier else sql.SQL("")
        )
        yield sql.SQL("CREATE ROLE {} LOGIN").format(role) + password
    if not situation.is_member:
        yield sql.SQL("GRANT {} TO CURRENT_USER").format(role)
    # On the role as a whole: a setting made IN DATABASE does not travel with a cloned database.
    yield sql.SQL("ALTER ROLE {} SET search_path = {}, public").format(role, sql.Identifier(incoming.schema))


def _reading(incoming: Incoming, situation: Situation) -> Iterator[Statement]:
    role = sql.Identifier(incoming.role)
    if not situation.has_usage:
        yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role)
    yield sql.SQL("GRANT SELECT ON {} TO {}").format(_shared(incoming), role)
    yield sql.SQL("GRANT REFERENCES ON {} TO {}").format(_tables(incoming.referenced), role)


def _writing(incoming: Incoming) -> Iterator[Statement]:
    role = sql.Identifier(incoming.role)
    rights = sql.SQL(", ").join(sql.SQL(right) for right in ROW_RIGHTS if right != "SELECT")
    yield sql.SQL("GRANT {} ON {} TO {}").format(rights, _shared(incoming), role)
    if incoming.sequences:
        names = sql.SQL(", ").join(sql.Identifier(*pair) for pair in incoming.sequences)
        yield sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}").format(names, role)


def _shared(incoming: Incoming) -> Statement:
    return _tables(sorted({model.table for model in incoming.shared}))


def _tables(names: Iterable[str]) -> Statement:
    return sql.SQL(", ").join(sql.Identifier("public", name) for name in names)


def _schema(incoming: Incoming, record: dict[str, Any]) -> Iterator[Statement]:
    schema, role = sql.Identifier(incoming.schema), sql.Identifier(incoming.role)
    yield sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(schema, role)
    history = sql.SQL(
        "CREATE TABLE {} (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
        " app varchar(255) NOT NULL, name varchar(255) NOT NULL, applied timestamptz NOT NULL)"
    ).format(_history(incoming))
    adoption = sql.SQL("CREATE TABLE {} (record jsonb NOT NULL, begun timestamptz NOT NULL, completed timestamptz)")
    written = sql.SQL("INSERT INTO {} VALUES ({}, now(), NULL)")
    table = sql.Identifier(incoming.schema, ADOPTION_TABLE)
    yield from _as_role(
        incoming, (history, adoption.format(table), written.format(table, sql.Literal(json.dumps(record))))
    )


def _as_role(incoming: Incoming, statements: Iterable[Statement]) -> Iterator[Statement]:
    yield sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(incoming.role))
    yield sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(incoming.schema))
    yield from statements
    yield sql.SQL("RESET ROLE")
    yield sql.SQL("SET LOCAL search_path = public")


def _completed(incoming: Incoming) -> Statement:
    return sql.SQL("UPDATE {} SET completed = now()").format(sql.Identifier(incoming.schema, ADOPTION_TABLE))


def _history_rows(incoming: Incoming) -> Iterator[Statement]:
    for key in incoming.history.copied:
        yield sql.SQL(
            "INSERT INTO {} (app, name, applied) SELECT app, name, applied FROM public.django_migrations"
            " WHERE app = {} AND name = {}"
        ).format(_history(incoming), *map(sql.Literal, key))
    for key in incoming.history.recorded:
        yield from _applied(incoming, key)


def _history(incoming: Incoming) -> sql.Identifier:
    return sql.Identifier(incoming.schema, "django_migrations")


def _applied(incoming: Incoming, key: Key) -> Iterator[Statement]:
    """Record a migration, and those that it replaces: Django takes a squashed one for applied when they all are."""
    for one in (*incoming.replaces.get(key, ()), key):
        yield sql.SQL("INSERT INTO {} (app, name, applied) VALUES ({}, {}, now())").format(
            _history(incoming), *map(sql.Literal, one)
        )


def _own_migration(incoming: Incoming, key: Key) -> AdoptionStep:
    found = incoming.rendered[key]
    if found.code:
        code = Code(
            key,
            found.file,
            incoming.history.chosen[key],
            found.code,
            found.alone,
            f"{incoming.schema}.django_migrations",
        )
        does = ", ".join(dict.fromkeys(f"{operation} {why}" for operation, why in found.code))
        title = f"Migration {code.name} by the backend's interpreter, as {incoming.role}: {does} ({found.file})"
        return AdoptionStep(title, (), code, f"{code.name} ({found.file})")
    statements = _as_role(incoming, (*_texts(found.sql), *_applied(incoming, key)))
    return AdoptionStep(f"Migrations of {key[0]}", tuple(statements), migration=f"{'.'.join(key)} ({found.file})")


def _joins(incoming: Incoming) -> Iterator[AdoptionStep]:
    for table, lines in incoming.additions.joins:
        yield AdoptionStep(
            f"Table {table}, between a shared table and another", tuple(_as_role(incoming, _texts(lines)))
        )


def _columns(incoming: Incoming, situation: Situation) -> Iterator[AdoptionStep]:
    """The owner adds the columns, so it needs the right to refer to the role's tables that they point at."""
    if incoming.additions.own:
        schema, owner = sql.Identifier(incoming.schema), sql.Identifier(situation.owner)
        names = sql.SQL(", ").join(sql.Identifier(incoming.schema, name) for name in incoming.additions.own)
        grants = (
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, owner),
            sql.SQL("GRANT REFERENCES ON {} TO {}").format(names, owner),
        )
        yield AdoptionStep("The owner's right to refer to the role's tables", tuple(_as_role(incoming, grants)))
    for table, lines in incoming.additions.columns:
        path = sql.SQL("SET LOCAL search_path = public, {}").format(sql.Identifier(incoming.schema))
        back = sql.SQL("SET LOCAL search_path = public")
        title = f"Columns that the backend adds to {table}, by the owner of the table"
        yield AdoptionStep(title, (path, *_texts(lines), back) if incoming.additions.own else _texts(lines))


def _texts(lines: Iterable[str]) -> tuple[Statement, ...]:
    return tuple(sql.SQL(text.rstrip(";")) for text in lines)


def _content_types(incoming: Incoming) -> Iterator[Statement]:
    """Write the rows that Django's post_migrate signal would write; an undo removes them."""
    for model in incoming.models:
        label, name = sql.Literal(model.app_label), sql.Literal(model.model_name)
        yield sql.SQL(
            "INSERT INTO public.django_content_type (app_label, model) VALUES ({}, {}) ON CONFLICT DO NOTHING"
        ).format(label, name)
        for codename, title in model.permissions:
            yield sql.SQL(
                "INSERT INTO public.auth_permission (name, content_type_id, codename)"
                " SELECT {}, id, {} FROM public.django_content_type WHERE app_label = {} AND model = {}"
                " ON CONFLICT DO NOTHING"
            ).format(sql.Literal(title), sql.Literal(codename), label, name)
