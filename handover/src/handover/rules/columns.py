"""Live columns against the fields that read and write them."""

from collections.abc import Iterator

from handover.finding import Finding, Severity
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


@rule("HO011", "Every field has its column", adoption=True)
def missing(subject: Subject) -> Iterator[Finding]:
    for mapped in subject.used:
        for field in mapped.model.fields:
            if field.column in mapped.table.columns or _is_awaited(subject, mapped, field):
                continue
            expected = f"{mapped.model.label} reads and writes it"
            todo = "Correct the model, or list it under new_fields in handover.toml if it is an addition."
            if subject.is_new(mapped.table, field):
                todo = _how_to_add(subject, mapped, field)
            where = f"{mapped.table}.{field.column}"
            yield Finding(
                code="HO011",
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


@rule("HO132", "A new column is nullable", adoption=True)
def awaited(subject: Subject) -> Iterator[Finding]:
    for mapped in subject.on_shared:
        for field in mapped.model.fields:
            if field.column in mapped.table.columns or not _is_awaited(subject, mapped, field):
                continue
            where = f"{mapped.table}.{field.column}"
            if field.null:
                if subject.adopted:
                    found, expected = "is not there yet", f"{mapped.model.label} reads and writes it"
                    yield Finding(
                        code="HO132",
                        where=where,
                        found=found,
                        expected=expected,
                        todo=_how_to_add(subject, mapped, field),
                    )
                continue
            supplied = field.db_default is not None
            found = "will be NOT NULL" + (" with a default in the database" if supplied else "")
            expected = "the original does not write it; only a nullable column is safe"
            yield Finding(
                code="HO132",
                where=where,
                found=found,
                expected=expected,
                todo="Make it null=True.",
                severity="risky" if supplied else "breaking",
                hurts=Side.ORIGINAL,
            )


@rule("HO012", "Column types are equal", adoption=True)
def types(subject: Subject) -> Iterator[Finding]:
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            live, expected = canonical_type(mapped.table.columns[field.column].type), canonical_type(field.type)
            # Migrations make the key of a many-to-many table by DEFAULT_AUTO_FIELD, running code by the app's own
            # setting, so Django's auth differs from its own tables. Nobody but the database ever writes that key.
            automatic = mapped.model.made_for is not None and field.primary_key and {live, expected} <= INTEGERS
            if live != expected and not automatic:
                says = f"{mapped.model.label} expects {expected}"
                how = f'ALTER "{field.column}" TYPE {field.type} USING "{field.column}"::{field.type}'
                yield Finding(
                    code="HO012",
                    where=where,
                    found=f"is {live}",
                    expected=says,
                    todo=_reverted(mapped, how),
                    hurts=mapped.system.side,
                )


@rule("HO013", "NOT NULL is equal", adoption=True)
def nullability(subject: Subject) -> Iterator[Finding]:
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
                yield Finding(
                    code="HO013",
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


@rule("HO014", "Nobody's inserts lack a value", adoption=True)
def unwritten(subject: Subject) -> Iterator[Finding]:
    for mapped, name, _ in _unknown(subject):
        column = mapped.table.columns[name]
        if not column.null and not column.supplied and mapped.table.kind not in VIEWS:
            expected = f"{mapped.model.label} does not know it: its inserts will fail"
            todo = "Add the field to the model, or: " + alter(mapped.table, f'ALTER "{name}" DROP NOT NULL')
            where = f"{mapped.table}.{name}"
            yield Finding(
                code="HO014",
                where=where,
                found="is NOT NULL without a default",
                expected=expected,
                todo=todo,
                hurts=mapped.system.side,
            )


@rule("HO130", "A new nullable column is safe")
def nullable_addition(subject: Subject) -> Iterator[Finding]:
    for mapped, name, other_knows in _unknown(subject):
        if mapped.table.columns[name].null and not (mapped.system.side == "backend" and other_knows):
            found = f"is nullable, and {mapped.model.label} does not know it"
            where = f"{mapped.table}.{name}"
            yield Finding(
                code="HO130",
                where=where,
                found=found,
                expected="its inserts leave it NULL",
                todo="Nothing.",
                severity="safe",
                hurts=mapped.system.side,
            )


@rule("HO131", "A default in the database is accepted first")
def supplied_addition(subject: Subject) -> Iterator[Finding]:
    for mapped, name, _ in _unknown(subject):
        column = mapped.table.columns[name]
        if not column.null and column.supplied:
            found = f"is NOT NULL and filled by the database ({column.default or 'generated'})"
            expected = f"{mapped.model.label} does not know it and relies on that"
            todo = "Accept it in the contract, or: " + alter(mapped.table, f'ALTER "{name}" DROP NOT NULL')
            yield Finding(
                code="HO131",
                where=f"{mapped.table}.{name}",
                found=found,
                expected=expected,
                todo=todo,
                severity="risky",
                hurts=mapped.system.side,
            )


@rule("HO133", "The backend knows every column of the original")
def forgotten(subject: Subject) -> Iterator[Finding]:
    for mapped, name, other_knows in _unknown(subject):
        if mapped.system.side == "backend" and other_knows and mapped.table.columns[name].null:
            found = "is written by the original alone"
            expected = f"{mapped.model.label} does not know it, so its rows have no value there"
            yield Finding(
                code="HO133",
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


@rule("HO140", "The database makes automatic keys")
def automatic_keys(subject: Subject) -> Iterator[Finding]:
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
            yield Finding(
                code="HO140",
                where=where,
                found=found,
                expected=expected,
                todo=todo,
                severity=severity,
                hurts=mapped.system.side,
            )


@rule("HO141", "Defaults that models leave to the database are there")
def database_defaults(subject: Subject) -> Iterator[Finding]:
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            column = mapped.table.columns[field.column]
            if field.db_default is not None and not column.supplied:
                expected = f"{mapped.model.label} leaves it to the database: {field.db_default}"
                todo = "Give the column that default (ALTER TABLE, SET DEFAULT), or correct the model."
                severity: Severity = "risky" if column.null else "breaking"
                yield Finding(
                    code="HO141",
                    where=where,
                    found="has no default",
                    expected=expected,
                    todo=todo,
                    severity=severity,
                    hurts=mapped.system.side,
                )


@rule("HO142", "Collations are equal")
def collations(subject: Subject) -> Iterator[Finding]:
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            live = mapped.table.columns[field.column].collation
            by_hand = field.collation is None and live in mapped.system.by_hand
            if live != field.collation and mapped.table.kind not in VIEWS and not by_hand:
                expected = f"{mapped.model.label} expects {field.collation or 'the default'}: order and equality differ"
                found = f"has collation {live or 'default'}"
                collate = f' COLLATE "{field.collation or "default"}"'
                how = f'ALTER "{field.column}" TYPE {field.type}{collate}'
                yield Finding(
                    code="HO142",
                    where=where,
                    found=found,
                    expected=expected,
                    todo=_reverted(mapped, how),
                    severity="risky",
                    hurts=mapped.system.side,
                )


@rule("HO143", "Fields that are written are no generated columns")
def generated(subject: Subject) -> Iterator[Finding]:
    for mapped in subject.looked_at:
        for field, where in mapped.fields():
            if bool(mapped.table.columns[field.column].generated) != field.generated and mapped.table.kind not in VIEWS:
                found = "is an ordinary column" if field.generated else "is generated by the database"
                expected = f"{mapped.model.label} " + (
                    "never writes it" if field.generated else "writes it: that fails"
                )
                yield Finding(
                    code="HO143", where=where, found=found, expected=expected, todo=REVERT, hurts=mapped.system.side
                )
