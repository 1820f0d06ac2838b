"""Foreign keys: they exist, and nobody's deletes fail at a table they do not know."""

from collections.abc import Iterator
from functools import partial

from handover.finding import Cause, Finding
from handover.rules.registry import rule
from handover.rules.statements import again, alter
from handover.rules.tables import VIEWS
from handover.schema.catalog import LiveConstraint, Table
from handover.schema.deletes import blocking, keys, statement
from handover.schema.models import Field
from handover.schema.subject import DescribedSystem, Mapped, Subject
from handover.side import Side

ACTIONS = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT", "r": "RESTRICT", "a": "NO ACTION"}
# What Django may say in Python so that the database's action changes nothing.
FITTING = {
    "c": ("CASCADE", "DO_NOTHING", "DB_CASCADE"),
    "n": ("SET_NULL", "DO_NOTHING", "DB_SET_NULL"),
    "d": ("SET_DEFAULT", "DO_NOTHING", "DB_SET_DEFAULT"),
}
# Actions that do the same whoever is told to: a default in Python need not be that of the column.
DELETING = ("c", "n")
# What Django leaves to the database altogether.
LEFT = {"DB_CASCADE": "c", "DB_SET_NULL": "n", "DB_SET_DEFAULT": "d"}


def _live(mapped: Mapped, field: Field) -> LiveConstraint | None:
    """Return the live foreign key of a field if it points where the field does."""
    if field.references is None:
        return None
    table = field.references[0].rpartition('"."')[2].strip('"')
    for key in mapped.table.foreign_keys():
        if key.columns == (field.column,) and key.target and key.target[1] == table:
            return key if key.target_columns == (field.references[1],) else None
    return None


def _quoted(table: str) -> str:
    return table if '"' in table else f'"{table}"'


def _constrained(subject: Subject) -> Iterator[tuple[Mapped, Field, str, LiveConstraint | None]]:
    for mapped in subject.looked_at:
        if mapped.table.kind in VIEWS:
            continue
        for field, where in mapped.fields():
            if field.references and field.relation and field.relation.constraint:
                yield mapped, field, where, _live(mapped, field)


@rule("HO017", "Every foreign key is enforced", adoption=True)
def missing(subject: Subject) -> Iterator[Finding]:
    for mapped, field, where, live in _constrained(subject):
        if live is None and field.references:
            found = f"has no foreign key to {'.'.join(field.references)}"
            points = f'ADD FOREIGN KEY ("{field.column}") REFERENCES {_quoted(field.references[0])}'
            points += f' ("{field.references[1]}") DEFERRABLE INITIALLY DEFERRED'
            todo = f"Mend the orphan rows if there are any, then: {alter(mapped.table, points)}"
            expected = f"{mapped.model.label} relies on it"
            part = f"{field.column} → {field.references[0]}"
            cause = Cause(where=str(mapped.table), found="lacks foreign keys", expected=expected, part=part)
            yield Finding(
                code="HO017", where=where, found=found, expected=expected, todo=todo, hurts=mapped.system.side, of=cause
            )


@rule("HO155", "Foreign keys are checked at the commit")
def deferrable(subject: Subject) -> Iterator[Finding]:
    for mapped, field, where, live in _constrained(subject):
        if live and not live.deferred:
            expected = f"{mapped.model.label} expects DEFERRABLE INITIALLY DEFERRED: rows may come in any order"
            todo = alter(mapped.table, f'ALTER CONSTRAINT "{live.name}" DEFERRABLE INITIALLY DEFERRED')
            cause = Cause(
                where=str(mapped.table),
                found="has foreign keys that are checked at once",
                expected=expected,
                part=field.column,
            )
            yield Finding(
                code="HO155",
                where=where,
                found="is checked at once",
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=mapped.system.side,
                of=cause,
            )


@rule("HO156", "Foreign keys hold for the old rows, too")
def validated(subject: Subject) -> Iterator[Finding]:
    for mapped, _, where, live in _constrained(subject):
        if live and not live.validated:
            validate = alter(mapped.table, f'VALIDATE CONSTRAINT "{live.name}"')
            todo = f"Mend the orphan rows if there are any, then: {validate}"
            expected = f"{mapped.model.label} may meet orphan rows"
            yield Finding(
                code="HO156",
                where=where,
                found="has a foreign key that is NOT VALID",
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=mapped.system.side,
            )


