"""Foreign keys: they exist, and no delete fails at a table that its system does not know."""

from collections.abc import Iterator
from functools import partial

from handover.finding import Observation, SharedCause
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
# Actions that do the same in Python and in the database; two defaults may differ.
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


@rule("HO017", adoption=True)
def missing(subject: Subject) -> Iterator[Observation]:
    """Every foreign key is enforced.

    What is wrong
    -------------
    A model has a foreign key, and the database has no constraint for it, or one that points elsewhere.

    Why it hurts
    ------------
    Either system may delete a row that others point at. Following the relation then raises `DoesNotExist`.

    Example
    -------
    `shop_orders.customer_id` has no foreign key to `shop_customers.id`.

    Mend
    ----
    Mend the orphan rows (see HO229), then add the constraint.

    ```sql
    ALTER TABLE public.shop_orders
        ADD FOREIGN KEY (customer_id) REFERENCES public.shop_customers (id) DEFERRABLE INITIALLY DEFERRED;
    ```
    """
    for mapped, field, where, live in _constrained(subject):
        if live is None and field.references:
            found = f"has no foreign key to {'.'.join(field.references)}"
            points = f'ADD FOREIGN KEY ("{field.column}") REFERENCES {_quoted(field.references[0])}'
            points += f' ("{field.references[1]}") DEFERRABLE INITIALLY DEFERRED'
            todo = f"Mend the orphan rows if there are any, then: {alter(mapped.table, points)}"
            expected = f"{mapped.model.label} relies on it"
            part = f"{field.column} → {field.references[0]}"
            cause = SharedCause(where=str(mapped.table), found="lacks foreign keys", expected=expected, part=part)
            yield Observation(
                where=where, found=found, expected=expected, todo=todo, hurts=mapped.system.side, cause=cause
            )


@rule("HO155")
def deferrable(subject: Subject) -> Iterator[Observation]:
    """Foreign keys are checked at the commit.

    What is wrong
    -------------
    A foreign key is checked at once, and Django expects `DEFERRABLE INITIALLY DEFERRED`.

    Why it hurts
    ------------
    Code that inserts the pointing row first, in one transaction, fails: fixtures, imports, circular relations.

    Example
    -------
    The constraint was made by hand, without the two words.

    Mend
    ----
    Alter the constraint. It does not touch the rows.

    ```sql
    ALTER TABLE public.shop_orders ALTER CONSTRAINT shop_orders_customer_id_fkey DEFERRABLE INITIALLY DEFERRED;
    ```
    """
    for mapped, field, where, live in _constrained(subject):
        if live and not live.deferred:
            expected = f"{mapped.model.label} expects DEFERRABLE INITIALLY DEFERRED: rows may come in any order"
            todo = alter(mapped.table, f'ALTER CONSTRAINT "{live.name}" DEFERRABLE INITIALLY DEFERRED')
            cause = SharedCause(
                where=str(mapped.table),
                found="has foreign keys that are checked at once",
                expected=expected,
                part=field.column,
            )
            yield Observation(
                where=where,
                found="is checked at once",
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=mapped.system.side,
                cause=cause,
            )


@rule("HO156")
def validated(subject: Subject) -> Iterator[Observation]:
    """Foreign keys hold for the old rows, too.

    What is wrong
    -------------
    A foreign key is `NOT VALID`: PostgreSQL never looked at the old rows.

    Why it hurts
    ------------
    An old row may point at a row that is gone.

    Example
    -------
    The constraint was added to a large table without a lock, and the validation was forgotten.

    Mend
    ----
    Mend the orphan rows, then validate.

    ```sql
    ALTER TABLE public.shop_orders VALIDATE CONSTRAINT shop_orders_customer_id_fkey;
    ```
    """
    for mapped, _, where, live in _constrained(subject):
        if live and not live.validated:
            validate = alter(mapped.table, f'VALIDATE CONSTRAINT "{live.name}"')
            todo = f"Mend the orphan rows if there are any, then: {validate}"
            expected = f"{mapped.model.label} may meet orphan rows"
            yield Observation(
                where=where,
                found="has a foreign key that is NOT VALID",
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=mapped.system.side,
            )


