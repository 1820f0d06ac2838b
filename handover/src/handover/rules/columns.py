"""Live columns against the fields that read and write them."""

from collections.abc import Iterator

from handover.finding import Observation, Severity
from handover.rules.migrations import left_to_make
from handover.rules.registry import rule
from handover.rules.retyping import retyped
from handover.rules.statements import alter, name_of
from handover.rules.tables import VIEWS
from handover.schema.models import Field
from handover.schema.subject import Mapped, Subject
from handover.schema.types import INTEGERS, canonical_type
from handover.side import Side
from handover.wording import identifier


@rule("HO011", adoption=True)
def missing(subject: Subject) -> Iterator[Observation]:
    """Every field has its column.

    What is wrong
    -------------
    A model of one system has a field, and the live table has no such column.

    Why it hurts
    ------------
    Every query of the model names the column, so every read and every write fails.

    Example
    -------
    `library_books.shelf` was dropped by hand; both models still have the field.

    Mend
    ----
    Correct the model, or add the column. If the backend brings the column, list it under `new_fields` in
    `handover.toml`: then `handover adopt` adds it.

    ```sql
    ALTER TABLE public.library_books ADD COLUMN shelf varchar(20);
    ```
    """
    for mapped in subject.used:
        for field in mapped.model.fields:
            if field.column in mapped.table.columns or _is_awaited(subject, mapped, field):
                continue
            expected = f"{mapped.model.label} reads and writes it"
            todo = "Correct the model, or list it under new_fields in handover.toml if it is an addition."
            if subject.is_new(mapped.table, field):
                todo = _how_to_add(subject, mapped, field)
            where = f"{mapped.table}.{field.column}"
            yield Observation(
                where=where,
                found="does not exist",
                expected=expected,
                todo=todo,
                hurts=mapped.system.side,
            )


def _how_to_add(subject: Subject, mapped: Mapped, field: Field) -> str:
    """Return what adds a declared column; a migration is advised only where one is left to run."""
    if migration := left_to_make(subject, mapped.system, mapped.model.table, field.column):
        return f"Run the migrations of the {mapped.system.side}: {'.'.join(migration.key)} adds it."
    table = f"{name_of(mapped.table)}"
    return f"No migration is left that adds it. ALTER TABLE {table} ADD COLUMN {identifier(field.column)} {field.type};"


def _is_awaited(subject: Subject, mapped: Mapped, field: Field) -> bool:
    """Say whether the backend declared the column and nothing has made it yet."""
    if mapped.system.side != "backend" or not subject.is_new(mapped.table, field):
        return False
    schema = subject.config.backend.schema_name
    # With a schema of its own, adoption has added the column; without one, some migration is to do so.
    return not (subject.adopted and schema != mapped.table.schema and schema in mapped.system.search_path)


@rule("HO132", adoption=True)
def awaited(subject: Subject) -> Iterator[Observation]:
    """A new column is nullable.

    What is wrong
    -------------
    The backend declares a new column under `new_fields`, and its field is not `null=True`. Or the column is nullable,
    and the adopted database does not have it yet.

    Why it hurts
    ------------
    The original does not write the column. With NOT NULL every insert of the original would fail; a default in the
    database helps only as long as it is there.

    Example
    -------
    `shop_orders.courier_reference` is `CharField(max_length=500)` without `null=True`.

    Mend
    ----
    Make the field nullable.

    ```python
    courier_reference = models.CharField(max_length=500, null=True, blank=True)
    ```
    """
    for mapped in subject.on_shared:
        for field in mapped.model.fields:
            if field.column in mapped.table.columns or not _is_awaited(subject, mapped, field):
                continue
            where = f"{mapped.table}.{field.column}"
            if field.null:
                if subject.adopted:
                    found, expected = "is not there yet", f"{mapped.model.label} reads and writes it"
                    yield Observation(
                        where=where,
                        found=found,
                        expected=expected,
                        todo=_how_to_add(subject, mapped, field),
                    )
                continue
            supplied = field.db_default is not None
            found = "will be NOT NULL" + (" with a default in the database" if supplied else "")
            expected = "the original does not write it; only a nullable column is safe"
            yield Observation(
                where=where,
                found=found,
                expected=expected,
                todo="Make it null=True.",
                severity="risky" if supplied else "breaking",
                hurts=Side.ORIGINAL,
            )


