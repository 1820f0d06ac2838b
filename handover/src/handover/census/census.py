"""Count the rows that would surprise a system, in a bounded time; what was only sampled is said and not clean."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, errors, sql

from handover.census.coverage import TableCoverage, not_askable, sampled, without_rows
from handover.census.files import find_files
from handover.census.keys import shown
from handover.census.question import Question
from handover.census.questions import questions
from handover.census.sequences import few_keys_left, keys_yet_to_give, next_key
from handover.finding import Finding
from handover.probe.client import Probe
from handover.schema.catalog import STATEMENT_TIMEOUT_MS, read_sequences
from handover.schema.rows import readable, unreadable
from handover.schema.subject import Pair, Subject
from handover.side import Side
from handover.wording import counted

EXAMPLES = 3
# A column of a type that a question does not fit; of a role that may not read, the caller knows better.
UNASKABLE = (errors.DataError, errors.UndefinedFunction, errors.DatatypeMismatch, errors.UndefinedObject)
EXAMPLES_S = 5.0
SAMPLED_ROWS = 50_000
# A pass over a table reads about a million rows a second and question (measured on two cores, rows in memory); what
# would take longer than is left is sampled at once instead of being cut off half-way.
ROWS_PER_SECOND = 1_000_000
LEAST_S = 0.2
# Of a table that was never analysed and is too big to be read whole.
UNKNOWN_PERCENT = 1.0
# Sorting the keys of more rows costs more than a stable order of three examples is worth.
SORTED_ROWS = 100_000


@dataclass
class _Budget:
    until: float

    def left_s(self) -> float:
        return max(self.until - time.monotonic(), 0.0)


def take_census(
    connection: Connection[Any],
    subject: Subject,
    probes: Mapping[Side, Probe],
    *,
    budget_s: float,
    say: Callable[[str], None],
) -> tuple[tuple[TableCoverage, ...], list[Finding]]:
    """Take the census of every shared table, the small ones first.

    Parameters
    ----------
    connection
        In a read-only snapshot.
    subject
        The facts that questions are made from.
    probes
        Open dialogues, to ask whether files exist.
    budget_s
        How long all of it may take, in seconds.
    say
        Receives a line when a table is only sampled.

    Returns
    -------
    tuple of TableCoverage, list of Finding
        How much was looked at, and what was found.
    """
    budget = _Budget(time.monotonic() + budget_s)
    compared: list[TableCoverage] = []
    findings: list[Finding] = []
    sequences = read_sequences(connection)
    for pair in sorted(subject.pairs, key=lambda p: (p.table.bytes, p.table.key)):
        if not readable(connection, pair.table):
            findings.append(unreadable(subject.catalog, pair.table))
            continue
        asked = list(questions(subject, pair))
        for sequence in sequences[pair.table.key]:
            if readable(connection, sequence.relation):
                following = next_key(connection, sequence)
                asked += keys_yet_to_give(connection, pair.table, sequence, following)
                findings += few_keys_left(pair.table, sequence, following)
            else:
                findings.append(unreadable(subject.catalog, sequence.relation))
        done = _Pass(connection, pair, asked, budget).run()
        compared.append(done.compared)
        findings += done.findings
        if done.compared.sampled:
            say(f"{pair.table}: sampled {counted(done.compared.rows, 'row')} of about {done.compared.of}")
        findings += _seen_too_little(subject, pair, done.compared)
        findings += find_files(connection, pair, probes, left_s=budget.left_s)
    connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(STATEMENT_TIMEOUT_MS))
    return tuple(sorted(compared, key=lambda c: c.table)), findings


def _seen_too_little(subject: Subject, pair: Pair, done: TableCoverage) -> Iterator[Finding]:
    if done.sampled:
        found = f"has about {done.of} rows, of which {done.rows} were looked at"
        yield from sampled(done.table, found, "the others may hold surprises")
    elif done.rows == 0 and subject.declared(pair.table):
        yield from without_rows(done.table)


class _Pass:
    """One table: all questions in one scan, whole if the time allows, else of a sample."""

    def __init__(self, connection: Connection[Any], pair: Pair, asked: Sequence[Question], budget: _Budget) -> None:
        self._connection, self._pair, self._budget = connection, pair, budget
        self._together = [q for q in asked if not q.alone]
        self._alone = [q for q in asked if q.alone]
        self._sampled_rows: int | None = None
        self.findings: list[Finding] = []
        self.compared = TableCoverage(str(pair.table), 0, max(pair.table.rows, 0), len(asked), sampled=False)

    def run(self) -> "_Pass":
        try:
            total, counts = self._scan()
        except UNASKABLE:
            self._alone += self._together
            self._together = []
            total, counts = self._scan()
        for question, count in zip(self._together, counts, strict=True):
            self._report(question, count)
        for question in self._alone:
            query = sql.SQL("SELECT count(*) FROM {} WHERE {}")
            try:
                row = self._ask(query, question.condition, whole=question.indexed)
            except UNASKABLE as error:
                self.findings += self._unasked(question, error)
            else:
                self._report(question, row[0])
        of = max(self._pair.table.rows, total) if self._sampled_rows is not None else total
        self.compared = TableCoverage(
            str(self._pair.table), total, of, len(self._together) + len(self._alone), self._sampled_rows is not None
        )
        return self

    def _unasked(self, question: Question, error: errors.Error) -> Iterator[Finding]:
        said = str(error).splitlines()[0]
        where = f"{self._pair.table}.{question.column}"
        return not_askable(where, f"could not be asked whether {question.found} ({said})")

    def _scan(self) -> tuple[int, tuple[int, ...]]:
        if self._pair.table.rows * max(len(self._together), 1) > ROWS_PER_SECOND * self._budget.left_s():
            self._sampled_rows = SAMPLED_ROWS
        parts = [sql.SQL("count(*) FILTER (WHERE {})").format(q.condition) for q in self._together]
        select = sql.SQL(", ").join([sql.SQL("count(*)"), *parts])
        total, *counts = self._ask(sql.SQL("SELECT {1} FROM {0}"), select)
        return total, tuple(counts)

    def _ask(self, template: sql.SQL, part: sql.SQL | sql.Composed, *, whole: bool = False) -> tuple[Any, ...]:
        """Run a query over the table; when the time is up, once more over a sample."""
        if self._sampled_rows is None or whole:
            try:
                return self._execute(template.format(self._source(whole=whole), part), self._budget.left_s())
            except errors.QueryCanceled:
                self._sampled_rows = SAMPLED_ROWS
        return self._execute(template.format(self._source(), part), STATEMENT_TIMEOUT_MS / 1000)

    def _execute(self, query: sql.Composed, timeout_s: float) -> tuple[Any, ...]:
        with self._connection.transaction():  # a savepoint: running out of time must not end the snapshot
            timeout_ms = int(max(timeout_s, LEAST_S) * 1000)
            self._connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(timeout_ms))
            row = self._connection.execute(query).fetchone()
        assert row is not None  # noqa: S101 - an aggregate always has a row
        return tuple(row)

    def _source(self, *, whole: bool = False) -> sql.Composed:
        table = sql.SQL("{} AS t").format(sql.Identifier(*self._pair.table.key))
        if whole or self._sampled_rows is None or self._pair.table.kind != "r":
            return table
        rows = self._pair.table.rows
        percent = min(100.0, 100.0 * self._sampled_rows / rows) if rows > 0 else UNKNOWN_PERCENT
        return table + sql.SQL(" TABLESAMPLE SYSTEM ({}) REPEATABLE (1)").format(sql.Literal(percent))

    def _report(self, question: Question, count: int) -> None:
        if not count:
            return
        examples = ", ".join(self._examples(question)) or "they could not be read again in time"
        found = f"has {counted(count, 'row')} of this kind: {question.found} (for example {examples})"
        where = f"{self._pair.table}.{question.column}"
        self.findings.append(
            Finding(
                code=question.code,
                where=where,
                found=found,
                expected=question.expected,
                todo=question.todo,
                severity=question.severity,
                hurts=question.hurts,
            )
        )

    def _examples(self, question: Question) -> list[str]:
        small = self._sampled_rows is None and self._pair.table.rows < SORTED_ROWS
        order = sql.SQL("ORDER BY 1") if small else sql.SQL("")
        query = sql.SQL("SELECT array_agg(key) FROM (SELECT {} AS key FROM {} WHERE {} {} LIMIT {}) AS k")
        composed = query.format(
            shown(self._pair), self._source(whole=question.indexed), question.condition, order, EXAMPLES
        )
        try:
            return list(self._execute(composed, EXAMPLES_S)[0] or ())
        except errors.QueryCanceled:
            return []