@rule("HO157", "The database deletes what the models would")
def actions(subject: Subject) -> Iterator[Finding]:
    for mapped, field, where, live in _constrained(subject):
        says = field.relation.on_delete if field.relation else None
        if live and says not in (*FITTING.get(live.on_delete, (says,)), *LEFT):
            found = f"is ON DELETE {ACTIONS[live.on_delete]} in the database"
            plain = live.definition.replace(f" ON DELETE {ACTIONS[live.on_delete]}", "")
            todo = f"Correct on_delete in both models, or let the models delete: {again(mapped.table, live, plain)}"
            yield Finding(
                code="HO157",
                where=where,
                found=found,
                expected=f"{mapped.model.label} says {says}",
                todo=todo,
                severity="risky",
                hurts=mapped.system.side,
            )


@rule("HO147", "The database does what models leave to it")
def left_to_database(subject: Subject) -> Iterator[Finding]:
    for mapped, field, where, live in _constrained(subject):
        says = field.relation.on_delete if field.relation else None
        if live and says in LEFT and live.on_delete != LEFT[says]:
            found = f"is ON DELETE {ACTIONS[live.on_delete]} in the database"
            expected = (
                f"{mapped.model.label} leaves it to the database ({says}): its deletes fail, or do something else"
            )
            head = live.definition.replace(f" ON DELETE {ACTIONS[live.on_delete]}", "")
            head, deferrable, tail = head.partition(" DEFERRABLE")
            action = f"{head} ON DELETE {ACTIONS[LEFT[says]]}{deferrable}{tail}"
            todo = f"Correct the model, or the constraint: {again(mapped.table, live, action)}"
            yield Finding(
                code="HO147", where=where, found=found, expected=expected, todo=todo, hurts=mapped.system.side
            )
        elif live and live.on_delete == "r" and says == "CASCADE" and live.target == mapped.table.key:
            found = "is ON DELETE RESTRICT in the database"
            expected = f"{mapped.model.label} deletes a row and those below it in one statement: that fails"
            waits = live.definition.replace(" ON DELETE RESTRICT", "")
            todo = f"Let it wait for the statement's end: {again(mapped.table, live, waits)}"
            yield Finding(
                code="HO147", where=where, found=found, expected=expected, todo=todo, hurts=mapped.system.side
            )


@rule("HO019", "No unknown table blocks a delete", adoption=True)
def unknown_references(subject: Subject) -> Iterator[Finding]:
    """Django cannot cascade into a table it does not know, so its deletes fail there."""
    for system in subject.systems:
        for table, key in blocking(subject.catalog, subject.shared, partial(_follows, subject, system)):
            target = subject.catalog.tables[key.target] if key.target else None
            where = f"{table.schema}.{table.name}.{', '.join(key.columns)}"
            found = f"points at {target} without ON DELETE"
            if key.on_delete == "n":
                found = f"points at {target} with ON DELETE SET NULL, and is NOT NULL"
            unknown = "column" if table.key in subject.known[system.side] else "table"
            expected = f"the {system.side} does not know that {unknown}: its deletes will fail"
            cure = "SET NULL" if all(table.columns[name].null for name in key.columns) else "CASCADE"
            otherwise = f"install the app that owns the table in the {system.side} (its models are enough)"
            if unknown == "column":
                otherwise = f"add the field to its model in the {system.side}"
            todo = f"{_mended(table, key, cure)} Or {otherwise}."
            owner = _owner(subject, system, table)
            several = f"the {system.side} does not know them: its deletes will fail"
            cause = Cause(
                where=owner,
                found="has tables that point at shared ones without ON DELETE",
                expected=several,
                part=where,
            )
            yield Finding(
                code="HO019", where=where, found=found, expected=expected, todo=todo, hurts=system.side, of=cause
            )
    yield from _foreseen(subject)


def _owner(subject: Subject, system: DescribedSystem, table: Table) -> str:
    """Return what a table that a system does not know belongs to: an app of the other system, or a schema."""
    model = subject.known.get(system.other, {}).get(table.key)
    return f"app {model.app_label} of the {system.other}" if model else f"schema {table.schema}"