@rule("HO012", adoption=True)
def types(subject: Subject) -> Iterator[Observation]:
    """Column types are equal.

    What is wrong
    -------------
    The live column has another type than a model expects, or another length.

    Why it hurts
    ------------
    Reads give another Python type, writes fail or are cut, and look-ups by text and by number do not mix.

    Example
    -------
    `shop_orders.order_id` is `uuid`; the original's model says `CharField(max_length=36)`.

    Mend
    ----
    Correct the model, or revert the column. Changing a type locks and rewrites the table.

    ```sql
    ALTER TABLE public.shop_orders ALTER order_id TYPE varchar(36);
    ```
    """
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            live, expected = canonical_type(mapped.table.columns[field.column].type), canonical_type(field.type)
            # Migrations make the key of a many-to-many table by DEFAULT_AUTO_FIELD, running code by the app's own
            # setting, so Django's auth differs from its own tables. Only the database writes that key.
            automatic = mapped.model.made_for is not None and field.primary_key and {live, expected} <= INTEGERS
            if live != expected and not automatic:
                says = f"{mapped.model.label} expects {expected}"
                yield Observation(
                    where=where,
                    found=f"is {live}",
                    expected=says,
                    todo=f"Correct the model, or revert the column: {retyped(mapped.table, field.column, field.type)}",
                    hurts=mapped.system.side,
                )


@rule("HO013", adoption=True)
def nullability(subject: Subject) -> Iterator[Observation]:
    """NOT NULL is equal.

    What is wrong
    -------------
    The live column allows NULL and the model does not, or the other way round.

    Why it hurts
    ------------
    If the column refuses NULL, writes of the model that leave the field empty fail (breaking). If it allows NULL, the
    model may read `None` where its code expects a value (risky).

    Example
    -------
    `users.nickname` is NOT NULL in the table and `null=True` in the model.

    Mend
    ----
    Correct the model, or the column.

    ```sql
    ALTER TABLE public.users ALTER nickname DROP NOT NULL;
    ```
    """
    for mapped in subject.looked_at:
        if mapped.table.kind in VIEWS:
            continue
        for field, where in mapped.fields():
            live = mapped.table.columns[field.column].null
            # Django makes a generated column without NOT NULL, whatever the field says.
            if live != field.null and not (live and field.generated):
                is_, expects = ("NULL", "NOT NULL") if live else ("NOT NULL", "NULL")
                says = f"{mapped.model.label} expects {expects}"
                severity: Severity = "risky" if live else "breaking"  # reads may meet a NULL; writes of NULL fail
                todo = _reverted(mapped, f"ALTER {identifier(field.column)} {'SET' if live else 'DROP'} NOT NULL")
                yield Observation(
                    where=where,
                    found=f"is {is_}",
                    expected=says,
                    todo=todo,
                    severity=severity,
                    hurts=mapped.system.side,
                )


def _reverted(mapped: Mapped, action: str) -> str:
    return f"Correct the model, or revert the column: {alter(mapped.table, action)}"


@rule("HO142")
def collations(subject: Subject) -> Iterator[Observation]:
    """Collations are equal.

    What is wrong
    -------------
    The live column has another collation than a model says (`db_collation`), or one that no model and no migration
    knows.

    Why it hurts
    ------------
    Lists are sorted differently, and texts that one system takes for equal are not equal for the other.

    Example
    -------
    `users.email` has the collation `POSIX`; the models expect the default of the database.

    Mend
    ----
    Correct the model, or the column. The indexes of the column are built anew.

    ```sql
    ALTER TABLE public.users ALTER email TYPE varchar(254) COLLATE "default";
    ```
    """
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            live = mapped.table.columns[field.column].collation
            by_hand = field.collation is None and live in mapped.system.by_hand
            if live != field.collation and mapped.table.kind not in VIEWS and not by_hand:
                expected = f"{mapped.model.label} expects {field.collation or 'the default'}: order and equality differ"
                found = f"has collation {live or 'default'}"
                collate = f" COLLATE {identifier(field.collation or 'default')}"
                how = f"ALTER {identifier(field.column)} TYPE {field.type}{collate}"
                yield Observation(
                    where=where,
                    found=found,
                    expected=expected,
                    todo=_reverted(mapped, how),
                    severity="risky",
                    hurts=mapped.system.side,
                )
