"""Foreign keys: they exist, and no delete fails at a table that its system does not know."""

from collections.abc import Iterator

from handover.finding import Observation, SharedCause
from handover.rules.registry import rule
from handover.rules.statements import again, alter
from handover.rules.tables import VIEWS
from handover.schema.catalog import LiveConstraint
from handover.schema.models import Field
from handover.schema.subject import Mapped, Subject
from handover.wording import identifier

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


def live_key(mapped: Mapped, field: Field) -> LiveConstraint | None:
    """Return the live foreign key of a field if it points where the field does."""
    if field.references is None:
        return None
    table = field.references[0].rpartition('"."')[2].strip('"')
    for key in mapped.table.foreign_keys():
        if key.columns == (field.column,) and key.target and key.target[1] == table:
            return key if key.target_columns == (field.references[1],) else None
    return None


def _quoted(table: str) -> str:
    """Return a table as SQL; Django's way to name another schema's table is a quoted dot within the name."""
    return ".".join(identifier(part) for part in table.strip('"').split('"."'))


def _constrained(subject: Subject) -> Iterator[tuple[Mapped, Field, str, LiveConstraint | None]]:
    for mapped in subject.looked_at:
        if mapped.table.kind in VIEWS:
            continue
        for field, where in mapped.fields():
            if field.references and field.relation and field.relation.constraint:
                yield mapped, field, where, live_key(mapped, field)


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
            points = f"ADD FOREIGN KEY ({identifier(field.column)}) REFERENCES {_quoted(field.references[0])}"
            points += f" ({identifier(field.references[1])}) DEFERRABLE INITIALLY DEFERRED"
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
            todo = alter(mapped.table, f"ALTER CONSTRAINT {identifier(live.name)} DEFERRABLE INITIALLY DEFERRED")
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
            validate = alter(mapped.table, f"VALIDATE CONSTRAINT {identifier(live.name)}")
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
        DROP CONSTRAINT comments_order_id_fkey,
        ADD CONSTRAINT comments_order_id_fkey FOREIGN KEY (order_id)
            REFERENCES public.orders (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
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
    `library_loans.book_id` is a foreign key in the database and an `IntegerField` in the backend.

    Mend
    ----
    Make the field a `ForeignKey`, or drop the constraint until both systems know it.

    ```sql
    ALTER TABLE public.library_loans DROP CONSTRAINT library_loans_book_id_fkey;
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
