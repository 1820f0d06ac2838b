"""The verdict as a table, grouped like the strategy: "Models Mapped", "Critical Compatibility Points"."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rich.console import Console
from rich.markup import escape

from handover.check.lines import FEW, SCREEN, WIDTH, cut, height, short, shortened, whole
from handover.check.steps import MOST, answer, steps
from handover.check.verdict import Verdict
from handover.finding import Finding
from handover.schema.models import Field
from handover.schema.subject import Pair
from handover.wording import one_line

MARKS = GOOD, OPEN, BAD = "✅", "⏳", "❌"
MOST_MODELS, FEW_CODES = 6, 2
# So many lines are left for the findings, however long the rest is.
LEAST = 8
SHOWN = ("breaking", "unseen", "risky", "safe")
POINTS = "Critical Compatibility Points"
HEADINGS = ("Models Mapped", "Findings", POINTS, "Could not be looked at", "Safe", "Accepted in the contract")
VERDICTS = ("Yes, ", "No, ", "Not yet", "Not known")


def show(verdict: Verdict, console: Console, *, everything: bool = False) -> None:
    """Print the verdict: what to do first, then the findings; on one screen, unless everything is asked for.

    Parameters
    ----------
    verdict
        What to print.
    console
        Where to print it.
    everything
        Whether whole lists are printed, with safe and accepted findings.
    """
    width = console.width if console.is_terminal else WIDTH
    mappings = list(mapped(verdict))
    shown = [row for row in mappings if row[0] != GOOD] if len(mappings) > MOST_MODELS else mappings
    table = _table(mappings if everything else shown[:MOST_MODELS], None if everything else width)
    top = [*_first_lines(verdict, width), "", "Models Mapped", *table]
    bottom = list(_last_lines(verdict, hidden=len(mappings) - len(shown[:MOST_MODELS]), everything=everything))
    taken = height([*top, *bottom], width) + len(("blank line", "heading"))
    middle = _everything(verdict) if everything else _findings(verdict, SCREEN - taken, width)
    for line in (*top, *middle, *bottom):
        bold = line in HEADINGS or line.startswith(tuple(f"{mark} {word}" for mark in MARKS for word in VERDICTS))
        console.print(escape(one_line(line)), soft_wrap=True, style="bold" if bold else None)


def _first_lines(verdict: Verdict, width: int) -> Iterator[str]:
    """Yield the verdict and the steps: ten lines at most."""
    yield f"{mark_of(verdict.open) if verdict.result.subject.both else BAD} {answer(verdict)}"
    todo = steps(verdict)
    if todo:
        yield "Do this first, in this order:"
    for number, step in enumerate(todo[:MOST], 1):
        if number == MOST and len(todo) > MOST:
            yield cut(f"{number}. Then: {'; '.join(step.words for step in todo[MOST - 1 :])}", width)
            continue
        words, few = f"{number}. {step.words}: ", step.codes[:FEW_CODES]
        codes = f" ({', '.join(few)}{' …' * (len(step.codes) > len(few))})"
        room = width - len(words) - len(codes)
        yield words + cut(shortened(step.places, FEW, room - len(" and 99 more")), room) + codes


def _table(rows: Sequence[tuple[str, ...]], room: int | None) -> Iterator[str]:
    """Yield the rows as lines; the names of models are cut so that a line is no longer than ``room``."""
    headings = ("", "table", "original", "backend", "rows compared")
    widths = [max(map(len, column), default=0) for column in zip(headings, *rows, strict=True)]
    if room is not None:
        # The mark takes two cells, and two blanks stand between columns.
        left = room - 2 - widths[1] - widths[4] - 2 * len(headings)
        widths[2] = min(widths[2], max(left // 2, left - widths[3], LEAST))
        widths[3] = min(widths[3], max(left - widths[2], LEAST))
    for mark, table, original, backend, compared in (headings, *rows):
        models = f"{cut(original, widths[2]):<{widths[2]}}  {cut(backend, widths[3]):<{widths[3]}}"
        yield f"{mark or '  '}  {table:<{widths[1]}}  {models}  {compared:>{widths[4]}}"


def _findings(verdict: Verdict, room: int, width: int) -> Iterator[str]:
    """Yield what is open: what breaks, what was not looked at, what is risky."""
    found = sorted(verdict.open, key=lambda f: SHOWN.index(f.severity))
    if found := [f for f in found if f.severity != "safe"]:
        yield from ("", "Findings", *short(found, lambda f: mark_of([f]), max(room, LEAST), width))


def _everything(verdict: Verdict) -> Iterator[str]:
    points = [f"{mark} {text}" for mark, text in critical_points(verdict)]
    if points:
        yield from ("", POINTS, *points)
    for title, findings in _groups(verdict):
        yield from ("", title, *(line for mark, finding in findings for line in whole(finding, mark)))


def _last_lines(verdict: Verdict, *, hidden: int, everything: bool) -> Iterator[str]:
    judged = verdict.judged
    for entry in judged.expired:
        yield f"{OPEN} the contract accepted {entry.code} {entry.place} until {entry.until}"
    if len(judged.idle) > 1 and not everything:
        names = shortened([f"{entry.code} {entry.place}" for entry in judged.idle], 2)
        yield f"{OPEN} the contract accepts what was not found: {names}; take them out"
    else:
        for entry in judged.idle:
            yield f"{OPEN} the contract accepts {entry.code} {entry.place}, which was not found: take it out"
    yield from ("", f"{mark_of(verdict.open)} {verdict.summary()}")
    if everything:
        return
    if verdict.problems or verdict.unseen:
        yield "To accept a finding: handover contract accept CODE PLACE --because REASON"
    parts = [f"{len(verdict.safe)} safe"] * bool(verdict.safe) + [f"{len(judged.accepted)} accepted"] * bool(
        judged.accepted
    )
    more = [*parts, *([f"{hidden} more mapped models"] * (hidden > 0)), "every finding whole, the critical points"]
    yield f"handover check --all shows: {', '.join(more)}"


def mapped(verdict: Verdict) -> Iterator[tuple[str, ...]]:
    """Yield a row for each pair that ``handover.toml`` names."""
    subject = verdict.result.subject
    rows = {c.table: c for c in verdict.result.compared}
    pairs = {pair.table.key: pair for pair in subject.pairs}
    for declared in subject.config.models:
        table = subject.place_of(declared)
        pair = pairs.get(table.key) if table else None
        count = rows.get(str(pair.table)) if pair else None
        shown = "none" if count is None else f"{count.rows:,}" + (f" of about {count.of:,}" if count.sampled else "")
        names = {declared.table, str(table)} if table else {declared.table}
        mark = mark_of(f for f in verdict.open if any(_is_at(f, name) for name in names))
        if pair is None and mark == GOOD:
            accepted = any(_is_at(f, name) for f, _ in verdict.judged.accepted for name in names)
            mark = OPEN if accepted else BAD
        yield mark, declared.table, declared.original, declared.backend, shown


def critical_points(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Yield what the strategy lists of each model: key, table, choices, relations, new fields."""
    subject = verdict.result.subject
    for pair in subject.pairs:
        declared = subject.declared(pair.table)
        if declared is None:
            continue
        for where, text in points_of(pair, declared.new_fields):
            yield mark_of([f for f in verdict.open if f.where == where]), f"{pair.table}: {text}"


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
    columns = {field.name: field.column for field in pair.backend.fields}
    for name in (columns.get(name, name) for name in new_fields):
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
