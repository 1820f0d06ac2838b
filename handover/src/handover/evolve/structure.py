"""What in the structure of the tables stands against an evolution: dependents, kinds of tables, names, rights."""

from collections.abc import Callable, Iterator
from typing import Any

from psycopg import Connection

from handover.config.evolve import EvolveSettings
from handover.evolve.catalog.facts import IndexFacts, TableFacts, names_one, naming_functions
from handover.evolve.dependents import whole_row_uses
from handover.evolve.draft import EvolutionDraft, TableDraft
from handover.evolve.keys import new_checks, shape_keys, twin_indexes
from handover.evolve.objection import against
from handover.evolve.paths import RolePath
from handover.evolve.rights import right_findings
from handover.evolve.sync import kept_trigger_name
from handover.evolve.views import viewed
from handover.finding import Finding
from handover.schema.evolved import SYNC_TRIGGER
from handover.wording import identifier

_KINDS = {"p": "partitioned", "v": "a view", "m": "a materialized view", "f": "a foreign table"}
_TAKEN = """
    SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = %s AND c.relname = ANY (%s) ORDER BY 1
"""
_CONSTRAINTS = "SELECT conname::text FROM pg_constraint WHERE conrelid = %s AND conname = ANY (%s) ORDER BY 1"
_FUNCTIONS = """
    SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = %s AND p.proname = ANY (%s) ORDER BY 1
"""
_SCHEMAS = "SELECT nspname::text FROM pg_namespace WHERE nspname = ANY (%s) ORDER BY 1"
# Tables of one name in schemas that clients may have in their search path; PostgreSQL skips what they may not use.
_ALIKE = """
    SELECT n.nspname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> ALL (%s)
       AND n.nspname <> 'information_schema' AND left(n.nspname, 3) <> 'pg_'
       AND (n.nspname = ANY (%s)
            OR EXISTS (SELECT FROM pg_roles r
                        WHERE r.rolname = ANY (%s) AND has_schema_privilege(r.oid, n.oid, 'USAGE')))
     ORDER BY 1
"""


def structure_findings(
    connection: Connection[Any], settings: EvolveSettings, draft: EvolutionDraft, paths: tuple[RolePath, ...]
) -> list[Finding]:
    """Return what stands against the evolution, before any row is looked at.

    Parameters
    ----------
    connection
        As the owner of the tables.
    settings
        The section ``[evolve]``.
    draft
        What becomes of the tables.
    paths
        The old roles' search paths.
    """
    found: list[Finding] = []
    for table in viewed(draft):
        found += _whole_rows(connection, settings, table)
    for table in draft.tables.values():
        for question in _QUESTIONS:
            found += question(table)
        found += _functions(connection, settings, table)
        found += _triggers(settings, table)
        found += _taken_names(connection, draft, table)
        found += _hidden(connection, settings, draft, table)
    found += right_findings(connection, settings, draft, paths)
    found += _schemas(connection, settings, draft)
    return found


def _kind(table: TableDraft) -> Iterator[Finding]:
    facts = table.facts
    reasons = [
        (f"is {_KINDS.get(facts.kind, facts.kind)}", facts.kind != "r"),
        ("is a partition", facts.is_partition),
        ("inherits, or is inherited from", facts.inherits),
        ("has rules, which turn statements into others", facts.rewritten and facts.kind == "r"),
        ("is temporary", facts.persistence == "t"),
        ("receives rows of another server by a subscription", facts.subscribed),
    ]
    for reason, holds in reasons:
        if holds:
            yield against("HO666", facts.name, reason, "an evolution changes ordinary tables", "Leave it out.")
    grown = table.pairs or table.added
    for publication in facts.publications if grown else ():
        yield against(
            "HO666",
            facts.name,
            f"is sent by the publication {publication}",
            "its subscribers would receive columns that they do not have",
            f"Take it out until the contract: ALTER PUBLICATION {publication} DROP TABLE {facts.name}. A publication of"
            " all tables, or of those of a schema, must be made anew from a list without it.",
        )


def _dependents(table: TableDraft) -> Iterator[Finding]:
    changed = {*table.pairs, *table.dropped}
    for one in table.facts.dependents:
        if one.column in changed:
            yield against(
                "HO665",
                f"{table.facts.name}.{one.column}",
                f"is used by {one.what}",
                "the old column could not be dropped, or that would show old values for ever",
                "Drop it before, and make it anew after the contract.",
            )


def _indexes(table: TableDraft) -> Iterator[Finding]:
    for index in table.facts.indexes:
        touched = set(index.columns) & set(table.pairs)
        if index.name in table.dropped_indexes or not touched:
            continue
        if problem := _index_problem(index, touched):
            found, todo = problem
            where = f"{table.facts.name}.{sorted(touched)[0]}"
            yield against("HO665", where, f"is in index {index.name}, which {found}", "it can have no twin", todo)


