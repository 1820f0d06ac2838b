"""Tables of one system that the other does not know: they block its deletes, or are left behind."""

from collections.abc import Iterator
from functools import partial

from handover.finding import Observation, SharedCause
from handover.rules.foreign_keys import live_key
from handover.rules.registry import rule
from handover.rules.statements import name_of
from handover.schema.catalog import LiveConstraint, Table
from handover.schema.deletes import blocking, keys, statement
from handover.schema.subject import DescribedSystem, Subject
from handover.side import Side
from handover.wording import identifier


@rule("HO019", adoption=True)
def unknown_references(subject: Subject) -> Iterator[Observation]:
    """No unknown table blocks a delete.

    What is wrong
    -------------
    A table that one system does not know points at a shared table, and the database has no ON DELETE action that
    succeeds. It may be a table that the backend's migrations will make.

    Why it hurts
    ------------
    Django deletes from the tables it knows. The delete of the shared row then fails at the unknown table.

    Example
    -------
    `backend.playlists.user_id` points at `users`; the original does not know playlists, so it cannot delete users.

    Mend
    ----
    Give the key an action in the database, or install the app that owns the table in the other system (its models are
    enough).

    ```sql
    ALTER TABLE backend.playlists
        DROP CONSTRAINT playlists_user_id_fkey,
        ADD CONSTRAINT playlists_user_id_fkey FOREIGN KEY (user_id)
            REFERENCES public.users (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
    ```
    """
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
            cause = SharedCause(
                where=owner,
                found="has tables that point at shared ones without ON DELETE",
                expected=several,
                part=where,
            )
            yield Observation(where=where, found=found, expected=expected, todo=todo, hurts=system.side, cause=cause)
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
        f"ALTER TABLE {name_of(table)} DROP CONSTRAINT {identifier(key.name)}, ADD CONSTRAINT {identifier(key.name)}"
        f" {head} ON DELETE {cure}{deferrable}{tail};"
    )


def _foreseen(subject: Subject) -> Iterator[Observation]:
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
            todo = f"handover adopt makes the key with ON DELETE. Where you migrate by hand, afterwards:\n{todo}"
        elif cure:
            todo = f"After its migration: {todo}"
        else:
            todo = f"{model.label} says neither CASCADE nor null=True, so decide first; after its migration: {todo}"
        where = f"{schema}.{model.table}.{field.column}"
        several = "the original does not know them: its deletes will fail"
        cause = SharedCause(
            where=f"app {model.app_label} of the backend",
            found="will have tables that point at shared ones without ON DELETE",
            expected=several,
            part=where,
        )
        yield Observation(where=where, found=found, expected=expected, todo=todo, hurts=Side.ORIGINAL, cause=cause)


@rule("HO158")
def python_only(subject: Subject) -> Iterator[Observation]:
    """No table of one system is orphaned by the other.

    What is wrong
    -------------
    A table of one system points at a shared table with `db_constraint=False`, and the other system does not know the
    table.

    Why it hurts
    ------------
    Only Python cleans such a key up. Deletes by the other system leave rows behind that point at nothing.

    Example
    -------
    `audit_entries.user_id` in the backend has no constraint; the original deletes the user.

    Mend
    ----
    Add a foreign key with an action in the database.

    ```sql
    ALTER TABLE backend.audit_entries
        ADD FOREIGN KEY (user_id) REFERENCES public.users (id) ON DELETE SET NULL;
    ```
    """
    for mapped in subject.looked_at:
        if mapped.table.key in subject.known.get(mapped.system.other, {}):
            continue
        for field, where in mapped.fields():
            target = field.references and subject.catalog.find(mapped.system.search_path, field.references[0])
            if not target or target.key not in subject.shared or live_key(mapped, field):
                continue
            if field.relation and not field.relation.constraint:
                found = (
                    f"points at {target} without a constraint, and the {mapped.system.other} does not know the table"
                )
                todo = "Add a foreign key with ON DELETE CASCADE or SET NULL in the database."
                expected = f"deletes by the {mapped.system.other} leave its rows behind"
                yield Observation(
                    where=where,
                    found=found,
                    expected=expected,
                    todo=todo,
                    severity="risky",
                    hurts=mapped.system.side,
                )
