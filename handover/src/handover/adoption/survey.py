"""The live database before an adoption, and every reason to refuse it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import dict_row

from handover.adoption.history import LiveState, MigrationHistory, classify
from handover.adoption.tolerated import AskedOriginal
from handover.check.merging import by_cause, merged
from handover.check.run import apply_rules
from handover.config.config import Config
from handover.finding import Finding
from handover.rules.tables import ADOPT_BY_HAND
from handover.schema.catalog import Catalog, Table, read_catalog, read_roles
from handover.schema.deletes import undecided
from handover.schema.models import Description, Model
from handover.schema.subject import DescribedSystem, Subject, own_search_path
from handover.side import Side

ONLY_PUBLIC = "handover adopt works with shared tables in schema public only"


@dataclass(frozen=True)
class Survey:
    """The live database before an adoption.

    Attributes
    ----------
    facts
        The row of ``role.sql``: the two roles, the schema, the owner's rights.
    shared
        Models of the backend whose tables are in ``public``.
    history
        What is done with each of its migrations.
    columns
        (table, column) pairs that adoption will add.
    joins
        Labels of the models of the many-to-many tables that adoption will make between a shared and another model.
    sequences
        (schema, name) of the sequences that defaults of the shared tables use.
    held
        (table, privilege) pairs that the role has before.
    rights
        All rights that the role has before, as (kind, object, privilege).
    content_types, permissions
        Ids of the rows that are there before.
    known_types
        (app label, model) of the content types that are there before.
    findings
        Why adoption must not begin; empty when it may.
    tolerated
        Differences from the database that both systems' models have: the original tolerates them already.
    unasked
        Why the original could not be asked what it tolerates; empty if it could, or was not needed.
    """

    facts: dict[str, Any]
    shared: tuple[Model, ...]
    history: MigrationHistory
    columns: tuple[tuple[str, str], ...]
    joins: tuple[str, ...]
    sequences: tuple[tuple[str, str], ...]
    held: tuple[tuple[str, str], ...]
    rights: tuple[tuple[str, str, str], ...]
    content_types: tuple[int, ...]
    permissions: tuple[int, ...]
    known_types: frozenset[tuple[str, str]]
    findings: tuple[Finding, ...]
    tolerated: tuple[Finding, ...]
    unasked: str


def role_facts(connection: Connection[Any], config: Config) -> dict[str, Any]:
    """Return the facts of ``role.sql`` about the connected role and the backend's role."""
    names = {"role": config.backend.role, "schema": config.backend.schema_name}
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query("role"), names).fetchone()
    assert row is not None  # noqa: S101 - the connected role always has a row
    return row


def survey(connection: Connection[Any], config: Config, description: Description) -> Survey:
    """Compare the backend with the live database; this changes nothing and takes no lock.

    Parameters
    ----------
    connection
        As the owner of the shared tables.
    config
        The pair.
    description
        The backend's answer to ``describe``.
    """
    facts = role_facts(connection, config)
    catalog = read_catalog(connection)
    read_roles(connection, catalog, [config.backend.role])
    public = catalog.in_schema("public")
    shared = tuple(m for m in description.concrete() if m.table in public)
    tables = frozenset(model.table for model in shared)
    declared = config.new_columns()
    said = (frozenset(config.backend.already_true), frozenset(config.backend.migrate_later))
    original, live = AskedOriginal(config), LiveState(public.keys(), _applied(connection, public), *said)
    history = _history(description, original, live)
    joins = tuple(_joins(description, config, public, tables))
    sequences = _sequences(connection, tables)
    backend = DescribedSystem(Side.BACKEND, description, ("public",))
    met = merged(apply_rules(Subject(config, catalog, (backend,), adopting=True), adoption=True))
    refusing, tolerated = original.tolerated(catalog, backend, met)
    findings = (
        *_missing_tables(description, config, catalog, history, joins),
        *_without_migration(description, public),
        *by_cause(refusing),
        *undecided(description, tables),
        *history.refused,
        *_role_findings(facts, config),
        *_past_the_schema(description, config),
        *_ownership(connection, config, sorted(tables), sequences),
    )
    names = {"role": config.backend.role, "tables": list(tables), "schema": config.backend.schema_name}
    new = {
        (model.table, field.column)
        for model in shared
        for field in model.fields
        if {(model.table, field.column), (model.table, field.name)} & declared
    }
    return Survey(
        facts=facts,
        shared=shared,
        history=history,
        columns=tuple(sorted((t, c) for t, c in new if c not in public[t].columns)),
        joins=joins,
        sequences=tuple((row["schema"], row["name"]) for row in sequences),
        held=tuple(connection.execute(query("held"), names).fetchall()),
        rights=tuple((row["kind"], row["object"], row["privilege"]) for row in granted(connection, config)),
        content_types=_ids(connection, "django_content_type", tables),
        permissions=_ids(connection, "auth_permission", tables),
        known_types=_known_types(connection, tables),
        findings=findings,
        tolerated=tolerated,
        unasked=original.unasked,
    )