def _index_problem(index: IndexFacts, touched: set[str]) -> tuple[str, str] | None:
    """Return why an index can have no twin, and what to do; None when it can."""
    instead = "Let the evolution drop it (drop_index) and build another (add_index)."
    if index.constraint_kind == "x":
        return "belongs to an exclusion constraint", "Drop the constraint before, and add it after the contract."
    if index.deferrable:
        return "belongs to a constraint that waits for the commit", "Make the constraint immediate before."
    if index.replica_identity:
        return "tells subscribers which row is meant", "Set REPLICA IDENTITY DEFAULT before."
    if not index.valid:
        return "is invalid", f"Drop it, or build it again: REINDEX INDEX CONCURRENTLY {index.name}"
    if touched - set(index.plain_columns) or touched & _in_condition(index):
        return "has an expression or a condition on the column", instead
    return None


def _in_condition(index: IndexFacts) -> set[str]:
    """Return the columns that the condition of an index may name: a text that is part of another counts as well."""
    condition = index.definition.partition(" WHERE ")[2]
    return {name for name in index.columns if name in condition}


def _checks(table: TableDraft) -> Iterator[Finding]:
    replaced = {one.name for one in table.checks if one.replaces}
    for check in table.facts.checks:
        touched = sorted(set(check.columns) & {*table.pairs, *table.dropped})
        if touched and check.kind == "c" and not (check.name in replaced and len(check.columns) == 1):
            yield against(
                "HO665",
                f"{table.facts.name}.{touched[0]}",
                f"is in check {check.name}, {check.definition}",
                "it would go with the old column",
                f"Add the check that the new shape has: an operation add_check with name {check.name!r}."
                if len(check.columns) == 1 and touched[0] in table.pairs
                else "Drop it before, and add it after the contract.",
            )


def _foreign_keys(table: TableDraft) -> Iterator[Finding]:
    for key in table.facts.foreign_keys:
        own = set(key.columns) & set(table.pairs) if key.child_key == table.facts.key else set()
        there = set(key.parent_columns) if key.parent_key == table.facts.key else set()
        if gone := sorted(there & set(table.dropped)):
            where = f"{table.facts.name}.{gone[0]}"
            yield against("HO665", where, f"is what {key.name} points at", "a key needs it", "Drop that key before.")
        problems = [("is not validated", not key.validated), ("sets only some columns to NULL", key.sets_some)]
        problems.append(("has MATCH PARTIAL", key.match == "p"))
        for problem, holds in problems:
            if holds and (own or there & set(table.pairs)):
                where = f"{key.child}.{key.columns[0]}"
                yield against(
                    "HO665", where, f"has foreign key {key.name}, which {problem}", "it can have no twin",
                    f"Validate it before: ALTER TABLE {key.child} VALIDATE CONSTRAINT {key.name}"
                    if not key.validated
                    else "Replace it before by one without that.",
                )  # fmt: skip
    for index in table.facts.indexes:
        if index.primary and (gone := sorted(set(index.keys) & set(table.dropped))):
            where = f"{table.facts.name}.{gone[0]}"
            yield against("HO665", where, "is in the primary key", "a row needs its key", "Leave it.")


def _defaults(table: TableDraft) -> Iterator[Finding]:
    for name, pair in table.pairs.items():
        kept = pair.column.default is None or pair.column.sequence or pair.column.identity
        if not kept and table.new_default(name) is None and pair.default is None:
            yield against(
                "HO668",
                f"{table.facts.name}.{name}",
                f"has the default {pair.column.default}, which is not the same value for ever",
                "the new column's default does not follow from it",
                'Write the new one: default = "…" in the operation.',
            )


_QUESTIONS: tuple[Callable[[TableDraft], Iterator[Finding]], ...] = (
    _kind,
    _dependents,
    _indexes,
    _checks,
    _foreign_keys,
    _defaults,
)


def _functions(connection: Connection[Any], settings: EvolveSettings, table: TableDraft) -> Iterator[Finding]:
    changed = sorted({*table.pairs, *table.dropped, *table.renamed})
    own = {one.function for one in table.facts.triggers if names_one(one.source, changed)}
    named = own | set(naming_functions(connection, table.facts.name, changed))
    for function in sorted(named - set(settings.accepted_functions)):
        yield against(
            "HO665",
            table.facts.name,
            f"is named, with a column that changes, in the text of {function}",
            "after the switch that text would mean another column",
            f"Change it. If it means another column: accepted_functions = [{function!r}] under [evolve].",
        )


def _whole_rows(connection: Connection[Any], settings: EvolveSettings, table: TableDraft) -> Iterator[Finding]:
    for what, stored in whole_row_uses(connection, settings, table.facts.key):
        found = f"is used by {what}, with whole rows of it"
        if stored:
            expected = "what it keeps would lose the values of the columns that change"
            todo = "Keep these values in columns of their own before."
        else:
            expected = "it would see the columns of both shapes, and after the switch other values under the same names"
            todo = "Drop it before, and make it anew after the contract; a function that may: accepted_functions."
        yield against("HO665", table.facts.name, found, expected, todo)