@rule("HO157")
def actions(subject: Subject) -> Iterator[Observation]:
    """The database deletes what the models would.

    What is wrong
    -------------
    The foreign key has an ON DELETE action in the database, and a model's `on_delete` says something else.

    Why it hurts
    ------------
    A delete in SQL, or by the system that leaves it to the database, takes other rows along than the model would: no
    signal is sent, and protected rows go.

    Example
    -------
    The database says `ON DELETE CASCADE`, the model says `PROTECT`.

    Mend
    ----
    Correct `on_delete` in both models, or let the models delete.

    ```sql
    ALTER TABLE public.shop_orders
        DROP CONSTRAINT shop_orders_customer_id_fkey,
        ADD CONSTRAINT shop_orders_customer_id_fkey FOREIGN KEY (customer_id)
            REFERENCES public.shop_customers (id) DEFERRABLE INITIALLY DEFERRED;
    ```
    """
    for mapped, field, where, live in _constrained(subject):
        says = field.relation.on_delete if field.relation else None
        if live and says not in (*FITTING.get(live.on_delete, (says,)), *LEFT):
            found = f"is ON DELETE {ACTIONS[live.on_delete]} in the database"
            plain = live.definition.replace(f" ON DELETE {ACTIONS[live.on_delete]}", "")
            todo = f"Correct on_delete in both models, or let the models delete: {again(mapped.table, live, plain)}"
            yield Observation(
                where=where,
                found=found,
                expected=f"{mapped.model.label} says {says}",
                todo=todo,
                severity="risky",
                hurts=mapped.system.side,
            )


@rule("HO147")
def left_to_database(subject: Subject) -> Iterator[Observation]:
    """The database does what models leave to it.

    What is wrong
    -------------
    A model leaves the delete to the database (`DB_CASCADE`, `DB_SET_NULL`, `DB_SET_DEFAULT`), and the constraint does
    something else. Or a table points at itself with `ON DELETE RESTRICT`, and the model deletes a row with those below
    it in one statement.

    Why it hurts
    ------------
    Deletes fail, or do something else than the model says.

    Example
    -------
    `on_delete=models.DB_CASCADE`, and the constraint has no ON DELETE.

    Mend
    ----
    Correct the model, or the constraint.

    ```sql
    ALTER TABLE public.comments
        DROP CONSTRAINT comments_task_id_fkey,
        ADD CONSTRAINT comments_task_id_fkey FOREIGN KEY (task_id)
            REFERENCES public.tasks (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
    ```
    """
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
            yield Observation(where=where, found=found, expected=expected, todo=todo, hurts=mapped.system.side)
        elif live and live.on_delete == "r" and says == "CASCADE" and live.target == mapped.table.key:
            found = "is ON DELETE RESTRICT in the database"
            expected = f"{mapped.model.label} deletes a row and those below it in one statement: that fails"
            waits = live.definition.replace(" ON DELETE RESTRICT", "")
            todo = f"Let it wait for the statement's end: {again(mapped.table, live, waits)}"
            yield Observation(where=where, found=found, expected=expected, todo=todo, hurts=mapped.system.side)


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
        f'ALTER TABLE "{table.schema}"."{table.name}" DROP CONSTRAINT "{key.name}", ADD CONSTRAINT "{key.name}"'
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
            todo = f"handover adopt makes it with ON DELETE {cure}. Where you migrate by hand, afterwards: {todo}"
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
            if not target or target.key not in subject.shared or _live(mapped, field):
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


@rule("HO154")
def unknown_foreign_keys(subject: Subject) -> Iterator[Observation]:
    """Every foreign key is known.

    What is wrong
    -------------
    The database has a foreign key on a column that a model writes as an ordinary value.

    Why it hurts
    ------------
    The model may write a value without a row at the other end, and the database refuses it.

    Example
    -------
    `dance_tasks.video_id` is a foreign key in the database and an `IntegerField` in the backend.

    Mend
    ----
    Make the field a `ForeignKey`, or drop the constraint until both systems know it.

    ```sql
    ALTER TABLE public.dance_tasks DROP CONSTRAINT dance_tasks_video_id_fkey;
    ```
    """
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
            yield Observation(where=where, found=found, expected=expected, todo=todo, hurts=mapped.system.side)