def _history(description: Description, original: AskedOriginal, live: LiveState) -> MigrationHistory:
    """Return what is done with each migration; one whose name is applied may be the original's own."""
    history = classify(description.migrations, live)
    twice = [m for m in description.migrations if m.key in live.applied and m.key in history.chosen]
    if alike := original.same(twice):
        return classify(description.migrations, replace(live, alike=alike))
    return history


def granted(connection: Connection[Any], config: Config) -> list[dict[str, Any]]:
    """Return every right that was granted to the role itself, outside of its schema."""
    names = {"role": config.backend.role, "schema": config.backend.schema_name}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("granted"), names).fetchall()


def query(name: str) -> bytes:
    """Return the text of one of the package's queries, for example ``role``."""
    return files("handover.adoption").joinpath(f"{name}.sql").read_bytes()


def _applied(connection: Connection[Any], public: dict[str, Table]) -> frozenset[tuple[str, str]]:
    if "django_migrations" not in public:
        return frozenset()
    return frozenset(connection.execute("SELECT app, name FROM public.django_migrations").fetchall())


def _ids(connection: Connection[Any], table: str, shared: frozenset[str]) -> tuple[int, ...]:
    if table not in shared:
        return ()
    query = sql.SQL("SELECT id FROM {} ORDER BY id").format(sql.Identifier("public", table))
    return tuple(row[0] for row in connection.execute(query))


def _known_types(connection: Connection[Any], shared: frozenset[str]) -> frozenset[tuple[str, str]]:
    if "django_content_type" not in shared:
        return frozenset()
    return frozenset(connection.execute("SELECT app_label, model FROM public.django_content_type").fetchall())


def _sequences(connection: Connection[Any], tables: frozenset[str]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("key_sequences"), {"tables": list(tables)}).fetchall()


def _joins(description: Description, config: Config, public: dict[str, Table], shared: frozenset[str]) -> Iterator[str]:
    """Yield the labels of the many-to-many tables of shared models that the backend adds.

    Such a table points at one of the backend's own models, or ``new_fields`` names its field.
    """
    by_table = {m.table: m for m in description.concrete() if m.made_for}
    for model in description.concrete():
        for field in model.many_to_many:
            join = by_table.get(field.table)
            if model.table not in shared or join is None or field.table in public:
                continue
            if field.to_table not in shared or (model.table, field.name) in config.new_columns():
                yield join.label


def _without_migration(description: Description, public: dict[str, Table]) -> Iterator[Finding]:
    """Yield the tables that no migration makes, so that they would be missing after the adoption."""
    made = {table for m in description.migrations for op in m.operations for table in (op.final, *op.tables)}
    for model in description.here():
        if model.managed and not model.proxy and not model.made_for and model.table not in (public.keys() | made):
            what = f"is made by no migration of the backend, and {model.label} reads and writes it"
            todo = f"manage.py makemigrations {model.app_label}, in the backend; then adopt."
            yield Finding(code="HO039", where=model.table, found=what, expected="", todo=todo)


