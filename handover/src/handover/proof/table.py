"""A run of the proofs as a table, grouped as in the strategy."""

import re

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from handover.check.table import BAD, GOOD, OPEN
from handover.proof.run import JudgedOutcome, ProofRun
from handover.wording import counted, one_line

NOTHING = "⚪"
# What a count is of, where its name in the evidence does not say it.
COUNTED = {
    "bulk": "rows in bulk",
    "counted": "comparisons of counts",
    "defaults": "default values",
    "lists": "comparisons of order",
    "listed": "listed files",
    "orders": "orders of rows",
    "questions": "lookups",
}


def show(result: ProofRun, console: Console) -> None:
    """Print the run: each outcome with its counts, then the differences and how to see them again."""
    table = Table(box=None, padding=(0, 2, 0, 0), title="Data Compatibility Tests", title_justify="left")
    for heading in ("", "group", "compared", "seconds"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "seconds" else "left")
    before = 0.0
    for one in result.judged:
        # Two outcomes of one group share its time.
        seconds = "″" if one.seconds == before else f"{one.seconds:.1f}"
        table.add_row(_mark(one), escape(one.title), escape(_counts(one)), seconds)
        before = one.seconds
    console.print(table)
    for one in result.judged:
        _details(one, console)
    for note in dict.fromkeys(note for one in result.judged for note in one.outcome.notes):
        console.print(f"   {escape(note)}", soft_wrap=True)
    for entry in result.idle:
        line = f"the contract accepts {entry.code} {entry.place}, which was not found: take it out"
        console.print(f"{OPEN} {escape(line)}", soft_wrap=True)
    console.print(f"\n{GOOD if result.green else BAD} {escape(summary(result))}", style="bold", soft_wrap=True)


def summary(result: ProofRun) -> str:
    """Return the run in one line."""
    red = [one.name for one in result.judged if not one.passes]
    idle = [one.name for one in result.judged if one.passes and not one.green]
    accepted = sum(len(one.accepted) for one in result.judged)
    parts = [f"{counted(len(result.judged) - len(red) - len(idle), 'group')} green"]
    parts += [f"{', '.join(idle)} had nothing to compare"] if idle else []
    parts += [f"{', '.join(red)} not"] if red else []
    parts += [f"{counted(accepted, 'difference')} accepted in the contract"] if accepted else []
    return ", ".join(parts)


def _details(one: JudgedOutcome, console: Console) -> None:
    if one.error:
        console.print(f"\n{BAD} {one.name} could not run: {escape(one.error)}", soft_wrap=True)
    for name in one.outcome.empty if not one.error else ():
        console.print(f"\n{BAD} {one.name}: 0 {escape(name)}; what was not compared is not green", soft_wrap=True)
    for failure in one.open:
        finding = failure.finding
        lines = [one_line(f"{BAD} {finding.code} hurts {finding.hurts}: {finding.where} {finding.what}")]
        console.print("\n" + escape("\n     ".join([*lines, *finding.todo.splitlines()])), soft_wrap=True)
    for failure, because in one.accepted:
        text = f"{failure.finding.code} {failure.finding.where} {failure.finding.what} Accepted: {because}"
        console.print(f"{GOOD} {escape(text)}", soft_wrap=True)


def _mark(one: JudgedOutcome) -> str:
    return GOOD if one.green else NOTHING if one.passes else BAD


def _counts(one: JudgedOutcome) -> str:
    if one.error:
        return "could not run"
    if one.outcome.nothing:
        return f"nothing to compare: {one.outcome.nothing}"
    shown = {k: v for k, v in one.outcome.counts.items() if " " not in k or v == 0}
    return ", ".join(f"{count:,} {_noun(name, count)}" for name, count in shown.items())


def _noun(name: str, count: int) -> str:
    """Return what a count is of, in the singular for one.

    Examples
    --------
    >>> _noun("bulk", 8), _noun("bulk", 1), _noun("existing_rows", 2), _noun("new_fields", 1)
    ('rows in bulk', 'row in bulk', 'existing rows', 'new field')
    """
    words = COUNTED.get(name, name.replace("_", " "))
    return re.sub(r"s\b", "", words, count=1) if count == 1 else words