def _follows(subject: Subject, system: DescribedSystem, table: Table, key: LiveConstraint) -> bool:
    """Say whether a model of a system has the key as a relation, so that its own cascade comes along it."""
    model = subject.known[system.side].get(table.key)
    return model is not None and any(f.relation for f in model.fields if (f.column,) == key.columns)


def _mended(table: Table, key: LiveConstraint, cure: str) -> str:
    action = {"a": "", "r": " ON DELETE RESTRICT", "n": " ON DELETE SET NULL"}.get(key.on_delete, "")
    definition = key.definition.replace(action, "") if action else key.definition
    head, deferrable, tail = definition.partition(" DEFERRABLE")
    return (
        f'ALTER TABLE "{table.schema}"."{table.name}" DROP CONSTRAINT "{key.name}", ADD CONSTRAINT "{key.name}"'
        f" {head} ON DELETE {cure}{deferrable}{tail};"
    )


def _foreseen(subject: Subject) -> Iterator[Finding]:
    """Yield the keys of tables that the backend's migrations have yet to make."""
    backend, original = subject.system(Side.BACKEND), subject.system(Side.ORIGINAL)
    if subject.adopting or backend is None or original is None:
        return
    shared = {name for _, name in subject.shared}
    known = {model.table for model in original.description.concrete()}
    schema = subject.config.backend.schema_name
    for model, field, cure in keys(backend.description, shared):
        if model.table in known or subject.catalog.find(backend.search_path, model.table) or not field.references:
            continue
        found = f"will point at {field.references[0]} without ON DELETE"
        expected = "the original does not know that table: its deletes will fail"
        todo = statement(model, field, cure or "CASCADE", schema)
        if cure and schema != "public" and not subject.adopted:
            todo = f"handover adopt makes it with ON DELETE {cure}. Where you migrate by hand, afterwards: {todo}"
        elif cure:
            todo = f"After its migration: {todo}"
        else:
            todo = f"{model.label} says neither CASCADE nor null=True, so decide first; after its migration: {todo}"
        where = f"{schema}.{model.table}.{field.column}"
        several = "the original does not know them: its deletes will fail"
        cause = Cause(
            where=f"app {model.app_label} of the backend",
            found="will have tables that point at shared ones without ON DELETE",
            expected=several,
            part=where,
        )
        yield Finding(
            code="HO019", where=where, found=found, expected=expected, todo=todo, hurts=Side.ORIGINAL, of=cause
        )


@rule("HO158", "No table of one system is orphaned by the other")
def python_only(subject: Subject) -> Iterator[Finding]:
    """A key without a constraint is cleaned up in Python alone, by the system that knows it."""
    for mapped in subject.looked_at:
        if mapped.table.key in subject.known.get(mapped.system.other, {}):
            continue
        for field, where in mapped.fields():
            target = field.references and subject.catalog.find(mapped.system.search_path, field.references[0])
            if not target or target.key not in subject.shared or _live(mapped, field):
                continue
            if field.relation and not field.relation.constraint:
                found = (
                    f"points at {target} without a constraint, and the {mapped.system.other} does not know the table"
                )
                todo = "Add a foreign key with ON DELETE CASCADE or SET NULL in the database."
                expected = f"deletes by the {mapped.system.other} leave its rows behind"
                yield Finding(
                    code="HO158",
                    where=where,
                    found=found,
                    expected=expected,
                    todo=todo,
                    severity="risky",
                    hurts=mapped.system.side,
                )


@rule("HO154", "Every foreign key is known")
def unknown_foreign_keys(subject: Subject) -> Iterator[Finding]:
    for mapped in subject.on_shared:
        references = {field.column for field in mapped.model.fields if field.references}
        for key in mapped.table.foreign_keys():
            if len(key.columns) > 1 or key.columns[0] in references:
                continue
            if key.columns[0] not in mapped.model.by_column():
                continue  # a column it never writes
            found = f"must exist in {'.'.join(key.target or ())}"
            expected = f"{mapped.model.label} does not know that: its writes may fail"
            todo = "Drop the constraint until both systems know it, or make the field a ForeignKey."
            where = f"{mapped.table}.{key.columns[0]}"
            yield Finding(
                code="HO154", where=where, found=found, expected=expected, todo=todo, hurts=mapped.system.side
            )