def _missing_tables(
    description: Description,
    config: Config,
    catalog: Catalog,
    history: MigrationHistory,
    joins: tuple[str, ...],
) -> Iterator[Finding]:
    expected = {pair.table for pair in config.models}
    expected |= {m.table for m in description.concrete() if m.app_label in {app for app, _ in history.copied}}
    mirrored = {m.label for m in description.concrete() if m.table in expected}
    expected |= {m.table for m in description.concrete() if m.made_for in mirrored and m.label not in joins}
    for table in sorted(expected - catalog.in_schema("public").keys()):
        elsewhere = [schema for schema in catalog.schemas_of(table) if schema != config.backend.schema_name]
        where = ", ".join(elsewhere)
        yield Finding(
            code="HO010",
            where=table,
            found=f"is in schema {where}" if where else "does not exist in schema public",
            expected=ONLY_PUBLIC if where else "the backend's models share it",
            todo=ADOPT_BY_HAND if where else "Is this the original's database? Run the original's migrations first.",
        )
    known = {m.table for m in description.concrete()}
    for pair in config.models:
        if pair.table not in known:
            what = f"has no model in the backend; handover.toml names {pair.backend}"
            yield Finding(
                code="HO010",
                where=pair.table,
                found=what,
                expected="",
                todo="Correct db_table in the model, or the table in handover.toml.",
            )


def _role_findings(facts: dict[str, Any], config: Config) -> Iterator[Finding]:
    role, owner, schema = config.backend.role, facts["owner"], config.backend.schema_name
    if not facts["role_exists"] and not facts["may_create_roles"]:
        what = f"does not exist, and {owner} may not create roles"
        yield Finding(
            code="HO020",
            where=f"role {role}",
            found=what,
            expected="",
            todo=f"As an administrator: ALTER ROLE {owner} CREATEROLE;",
        )
    if not facts["may_create_schemas"]:
        what = f"cannot be made: {owner} may not create schemas here"
        todo = f"As its owner: GRANT CREATE ON DATABASE {facts['database']} TO {owner};"
        yield Finding(code="HO020", where=f"schema {schema}", found=what, expected="", todo=todo)
    if facts["schema_exists"]:
        what = "exists already, and no adoption made it"
        yield Finding(
            code="HO021",
            where=f"schema {schema}",
            found=what,
            expected="",
            todo="Choose another `schema` in handover.toml, or remove it.",
        )
    if facts["role_is_superuser"]:
        what = "is a superuser or bypasses row security; it must only read and write rows"
        yield Finding(
            code="HO026", where=f"role {role}", found=what, expected="", todo="Choose another `role` in handover.toml."
        )


def _past_the_schema(description: Description, config: Config) -> Iterator[Finding]:
    """The adoption sets a search path for the role; one in the backend's own options beats it."""
    schema, path = config.backend.schema_name, own_search_path(description)
    if path is None or [place for place in path if place in (schema, "public")][:2] == [schema, "public"]:
        return
    yield Finding(
        code="HO044",
        where="DATABASES",
        found=f"of the backend sets search_path = {', '.join(path)} in its OPTIONS, which beats that of its role",
        expected=f"its own tables are in schema {schema}, and the shared ones in public: the first has to come first",
        todo=f"Take it out of the OPTIONS, or let it be {schema}, public; then adopt again.",
    )


def _ownership(
    connection: Connection[Any], config: Config, tables: list[str], sequences: list[dict[str, Any]]
) -> Iterator[Finding]:
    role = config.backend.role
    for row in sequences:
        if not row["mine"]:
            what = f"belongs to {row['owner']}; adoption grants its use, so it needs the owner"
            where = f"sequence {row['schema']}.{row['name']}"
            yield Finding(
                code="HO020",
                where=where,
                found=what,
                expected="",
                todo=f"Connect as {row['owner']}, or as a member of it.",
            )
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query("table_owners"), {"role": role, "tables": tables}).fetchall()
    if any(row["owner"] == role for row in rows):
        what = "owns shared tables, so it could alter them; the backend needs a separate role"
        todo = "Name another `role` in handover.toml, adopt, and let the backend's settings connect as it."
        yield Finding(code="HO026", where=f"role {role}", found=what, expected="", todo=todo)
        return
    for row in rows:
        if not row["mine"]:
            what = f"belongs to {row['owner']}; adoption grants rights on it, so it needs the owner"
            yield Finding(
                code="HO020",
                where=row["table"],
                found=what,
                expected="",
                todo=f"Connect as {row['owner']}, or as a member of it.",
            )
        if row["roles"]:
            what = f"could be altered by {role}, a member of its owner {row['owner']}"
            yield Finding(
                code="HO026", where=row["table"], found=what, expected="", todo=f"REVOKE {row['owner']} FROM {role};"
            )
