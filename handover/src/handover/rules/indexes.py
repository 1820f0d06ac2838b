"""Indexes that look-ups rely on."""

from collections.abc import Iterator

from handover.finding import Finding, Severity
from handover.rules.registry import rule
from handover.rules.statements import listed, name_of
from handover.rules.tables import VIEWS
from handover.schema.models import Field, ModelIndex
from handover.schema.subject import Mapped, Subject

RESTORE = "Restore the index: CREATE INDEX CONCURRENTLY."


def _tables(subject: Subject) -> Iterator[Mapped]:
    return (mapped for mapped in subject.looked_at if mapped.table.kind not in VIEWS)


@rule("HO018", "Every look-up has its index", adoption=True)
def missing(subject: Subject) -> Iterator[Finding]:
    for mapped in _tables(subject):
        plain = [(i.columns, i.method) for i in mapped.model.indexes if i.columns and not i.special]
        plain += [((f.column,), "btree") for f in mapped.model.fields if f.indexed and not f.unique]
        for columns, method in dict.fromkeys(plain):
            if not set(columns) <= mapped.table.columns.keys() or mapped.table.is_indexed(columns, method=method):
                continue
            where = f"{mapped.table} ({', '.join(columns)})"
            kind = "" if method == "btree" else f" of kind {method}"
            says = f"{mapped.model.label} expects one"
            using = f"USING {method} ({listed(columns)})"
            yield Finding(
                code="HO018",
                where=where,
                found=f"has no valid index{kind}",
                expected=says,
                todo=_made(mapped, using),
                severity="risky",
                hurts=mapped.system.side,
            )


def _made(mapped: Mapped, using: str) -> str:
    return f"CREATE INDEX CONCURRENTLY ON {name_of(mapped.table)} {using};"


@rule("HO160", "Prefix look-ups have their index")
def like(subject: Subject) -> Iterator[Finding]:
    for mapped in _tables(subject):
        for field, where in mapped.fields():
            served = any(i.like and i.valid and i.columns[:1] == (field.column,) for i in mapped.table.indexes)
            if _wants_like(field) and not served:
                says = f"{mapped.model.label} expects one"
                found = "has no index for LIKE"
                kind = "text" if field.type.startswith("text") else "varchar"
                todo = _made(mapped, f'("{field.column}" {kind}_pattern_ops)')
                yield Finding(
                    code="HO160",
                    where=where,
                    found=found,
                    expected=says,
                    todo=todo,
                    severity="risky",
                    hurts=mapped.system.side,
                )


def _wants_like(field: Field) -> bool:
    """Say whether Django's PostgreSQL backend makes an index for LIKE beside the usual one."""
    textual = field.type.startswith(("varchar", "text")) and "[" not in field.type
    return textual and (field.indexed or field.unique) and field.collation is None


@rule("HO161", "Partial indexes and those on expressions are there")
def special(subject: Subject) -> Iterator[Finding]:
    for mapped in _tables(subject):
        live = {index.name: index for index in mapped.table.indexes}
        for index in mapped.model.indexes:
            if not index.special or not set(index.columns) <= mapped.table.columns.keys():
                continue
            found = live.get(index.name or "")
            if found is None or not found.valid or found.method != index.method:
                where = f"{mapped.table} ({index.name})"
                is_ = "does not exist" if found is None else f"is {_state(found.valid, found.method)}"
                gone = f'DROP INDEX "{mapped.table.schema}"."{index.name}"; ' if found else ""
                todo = f"{gone}{index.sql};" if index.sql else RESTORE
                yield Finding(
                    code="HO161",
                    where=where,
                    found=is_,
                    expected=_expects(mapped, index),
                    todo=todo,
                    severity="risky",
                    hurts=mapped.system.side,
                )


def _state(valid: bool, method: str) -> str:  # noqa: FBT001 - a fact, not a switch
    return method if valid else "invalid"


def _expects(mapped: Mapped, index: ModelIndex) -> str:
    return f"{mapped.model.label} expects a valid one of kind {index.method}"


@rule("HO162", "No index is half built")
def invalid(subject: Subject) -> Iterator[Finding]:
    for table in subject.shared_tables:
        for index in table.indexes:
            if not index.valid:
                unique = "old rows may repeat each other, and ON CONFLICT does not find it"
                expected = unique if index.unique else "it costs every write, and no query uses it"
                todo = f'Build it again: REINDEX INDEX CONCURRENTLY "{table.schema}"."{index.name}"; or drop it if it'
                todo += " is not wanted."
                severity: Severity = "breaking" if index.unique else "risky"
                yield Finding(
                    code="HO162",
                    where=f"{table} ({index.name})",
                    found="is invalid",
                    expected=expected,
                    todo=todo,
                    severity=severity,
                    hurts="both",
                )
