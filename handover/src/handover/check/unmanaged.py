"""Unmanaged tables, which no migration makes: where both models are equal, how the table is made is safe."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from handover.finding import Finding
from handover.schema.subject import Pair, Subject
from handover.schema.types import canonical_type

# Findings about how a table is made, which an unmanaged model does not say. A missing column or row hurts all the same.
MADE_BY_OTHERS = frozenset(
    [
        "HO012",
        "HO013",
        "HO016",
        "HO018",
        "HO140",
        "HO142",
        "HO144",
        "HO150",
        "HO151",
        "HO152",
        "HO153",
        "HO155",
        "HO157",
        "HO160",
        "HO161",
        "HO163",
    ]
)
# A text field reads and writes these types, and enums of the database. Other types need the field of their own kind.
TEXTS = ("character", "text", "citext")
NOT_TEXTS = (
    *("bool", "bytea", "date", "time", "interval", "uuid", "json", "inet", "cidr", "mac", "bit", "money", "xml"),
    *("numeric", "real", "double", "smallint", "integer", "bigint", "oid", "ts", "hstore", "point", "int", "num"),
)
# Names in Python; no column holds them.
NAMES = {"path", "label", "app_label", "name", "writes", "checks", "signals", "rows", "permissions"}


def weighed(subject: Subject, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings. Those that only say how an unmanaged table is made, and are equal for both systems, are safe."""
    pairs = [pair for pair in subject.pairs if _is_alike(pair)]
    for finding in findings:
        about = finding.code in MADE_BY_OTHERS and finding.hurts == "both"
        if about and any(_is_at(finding, str(pair.table)) and _lives_with(pair, finding) for pair in pairs):
            yield replace(finding, severity="safe", cause=None)
        else:
            yield finding


def _is_at(finding: Finding, table: str) -> bool:
    return finding.where == table or finding.where.startswith((f"{table}.", f"{table} ("))


def _lives_with(pair: Pair, finding: Finding) -> bool:
    """Say whether the models can read and write the column; of another type, whether it is a text for both."""
    if finding.code != "HO012":
        return True
    column = finding.where.removeprefix(f"{pair.table}.")
    field, live = pair.original.by_column().get(column), pair.table.columns.get(column)
    if field is None or live is None:
        return False
    return canonical_type(field.type).startswith(TEXTS) and not canonical_type(live.type).startswith(NOT_TEXTS)


def _is_alike(pair: Pair) -> bool:
    one, other = pair.original, pair.backend
    if one.managed or other.managed:
        return False
    return one.model_dump(exclude=NAMES) == other.model_dump(exclude=NAMES)
