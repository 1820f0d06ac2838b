"""What is asked of the rows of a shared table: one condition a question, all of them answered in one pass."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from handover.finding import Hurts, Severity
from handover.schema.catalog import Column
from handover.schema.models import Field
from handover.schema.subject import Pair, Subject
from handover.schema.types import INTEGERS
from handover.side import Side

Sql = sql.SQL | sql.Composed
UUID_PATTERN = "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"
UUID_LENGTHS = (32, 36)
SURVIVE = "Correct the rows, or prove that both systems survive them."
COMPARABLE = ("character", "text", "smallint", "integer", "bigint", "uuid")
TEXTS = ("CharField", "TextField", "SlugField")
JSON_KINDS = {"builtins.dict": "object", "builtins.list": "array", "dict:{}": "object", "list:[]": "array"}
# Of which the usual kind of a column's JSON is taken, when no default says it.
FIRST_ROWS = 1000
INTEGER_RANGES = {
    "SmallIntegerField": (-(2**15), 2**15 - 1),
    "IntegerField": (-(2**31), 2**31 - 1),
    "BigIntegerField": (-(2**63), 2**63 - 1),
    "PositiveSmallIntegerField": (0, 2**15 - 1),
    "PositiveIntegerField": (0, 2**31 - 1),
    "PositiveBigIntegerField": (0, 2**63 - 1),
}


@dataclass(frozen=True)
class Question:
    """One condition on a row.

    Attributes
    ----------
    code
        Of the finding, when rows meet the condition.
    column
        What it is about.
    condition
        SQL over the table's columns.
    found, expected, todo
        The words of the finding; ``found`` follows the count.
    severity, hurts
        Of the finding.
    alone
        It joins another table, or an index answers it: asked in a query of its own, which PostgreSQL can plan.
    indexed
        An index answers it, so it is asked of the whole table where the rest is sampled.
    """

    code: str
    column: str
    condition: Sql
    found: str
    expected: str
    todo: str
    severity: Severity = "risky"
    hurts: Hurts = "both"
    alone: bool = False
    indexed: bool = False


def questions(subject: Subject, pair: Pair) -> Iterator[Question]:
    """Yield every question that the facts of both models give rise to."""
    for one, other, _ in pair.fields():
        live = pair.table.columns.get(one.column)
        if live is None:
            continue
        column = sql.Identifier(one.column)
        yield from _choices(live, one, other, column)
        yield from _numbers(live, one, other, column)
        yield from _nulls(live, one, other, column)
        yield from _times(live, one, column)
        yield from _texts(live, one, other, column)
        yield from _empty(live, one, other, column)
        yield from _items(live, one, other, column)
        yield from _json_kinds(pair, live, one, other, column)
        yield from _files(one, other, column)
        yield from _keys(pair, live, one, other, column)
        yield from _orphans(subject, live, one, other, column)
    yield from _emails(subject, pair)


def _by_side(one: Field, other: Field) -> Iterator[tuple[Hurts, Field]]:
    yield Side.ORIGINAL, one
    yield Side.BACKEND, other


def _choices(live: Column, one: Field, other: Field, column: sql.Identifier) -> Iterator[Question]:
    if not live.type.startswith(COMPARABLE) or "[" in live.type:
        return  # the text of other values is not the same in Python and PostgreSQL
    for side, field in _by_side(one, other):
        values = field.values()
        if values and (side == "original" or set(values) != set(one.values())):
            outside = sql.SQL("{}::text <> ALL ({})").format(
                column, sql.Literal([*values, *([""] if field.blank else [])])
            )
            yield Question(
                "HO220", one.column, outside, "rows hold another value than " + ", ".join(values),
                "the models know no other", "Correct the rows, or add the choice to both models.",
                hurts="both" if set(values) == set(other.values()) else side,
            )  # fmt: skip


def _numbers(live: Column, one: Field, other: Field, column: sql.Identifier) -> Iterator[Question]:
    if live.type.startswith(("double precision", "real", "numeric")):
        within = "{} && '{{NaN,Infinity,-Infinity}}'" if "[" in live.type else "{} IN ('NaN', 'Infinity', '-Infinity')"
        bad = sql.SQL(within).format(column)
        found = "rows are NaN or infinite"
        expected = "JSON has no such number, and neither sorts nor adds up"
        yield Question("HO221", one.column, bad, found, expected, SURVIVE)
    if one.primary_key or live.type not in ("smallint", "integer", "bigint"):
        return
    for side, field in _by_side(one, other):
        if field.kind in INTEGER_RANGES:
            low, high = INTEGER_RANGES[field.kind]
            bad = sql.SQL("NOT {} BETWEEN {} AND {}").format(column, low, high)
            found = f"rows are outside {low} to {high}"
            yield Question(
                "HO234", one.column, bad, found, f"a {field.kind} holds no more", "Correct the rows.", "breaking", side
            )


def _nulls(live: Column, one: Field, other: Field, column: sql.Identifier) -> Iterator[Question]:
    if live.null:
        for side, field in _by_side(one, other):
            if not field.null and not field.generated:
                bad = sql.SQL("{} IS NULL").format(column)
                todo = "Fill the rows, or make the field null=True in both models."
                yield Question(
                    "HO231", one.column, bad, "rows are NULL", "the model expects a value", todo, "breaking", side
                )
    if live.type == "jsonb":
        yield _json_null(live, one, column)


def _json_null(live: Column, field: Field, column: sql.Identifier) -> Question:
    bad = sql.SQL("{} = 'null'::jsonb").format(column)
    expected = "a read and a save makes it SQL NULL, and isnull does not find it"
    if not live.null:
        expected = "a read and a save makes it SQL NULL, which the column refuses"
    todo = "Write what the model's default is, or prove that both systems survive it."
    return Question("HO222", field.column, bad, "rows hold JSON null", expected, todo)


def _json_kinds(pair: Pair, live: Column, one: Field, other: Field, column: sql.Identifier) -> Iterator[Question]:
    """Ask for objects among lists, and the like; what is expected the default says, or else the first rows."""
    if live.type != "jsonb":
        return
    kinds = {JSON_KINDS.get(field.default.value) for field in (one, other)} - {None}
    known = sql.Literal(kinds.pop()) if len(kinds) == 1 else None
    usual = known or sql.SQL(
        "(SELECT mode() WITHIN GROUP (ORDER BY jsonb_typeof(f.{0})) FROM (SELECT {0} FROM {1}"
        " WHERE {0} IS NOT NULL AND {0} <> 'null'::jsonb LIMIT {2}) AS f)"
    ).format(column, sql.Identifier(*pair.table.key), sql.Literal(FIRST_ROWS))
    # Numbers, texts and truth values may well stand in one column; code that looks into an object fails at all of them.
    bad = sql.SQL("(jsonb_typeof({0}) <> {1} AND {1} IN ('object', 'array') AND jsonb_typeof({0}) <> 'null')").format(
        column, usual
    )
    found = "rows hold another kind of JSON than " + (
        f"the models' default, {known.as_string()}" if known else "most do"
    )
    expected = "code that looks into an object or a list fails at the other"
    yield Question("HO237", one.column, bad, found, expected, SURVIVE)


# By the type of a column: what PostgreSQL holds and Python's datetime, time and timedelta do not.
RANGE = "(NOT isfinite(lower({0})) OR NOT isfinite(upper({0})))"  # an open end is no bound
BEYOND_PYTHON = {
    "timestamp": "(NOT isfinite({0}) OR {0} < '0001-01-02' OR {0} > '9999-12-30')",
    "date": "(NOT isfinite({0}) OR {0} < '0001-01-02' OR {0} > '9999-12-30')",
    "time": "{0}::text LIKE '24:%'",
    "interval": "abs(extract(epoch FROM {0})) > 999999998.0 * 86400",
    **dict.fromkeys(("tstzrange", "tsrange", "daterange"), RANGE),
}


def _times(live: Column, field: Field, column: sql.Identifier) -> Iterator[Question]:
    kind = (re.match("[a-z]+", live.type) or [""])[0]
    if kind in BEYOND_PYTHON and "[" not in live.type:
        bad = sql.SQL(BEYOND_PYTHON[kind]).format(column)
        found, expected = "rows hold a time that Python cannot", "reading the row raises an error"
        yield Question("HO232", field.column, bad, found, expected, "Correct the rows.", "breaking")


def _texts(live: Column, one: Field, other: Field, column: sql.Identifier) -> Iterator[Question]:
    if not (live.type == "text" or live.type.startswith("character varying")) or "[" in live.type:
        return
    held = int(live.type.partition("(")[2].rstrip(")") or 0)
    for side, field in _by_side(one, other):
        if field.max_length and (not held or field.max_length < held):
            bad = sql.SQL("char_length({}) > {}").format(column, field.max_length)
            found = f"rows are longer than {field.max_length}"
            todo = "Shorten the rows, or lengthen the field in both models."
            yield Question("HO230", one.column, bad, found, "the model allows no more", todo, "breaking", side)


def _empty(live: Column, one: Field, other: Field, column: sql.Identifier) -> Iterator[Question]:
    """Ask for empty texts where a form demands one; those with choices and those of files are asked for elsewhere."""
    textual = (live.type == "text" or live.type.startswith("character varying")) and "[" not in live.type
    for side, field in _by_side(one, other):
        if (
            not textual
            or field.blank
            or field.values()
            or field.upload_to
            or field.references
            or field.kind not in TEXTS
        ):
            continue
        bad = sql.SQL("{} = ''").format(column)
        expected = "a form of the model demands one: whoever edits such a row cannot save it"
        todo = "Fill the rows, or make the field blank=True in both models."
        hurts: Hurts = "both" if one.blank == other.blank else side
        yield Question("HO238", one.column, bad, "rows hold an empty text", expected, todo, hurts=hurts)
        if hurts == "both":
            return


def _items(live: Column, one: Field, other: Field, column: sql.Identifier) -> Iterator[Question]:
    if not live.type.endswith("[]") or not live.type.startswith(COMPARABLE):
        return
    for side, field in _by_side(one, other):
        values = field.item_values()
        if values and (side == "original" or set(values) != set(one.item_values())):
            outside = sql.SQL("EXISTS (SELECT FROM unnest({}) AS item WHERE item::text <> ALL ({}))").format(
                column, sql.Literal([*values])
            )
            yield Question(
                "HO220", one.column, outside, "rows hold an item other than " + ", ".join(values),
                "the models know no other", "Correct the rows, or add the choice to both models.",
                hurts="both" if set(values) == set(other.item_values()) else side,
            )  # fmt: skip


def _files(one: Field, other: Field, column: sql.Identifier) -> Iterator[Question]:
    if one.upload_to is None and other.upload_to is None:
        return
    absolute = sql.SQL("{} ~ {}").format(column, sql.Literal(r"^([/\\]|[A-Za-z]:)"))
    todo = "Store the name below the media root."
    expected = "storages refuse or misplace it"
    yield Question("HO225", one.column, absolute, "rows hold an absolute path", expected, todo)
    if not all(field.blank or field.null for field in (one, other)):
        empty = sql.SQL("{} = ''").format(column)
        yield Question("HO223", one.column, empty, "rows hold no path", "there is no file to open", SURVIVE)


def _keys(pair: Pair, live: Column, one: Field, other: Field, column: sql.Identifier) -> Iterator[Question]:
    is_key = one.primary_key and live.type.startswith("character") and one.max_length in UUID_LENGTHS
    if is_key or (live.type != "uuid" and "UUIDField" in (one.kind, other.kind)):
        bad = sql.SQL("{}::text !~ {}").format(column, sql.Literal(UUID_PATTERN))
        found, expected = "keys are no UUIDs", "whoever reads the key as UUID fails at them"
        severity: Severity = "breaking"
        if "UUIDField" not in (one.kind, other.kind):
            # Keys of another kind may be as long; only among UUIDs they are strays.
            severity = "risky"
            bad = sql.SQL("({0}::text !~ {1} AND EXISTS (SELECT FROM {2} AS u WHERE u.{0}::text ~ {1}))").format(
                column, sql.Literal(UUID_PATTERN), sql.Identifier(*pair.table.key)
            )
        yield Question(
            "HO228", one.column, bad, found, expected, "Read it as text, or give the rows new keys.", severity
        )


def _orphans(subject: Subject, live: Column, one: Field, other: Field, column: sql.Identifier) -> Iterator[Question]:
    reference = one.references or other.references
    target = reference and subject.catalog.find(subject.systems[0].search_path, reference[0])
    if not reference or not target or reference[1] not in target.columns:
        return
    # Keys of two types are equal when their texts are.
    alike = _family(target.columns[reference[1]].type) == _family(live.type)
    here = sql.SQL("t.{}" if alike else "t.{}::text").format(column)
    there = sql.SQL("o.{}" if alike else "o.{}::text").format(sql.Identifier(reference[1]))
    gone = sql.SQL("{} IS NOT NULL AND NOT EXISTS (SELECT FROM {} AS o WHERE {} = {})").format(
        column, sql.Identifier(*target.key), there, here
    )
    found, expected = f"rows point at no row of {target}", "following the relation raises an error"
    yield Question(
        "HO229",
        one.column,
        gone,
        found,
        expected,
        "Delete the rows, or restore what they point at.",
        "breaking",
        alone=True,
    )


def _family(type_name: str) -> str:
    """Return a type's family: within it, values compare without a cast."""
    name = type_name.partition("(")[0]
    return "number" if name in INTEGERS else "text" if name.startswith(("character", "text")) else name


def _emails(subject: Subject, pair: Pair) -> Iterator[Question]:
    if subject.both is None:
        return
    for system, model in zip(subject.both, (pair.original, pair.backend), strict=True):
        settings = system.description.settings
        field = next((f for f in model.fields if f.name == (settings.login_fields or ("", ""))[-1]), None)
        if settings.user_table != model.table or field is None:
            continue
        column = sql.Identifier(field.column)
        mixed = sql.SQL("{0} <> lower({0})").format(column)
        todo = "Compare e-mails by lower() in both systems, or write the rows in lower case."
        expected = "a log-in that lower-cases what was typed does not find them"
        yield Question("HO227", field.column, mixed, "rows hold an e-mail in mixed case", expected, todo)
        twice = sql.SQL(
            "{0} <> '' AND EXISTS (SELECT FROM {1} AS o WHERE lower(o.{0}) = lower(t.{0}) AND o.{2} <> t.{2})"
        ).format(column, sql.Identifier(*pair.table.key), sql.Identifier(model.key[0]))
        expected = "a log-in by e-mail finds the wrong account, or none"
        todo = "Ask the owners which account to keep."
        yield Question("HO226", field.column, twice, "rows share an e-mail, but for case", expected, todo, alone=True)
        return