def _triggers(settings: EvolveSettings, table: TableDraft) -> Iterator[Finding]:
    for one in table.facts.triggers:
        if not table.synced or not one.enabled:
            continue
        where = f"{table.facts.name}, trigger {one.name}"
        if one.for_each_row and one.before and one.name >= SYNC_TRIGGER:
            expected = f"{SYNC_TRIGGER} must fire last, and triggers fire in the order of their names"
            yield against("HO665", where, "fires after the one that keeps both shapes in step", expected, "Rename it.")
        elif one.for_each_row and one.before and table.keeps_columns and one.name > kept_trigger_name(table):
            expected = (
                f"{kept_trigger_name(table)}, which stays, must fire last; triggers fire in the order of their names"
            )
            fires = "fires after the one that keeps a column from the contract on"
            yield against("HO665", where, fires, expected, "Rename it.")
        if one.on_every_update and one.name not in settings.accepted_triggers:
            yield against(
                "HO665",
                where,
                f"fires for each {'row' if one.for_each_row else 'batch of rows'} that the backfill fills",
                "it would act as if people had changed every row",
                f"If that is right: accepted_triggers = [{one.name!r}] under [evolve]. Otherwise switch it off before.",
            )


def _taken_names(connection: Connection[Any], draft: EvolutionDraft, table: TableDraft) -> Iterator[Finding]:
    facts = table.facts
    columns = [name for old in table.pairs for name in (table.pair(old).shadow, table.pair(old).kept)]
    for name in sorted(set(columns) & set(facts.columns)):
        yield _taken(facts, f"column {name}")
    relations = [one.name for one in twin_indexes(table)] + [one.name for one in table.indexes]
    for (name,) in connection.execute(_TAKEN.encode(), [facts.schema, relations]).fetchall():
        yield _taken(facts, f"index {name}")
    constraints = [one.name for one in new_checks(table)]
    constraints += [key.name for key in shape_keys(draft) if key.table == facts.key]
    for (name,) in connection.execute(_CONSTRAINTS.encode(), [facts.oid, constraints]).fetchall():
        yield _taken(facts, f"constraint {name}")
    if any(one.name == SYNC_TRIGGER for one in facts.triggers):
        yield _taken(facts, f"trigger {SYNC_TRIGGER}")
    functions = [name for column in table.pairs for name in table.function_names(column)] + [table.sync_function]
    if table.keeps_columns:
        yield from _taken_by_kept(connection, table)
    for (name,) in connection.execute(_FUNCTIONS.encode(), [facts.schema, functions]).fetchall():
        yield _taken(facts, f"function {name}")


def _taken_by_kept(connection: Connection[Any], table: TableDraft) -> Iterator[Finding]:
    """Yield what has the name of the trigger that stays: that of an earlier evolution is there for good."""
    facts, name = table.facts, kept_trigger_name(table)
    found = [f"trigger {one.name}" for one in facts.triggers if one.name == name]
    found += [f"function {name}" for _ in connection.execute(_FUNCTIONS.encode(), [facts.schema, [name]])]
    for what in found:
        todo = "Add the column with add_column, and let a trigger of your own keep it; or rename what is there."
        yield against("HO669", facts.name, f"has {what} already", "the contract makes one of that name", todo)


def _taken(facts: TableFacts, what: str) -> Finding:
    todo = "Rename or drop it; if an evolution left it, `handover evolve rollback` removes it."
    return against("HO669", facts.name, f"has {what} already", "the evolution makes one of that name", todo)


def _hidden(
    connection: Connection[Any], settings: EvolveSettings, draft: EvolutionDraft, table: TableDraft
) -> Iterator[Finding]:
    """Yield the tables of other schemas that the view of a changed table would stand in front of.

    The views of one shape stand in one schema. With tables of one schema it comes right before that one; with those of
    several it comes before the first of them, so also before what other schemas have of the same name.
    """
    if len(draft.schemas) == 1 or not table.shape_changes:
        return
    facts, roles = table.facts, [*settings.old_roles, *settings.carrying_roles]
    own = [facts.schema, settings.old_schema, settings.new_schema]
    for (schema,) in connection.execute(_ALIKE, [facts.name, own, list(draft.schemas), roles]).fetchall():
        yield against(
            "HO669",
            facts.key,
            f"has the name of {schema}.{facts.name}",
            f"tables of {', '.join(draft.schemas)} change together, so the views of a shape come first in each search"
            f" path, and a client of {schema}.{facts.name} would find the wrong one",
            f"Rename one of them; or keep the clients from it: REVOKE USAGE ON SCHEMA {identifier(schema)}.",
        )


def _schemas(connection: Connection[Any], settings: EvolveSettings, draft: EvolutionDraft) -> Iterator[Finding]:
    created = [one.name for one in draft.created]
    for (name,) in connection.execute(_TAKEN.encode(), [draft.schema, created]).fetchall():
        yield against("HO669", name, "is there already", "the evolution creates it", "Choose another name.")
    if not viewed(draft):
        return
    names = [settings.old_schema, settings.new_schema]
    for (name,) in connection.execute(_SCHEMAS.encode(), [names]).fetchall():
        todo = "Choose another name under [evolve] in handover.toml, or drop that schema."
        yield against("HO669", name, "is a schema already", "the views of a shape get a schema of their own", todo)
