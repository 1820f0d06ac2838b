"""Advice that changes the type of a column. What it would lose must be refused or shown, never cut without a word."""

from handover.rules.statements import alter, name_of
from handover.schema.catalog import Table
from handover.schema.types import INTEGERS, canonical_type
from handover.wording import identifier

TEXTS = frozenset({"character varying", "character", "text", "citext", "name"})
NUMBERS = INTEGERS | {"numeric", "real", "double precision"}
DATES = frozenset({"date", "timestamp with time zone", "timestamp without time zone"})
BITS = frozenset({"bit", "bit varying"})
# An assignment cast exists between any two of them; an explicit one cuts texts and bits that are too long.
ASSIGNED = (TEXTS, NUMBERS, DATES, BITS)
# A cast to one of them rounds, or drops a time of day, a sign or a host, and reports no error.
ROUNDED = (
    (NUMBERS - INTEGERS) | DATES | {"boolean", "interval", "cidr", "time without time zone", "time with time zone"}
)
DOCUMENTS = frozenset({"json", "jsonb"})


def _base(type_: str) -> str:
    """Return a type without its length: ``numeric(9,2)`` is ``numeric``.

    Examples
    --------
    >>> _base("numeric(9,2)"), _base("timestamp(3) with time zone"), _base("character varying(20)[]")
    ('numeric', 'timestamp with time zone', 'character varying[]')
    """
    before, _, rest = type_.partition("(")
    return before + rest.partition(")")[2] if rest else type_


def is_assigned(live: str, wanted: str) -> bool:
    """Say whether PostgreSQL changes the type without USING; it then refuses a text that is too long.

    Parameters
    ----------
    live, wanted
        Types in the spelling of the catalog.

    Examples
    --------
    >>> is_assigned("text", "character varying(200)"), is_assigned("uuid", "character varying(36)")
    (True, True)
    >>> is_assigned("text", "uuid"), is_assigned("character varying(200)", "jsonb")
    (False, False)
    """
    one, other = _base(live), _base(wanted)
    if one.endswith("[]") and other.endswith("[]"):
        return is_assigned(one.removesuffix("[]"), other.removesuffix("[]"))
    return one == other or other in TEXTS or any({one, other} <= family for family in ASSIGNED)


def _rounds(live: str, wanted: str) -> bool:
    """Say whether the change may lose a part of a value without an error."""
    one, other = _base(live).removesuffix("[]"), _base(wanted).removesuffix("[]")
    if one in DOCUMENTS or (one in INTEGERS and other == "numeric"):
        return False
    return other in ROUNDED or (other in INTEGERS and one in NUMBERS - INTEGERS)


def retyped(table: Table, column: str, wanted: str) -> str:
    """Return the statement that gives a column another type; before it, what shows the values that it would round.

    Parameters
    ----------
    table, column
        The live column.
    wanted
        Its new type.
    """
    live, name = table.columns[column].type, identifier(column)
    using = "" if is_assigned(canonical_type(live), canonical_type(wanted)) else f" USING {name}::{wanted}"
    change = alter(table, f"ALTER {name} TYPE {wanted}{using}")
    if not _rounds(canonical_type(live), canonical_type(wanted)):
        return change
    lost = f"{name}::{wanted}::{live} IS DISTINCT FROM {name}"
    look = f"SELECT {name} FROM {name_of(table)} WHERE {lost};"  # noqa: S608 - for a person to read
    return f"{change} It rounds values without an error; first look at those that would change: {look}"
