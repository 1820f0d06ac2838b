"""The verdict as a table, grouped like the strategy: "Models Mapped", "Critical Compatibility Points"."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handover.check.subject import Pair
from handover.errors import Finding
from handover.report.verdict import Verdict
from handover.schema.models import Field

GOOD, OPEN, BAD = "✅", "⏳", "❌"


def show(verdict: Verdict, console: Console) -> None:
    """Print the verdict."""
    console.print("Models Mapped", style="bold")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("", "table", "original", "backend", "rows compared"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "rows compared" else "left")
    for mark, *cells in mapped(verdict):
        table.add_row(mark, *map(escape, cells))
    console.print(table)
    if points := list(critical_points(verdict)):
        console.print("\nCritical Compatibility Points", style="bold")
        for mark, text in points:
            console.print(f"{mark} {escape(text)}", soft_wrap=True)
    for title, findings in _groups(verdict):
        console.print(f"\n{title}", style="bold")
        for mark, finding in findings:
            lines = [f"{mark} {finding.code} {finding.severity}, hurts {finding.hurts}: {finding.where} {finding.what}"]
            console.print(escape("\n     ".join([*lines, *finding.todo.splitlines()])), soft_wrap=True)
    for entry in verdict.judged.expired:
        line = f"the contract accepted {entry.code} {entry.place} until {entry.until}"
        console.print(f"{OPEN} {escape(line)}", soft_wrap=True)
    for entry in verdict.judged.idle:
        line = f"the contract accepts {entry.code} {entry.place}, which was not found: take it out"
        console.print(f"{OPEN} {escape(line)}", soft_wrap=True)
    console.print(f"\n{mark_of(verdict.judged.open)} {escape(verdict.summary())}", style="bold", soft_wrap=True)


def mapped(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    """Yield a row for each pair that ``handover.toml`` names."""
    subject = verdict.looked.subject
    rows = {c.table: c for c in verdict.looked.compared}
    pairs = {pair.table.key: pair for pair in subject.pairs}
    for declared in subject.config.models:
        table = subject.place_of(declared)
        pair = pairs.get(table.key) if table else None
        count = rows.get(str(pair.table)) if pair else None
        shown = "none" if count is None else f"{count.rows:,}" + (f" of about {count.of:,}" if count.sampled else "")
        names = {declared.table, str(table)} if table else {declared.table}
        mark = mark_of(f for f in verdict.judged.open if any(_is_at(f, name) for name in names))
        if pair is None and mark == GOOD:
            accepted = any(_is_at(f, name) for f, _ in verdict.judged.accepted for name in names)
            mark = OPEN if accepted else BAD
        yield mark, declared.table, declared.original, declared.backend, shown


def critical_points(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Yield what the strategy lists of each model: key, table, choices, relations, new fields."""
    subject = verdict.looked.subject
    for pair in subject.pairs:
        declared = subject.declared(pair.table)
        if declared is None:
            continue
        for where, text in points_of(pair, declared.new_fields):
            yield mark_of([f for f in verdict.judged.open if f.where == where]), f"{pair.table}: {text}"


def points_of(pair: Pair, new_fields: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (place, text) of each critical point of a pair."""
    fields = pair.original.by_column()
    keys = ", ".join(f"{name} ({_type(fields[name])})" for name in pair.original.key if name in fields)
    yield str(pair.table), f"primary key {keys}"
    for field in pair.original.fields:
        where = f"{pair.table}.{field.column}"
        if field.values():
            default = f", default {field.default}" if field.default.value not in ("", "str:") else ""
            yield where, f"{field.name} choices {', '.join(field.values())}{default}"
        if field.relation and field.relation.accessor:
            yield where, f"{field.name} → {field.relation.to_table}, related_name {field.relation.accessor}"
        if field.upload_to:
            yield where, f"{field.name} ({field.kind}({field.max_length}))"
    for name in new_fields:
        column = pair.table.columns.get(name)
        state = "not there yet" if column is None else "nullable, safe" if column.null else "not nullable"
        yield f"{pair.table}.{name}", f"new field {name} ({state})"


def _type(field: Field) -> str:
    return f"{field.kind}({field.max_length})" if field.max_length else field.kind


def mark_of(findings: Iterable[Finding]) -> str:
    """Return ❌ when one is breaking, ⏳ when one is risky or unseen, else ✅."""
    severities = {finding.severity for finding in findings}
    return BAD if "breaking" in severities else OPEN if severities & {"risky", "unseen"} else GOOD


def _is_at(finding: Finding, table: str) -> bool:
    """Say whether a finding is about a table, or something in it."""
    about = (finding.where, *finding.parts)
    return any(name == table or name.startswith((f"{table}.", f"{table} ")) for name in about)


def _groups(verdict: Verdict) -> Iterator[tuple[str, list[tuple[str, Finding]]]]:
    yield from (
        (title, [(mark_of([f]), f) for f in findings])
        for title, findings in (
            ("Findings", verdict.problems),
            ("Could not be looked at", verdict.unseen),
            ("Safe", verdict.safe),
        )
        if findings
    )
    if verdict.judged.accepted:
        yield "Accepted in the contract", [(GOOD, _with_reason(f, a.because)) for f, a in verdict.judged.accepted]


def _with_reason(finding: Finding, because: str) -> Finding:
    return replace(finding, todo=f"Accepted: {because}")
