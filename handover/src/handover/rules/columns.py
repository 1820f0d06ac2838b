"""Live columns against the fields that read and write them."""

from collections.abc import Iterator

from handover.finding import Observation, Severity
from handover.rules.migrations import left_to_make
from handover.rules.registry import rule
from handover.rules.statements import alter, name_of
from handover.rules.tables import VIEWS
from handover.schema.models import Field
from handover.schema.subject import Mapped, Subject
from handover.schema.types import INTEGERS, canonical_type
from handover.side import Side

REVERT = "Revert the column, or correct the model."
AUTOMATIC_KEYS = ("AutoField", "BigAutoField", "SmallAutoField")


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
    `dance_videos.level` was dropped by hand; both models still have the field.

    Mend
    ----
    Correct the model, or add the column. If the backend brings the column, list it under `new_fields` in
    `handover.toml`: then `handover adopt` adds it.

    ```sql
    ALTER TABLE public.dance_videos ADD COLUMN level varchar(20);
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
    table = f'"{mapped.table.schema}"."{mapped.table.name}"'
    return f'No migration is left that adds it. ALTER TABLE {table} ADD COLUMN "{field.column}" {field.type};'


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
    `choreography_tasks.job_execution_name` is `CharField(max_length=500)` without `null=True`.

    Mend
    ----
    Make the field nullable.

    ```python
    job_execution_name = models.CharField(max_length=500, null=True, blank=True)
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
    `choreography_tasks.task_id` is `uuid`; the original's model says `CharField(max_length=36)`.

    Mend
    ----
    Correct the model, or revert the column. Changing a type locks and rewrites the table.

    ```sql
    ALTER TABLE public.choreography_tasks ALTER task_id TYPE varchar(36) USING task_id::varchar(36);
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
                how = f'ALTER "{field.column}" TYPE {field.type} USING "{field.column}"::{field.type}'
                yield Observation(
                    where=where,
                    found=f"is {live}",
                    expected=says,
                    todo=_reverted(mapped, how),
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
                todo = _reverted(mapped, f'ALTER "{field.column}" {"SET" if live else "DROP"} NOT NULL')
                yield Observation(
                    where=where,
                    found=f"is {is_}",
                    expected=says,
                    todo=todo,
                    severity=severity,
                    hurts=mapped.system.side,
                )


def _unknown(subject: Subject) -> Iterator[tuple[Mapped, str, bool]]:
    """Yield each live column of a shared table that a side does not know, and whether the other side does."""
    for mapped in subject.on_shared:
        mine = mapped.model.by_column()
        theirs = subject.known.get(mapped.system.other, {}).get(mapped.table.key)
        for column in mapped.table.columns:
            if column not in mine:
                yield mapped, column, theirs is not None and column in theirs.by_column()


@rule("HO014", adoption=True)
def unwritten(subject: Subject) -> Iterator[Observation]:
    """Every required column is written by both systems.

    What is wrong
    -------------
    A column is NOT NULL and has no default, and one system's model does not know it.

    Why it hurts
    ------------
    Each insert of that system leaves the column empty and fails.

    Example
    -------
    `orders.added` is NOT NULL; only the original has the field.

    Mend
    ----
    Add the field to the model, or let the column be empty.

    ```sql
    ALTER TABLE public.orders ALTER added DROP NOT NULL;
    ```
    """
    for mapped, name, _ in _unknown(subject):
        column = mapped.table.columns[name]
        if not column.null and not column.supplied and mapped.table.kind not in VIEWS:
            expected = f"{mapped.model.label} does not know it: its inserts will fail"
            todo = "Add the field to the model, or: " + alter(mapped.table, f'ALTER "{name}" DROP NOT NULL')
            where = f"{mapped.table}.{name}"
            yield Observation(
                where=where,
                found="is NOT NULL without a default",
                expected=expected,
                todo=todo,
                hurts=mapped.system.side,
            )


@rule("HO130")
def nullable_addition(subject: Subject) -> Iterator[Observation]:
    """A new nullable column is safe.

    What is wrong
    -------------
    Nothing. A column is nullable, and one system's model does not know it.

    Why it hurts
    ------------
    It does not hurt: the inserts of that system leave the column NULL. It is reported so that the team knows it.

    Example
    -------
    `choreography_tasks.job_execution_name`, which only the backend uses.

    Mend
    ----
    Nothing is to be done. Code of the other system must accept NULL there.
    """
    for mapped, name, other_knows in _unknown(subject):
        if mapped.table.columns[name].null and not (mapped.system.side == "backend" and other_knows):
            found = f"is nullable, and {mapped.model.label} does not know it"
            where = f"{mapped.table}.{name}"
            yield Observation(
                where=where,
                found=found,
                expected="its inserts leave it NULL",
                todo="Nothing.",
                severity="safe",
                hurts=mapped.system.side,
            )


@rule("HO131")
def supplied_addition(subject: Subject) -> Iterator[Observation]:
    """A default in the database is accepted first.

    What is wrong
    -------------
    A column is NOT NULL and the database fills it (a default, an identity or a generated column). One system's model
    does not know it.

    Why it hurts
    ------------
    The inserts of that system work only as long as the database fills the column. If someone drops the default, they
    fail.

    Example
    -------
    `orders.added` is `NOT NULL DEFAULT 'x'`, and the backend has no such field.

    Mend
    ----
    Accept it, or let the column be empty.

    ```sql
    ALTER TABLE public.orders ALTER added DROP NOT NULL;
    ```
    """
    for mapped, name, _ in _unknown(subject):
        column = mapped.table.columns[name]
        if not column.null and column.supplied:
            found = f"is NOT NULL and filled by the database ({column.default or 'generated'})"
            expected = f"{mapped.model.label} does not know it and relies on that"
            todo = "Accept it in the contract, or: " + alter(mapped.table, f'ALTER "{name}" DROP NOT NULL')
            yield Observation(
                where=f"{mapped.table}.{name}",
                found=found,
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=mapped.system.side,
            )


@rule("HO133")
def forgotten(subject: Subject) -> Iterator[Observation]:
    """The backend knows every column of the original.

    What is wrong
    -------------
    The original writes a nullable column, and the backend's model does not know it.

    Why it hurts
    ------------
    Rows that the backend makes have no value there. Pages and jobs of the original that use the column miss it.

    Example
    -------
    `users.bio` is a field of the original only.

    Mend
    ----
    Add the field to the backend's model, with the original's options.

    ```python
    bio = models.TextField(null=True, blank=True)
    ```
    """
    for mapped, name, other_knows in _unknown(subject):
        if mapped.system.side == "backend" and other_knows and mapped.table.columns[name].null:
            found = "is written by the original alone"
            expected = f"{mapped.model.label} does not know it, so its rows have no value there"
            yield Observation(
                where=f"{mapped.table}.{name}",
                found=found,
                expected=expected,
                todo="Add the field to the model.",
                severity="risky",
                hurts="both",
            )


def _reverted(mapped: Mapped, action: str) -> str:
    return f"Correct the model, or revert the column: {alter(mapped.table, action)}"


def _automatic(mapped: Mapped, column: str, *, always: bool) -> str:
    """Return the statements after which a key is made by the database, or may be given."""
    if always:
        return alter(mapped.table, f'ALTER "{column}" SET GENERATED BY DEFAULT')
    made = alter(mapped.table, f'ALTER "{column}" ADD GENERATED BY DEFAULT AS IDENTITY')
    table = name_of(mapped.table)
    newest = f'(SELECT coalesce(max("{column}"), 0) + 1 FROM {table})'  # noqa: S608 - names of the catalog
    return f"{made} SELECT setval(pg_get_serial_sequence('{table}', '{column}'), {newest}, false);"


@rule("HO140")
def automatic_keys(subject: Subject) -> Iterator[Observation]:
    """The database makes automatic keys.

    What is wrong
    -------------
    A model has an automatic key, and the column has neither an identity nor a default (breaking), or is `GENERATED
    ALWAYS` (risky).

    Why it hurts
    ------------
    Without a default each insert fails. With `GENERATED ALWAYS` an insert that gives the key itself fails, for example
    `loaddata` and the restoring of a backup.

    Example
    -------
    `library_readers.id` lost its identity when the table was copied.

    Mend
    ----
    Give the column an identity that begins behind the last key.

    ```sql
    ALTER TABLE public.library_readers ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;
    SELECT setval(pg_get_serial_sequence('public.library_readers', 'id'), coalesce(max(id), 0) + 1, false)
    FROM public.library_readers;
    ```
    """
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            column = mapped.table.columns[field.column]
            if field.kind not in AUTOMATIC_KEYS or mapped.table.kind in VIEWS:
                continue
            if not column.supplied:
                found = "has neither identity nor default"
            elif column.identity == "a":
                found = "is GENERATED ALWAYS"
            else:
                continue
            expected = f"{mapped.model.label} lets the database make its key, and may give one itself"
            todo = _automatic(mapped, field.column, always=column.identity == "a")
            severity: Severity = "risky" if column.supplied else "breaking"
            yield Observation(
                where=where,
                found=found,
                expected=expected,
                todo=todo,
                severity=severity,
                hurts=mapped.system.side,
            )


@rule("HO141")
def database_defaults(subject: Subject) -> Iterator[Observation]:
    """Defaults that models leave to the database are there.

    What is wrong
    -------------
    A field has `db_default`, and the column has no default.

    Why it hurts
    ------------
    Django leaves the value to the database, which stores NULL or refuses the row.

    Example
    -------
    `orders.placed_at` has `db_default=Now()`, and the column has no default.

    Mend
    ----
    Give the column the default, or correct the model.

    ```sql
    ALTER TABLE public.orders ALTER placed_at SET DEFAULT now();
    ```
    """
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            column = mapped.table.columns[field.column]
            if field.db_default is not None and not column.supplied:
                expected = f"{mapped.model.label} leaves it to the database: {field.db_default}"
                todo = "Give the column that default (ALTER TABLE, SET DEFAULT), or correct the model."
                severity: Severity = "risky" if column.null else "breaking"
                yield Observation(
                    where=where,
                    found="has no default",
                    expected=expected,
                    todo=todo,
                    severity=severity,
                    hurts=mapped.system.side,
                )


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
                collate = f' COLLATE "{field.collation or "default"}"'
                how = f'ALTER "{field.column}" TYPE {field.type}{collate}'
                yield Observation(
                    where=where,
                    found=found,
                    expected=expected,
                    todo=_reverted(mapped, how),
                    severity="risky",
                    hurts=mapped.system.side,
                )


@rule("HO143")
def generated(subject: Subject) -> Iterator[Observation]:
    """Fields that are written are not generated columns.

    What is wrong
    -------------
    The database computes the column and the model writes it, or the model has a `GeneratedField` and the column is an
    ordinary one.

    Why it hurts
    ------------
    PostgreSQL refuses a value for a generated column, so every save fails. In the other case nothing fills the column.

    Example
    -------
    `orders.total_cents` is `GENERATED ALWAYS AS (total * 100) STORED`, and the model has an `IntegerField`.

    Mend
    ----
    Make both a generated column, or neither.

    ```sql
    ALTER TABLE public.orders ALTER total_cents DROP EXPRESSION;
    ```
    """
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            if bool(mapped.table.columns[field.column].generated) != field.generated and mapped.table.kind not in VIEWS:
                found = "is an ordinary column" if field.generated else "is generated by the database"
                expected = f"{mapped.model.label} " + (
                    "never writes it" if field.generated else "writes it: that fails"
                )
                yield Observation(where=where, found=found, expected=expected, todo=REVERT, hurts=mapped.system.side)
