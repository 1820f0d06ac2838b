"""Samples from the shared database: connections, tasks, invariants, and declared SQL."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from handover.config.parallel import SideOrBoth, Watch, WatchedTasks
from handover.parallel.sample import Sample, measured, unmeasured
from handover.schema.models import Model
from handover.side import Side
from handover.troubles import why_unreadable

OPTIONS = "-c default_transaction_read_only=on -c lock_timeout=2000 -c statement_timeout={timeout_ms}"
CONNECTIONS: LiteralString = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::float
         / greatest(current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int, 1)
"""


class Reader:
    """A read-only session that is opened again after it broke."""

    def __init__(self, url: str, watch: Watch) -> None:
        self._url, self._watch = url, watch
        self._connection: Connection[Any] | None = None

    def close(self) -> None:
        """End the session."""
        if self._connection:
            self._connection.close()

    @contextmanager
    def session(self) -> Iterator[Connection[Any]]:
        """Give the session; a broken session is not used again."""
        if self._connection is None or self._connection.closed:
            options = OPTIONS.format(timeout_ms=int(self._watch.timeout_s * 1000))
            within = max(int(self._watch.timeout_s), 2)
            self._connection = psycopg.connect(
                self._url, autocommit=True, options=options, connect_timeout=within, application_name="handover watch"
            )
        try:
            yield self._connection
        except psycopg.OperationalError:
            self._connection.close()
            raise

    def number(self, query: str | sql.Composed, *parameters: object) -> float:
        """Return the one number of a query; its SQL comes from ``handover.toml`` or from this package."""
        with self.session() as connection:
            row = connection.execute(query, parameters or None).fetchone()
        if row is None or row[0] is None:
            raise ValueError("it returned no number")
        return float(row[0])


def table_of(name: str) -> sql.Identifier:
    """Return a table's name as SQL; a dot separates the schema, with quotes or without."""
    return sql.Identifier(*name.replace('"', "").split("."))


def expression(text: str) -> sql.SQL:
    """Return SQL that ``handover.toml`` declares."""
    return sql.SQL(text)


def database_samples(reader: Reader, watch: Watch) -> Iterator[Sample]:
    """Measure what is measured in every interval: the connection, the clocks, connections and declared SQL."""
    now, began = None, datetime.now(UTC)
    try:
        with reader.session() as connection:
            began = datetime.now(UTC)  # opening a session may take some time
            (now,) = connection.execute("SELECT clock_timestamp()").fetchone() or (None,)
    except psycopg.Error as error:
        # A value, not a gap: the question was whether the database answers.
        yield measured("both", "database", 1, ok=False, reason=f"the database does not answer: {first_line(error)}")
    else:
        yield measured("both", "database", 1)
    if now is not None:
        middle = began + (datetime.now(UTC) - began) / 2
        off = abs((middle - now).total_seconds())
        reason = f"this machine and the database are {off:.1f} s apart" if off > watch.limits.clock_s else ""
        yield measured("both", "clock_s", off, ok=not reason, reason=reason)
    yield number(reader, "both", "connections_share", CONNECTIONS)
    for measure in watch.measures:
        yield number(reader, measure.system, measure.name, measure.sql)


def number(reader: Reader, system: SideOrBoth, metric: str, query: str | sql.Composed, *parameters: object) -> Sample:
    """Return a query's number as a sample; an error makes it unmeasured.

    Parameters
    ----------
    reader
        The session.
    system, metric
        What the sample is about.
    query, parameters
        SQL that returns one number, and its parameters.
    """
    try:
        return measured(system, metric, reader.number(query, *parameters))
    except (psycopg.Error, ValueError) as error:
        return unmeasured(system, metric, first_line(error))


def window_samples(
    reader: Reader, watch: Watch, models: Sequence[tuple[str, Model]] | None, since: datetime
) -> Iterator[Sample]:
    """Measure what is measured once in a window: tasks, and rows that must not exist.

    Parameters
    ----------
    reader, watch
        The session, and what to measure.
    models
        Each mapped table with a model on it, for both systems; None when one of them does not describe its models.
    since
        The beginning of the window.
    """
    if watch.tasks:
        yield from _tasks(reader, watch, watch.tasks, since)
    for name, queries in (("choices", _choices), ("orphans", _orphans)):
        if models is None:
            yield unmeasured("both", f"invariant_{name}", "a system does not describe its mapped models")
        else:
            yield _broken(reader, f"invariant_{name}", queries(models))
    for invariant in watch.invariants:
        sample = number(reader, "both", f"invariant_{invariant.name}", invariant.sql)
        yield _explained(sample, invariant.because)


def _explained(sample: Sample, because: str) -> Sample:
    if not sample.value:
        return sample
    return Sample(sample.at, sample.system, sample.metric, sample.value, ok=False, reason=because)


def _broken(reader: Reader, metric: str, queries: Iterable[tuple[str, sql.Composed]]) -> Sample:
    """Return how many rows all queries count together; one failed query makes the sum unmeasured."""
    total, where = 0.0, []
    for place, query in queries:
        one = number(reader, "both", metric, query)
        if one.value is None:
            return unmeasured("both", metric, f"{place}: {one.reason}")
        total += one.value
        where += [f"{place} ({one.value:g})"] if one.value else []
    return measured("both", metric, total, ok=not total, reason=", ".join(where))


def _choices(models: Sequence[tuple[str, Model]]) -> Iterator[tuple[str, sql.Composed]]:
    """Yield a query for each column with choices: rows whose value is no choice of either system."""
    known: dict[tuple[str, str], set[str]] = {}
    for table, model in models:
        for field in model.fields:
            if field.values():
                known.setdefault((table, field.column), set()).update(field.values())
    for (table, column), values in sorted(known.items()):
        names = [table_of(table), sql.Identifier(column)]
        query = sql.SQL("SELECT count(*) FROM {0} t WHERE t.{1}::text <> ALL ({2})")
        yield f"{table}.{column}", query.format(*names, sql.Literal(sorted(values)))


def _orphans(models: Sequence[tuple[str, Model]]) -> Iterator[tuple[str, sql.Composed]]:
    """Yield a query for each foreign key: rows that point at a missing row."""
    keys = {(table, f.column, *f.references) for table, model in models for f in model.fields if f.references}
    for table, column, to_table, to_column in sorted(keys):
        query = sql.SQL(
            "SELECT count(*) FROM {0} t LEFT JOIN {2} o ON o.{3} = t.{1} WHERE t.{1} IS NOT NULL AND o.{3} IS NULL"
        )
        names = [table_of(table), sql.Identifier(column), table_of(to_table), sql.Identifier(to_column)]
        yield f"{table}.{column}", query.format(*names)


def _tasks(reader: Reader, watch: Watch, tasks: WatchedTasks, since: datetime) -> Iterator[Sample]:
    """Count the tasks of each system that started, finished or failed since a moment, and the stuck ones."""
    writer = watch.writer.get(tasks.table)
    systems: tuple[SideOrBoth, ...] = tuple(Side) if writer else ("both",)
    query = sql.SQL(
        "SELECT {writer}, count(*) FILTER (WHERE {started} >= %(since)s),"
        " count(*) FILTER (WHERE {status} = ANY (%(done)s) AND {ended} >= %(since)s),"
        " count(*) FILTER (WHERE {status} = ANY (%(failed)s) AND {ended} >= %(since)s),"
        " count(*) FILTER (WHERE {status} = ANY (%(open)s) AND {started} < now() - %(stuck)s * interval '1 second')"
        " FROM {table} t GROUP BY 1"
    ).format(
        writer=expression(writer or "'both'"),
        table=table_of(tasks.table),
        status=sql.Identifier(tasks.status),
        started=sql.Identifier(tasks.started_at),
        ended=sql.Identifier(tasks.ended_at),
    )
    values = {
        "since": since,
        "done": list(tasks.done),
        "failed": list(tasks.failed),
        "open": list(tasks.open),
        "stuck": tasks.stuck_after_s,
    }
    names = ("tasks_started", "tasks_finished", "tasks_failed_share", "tasks_stuck")
    try:
        with reader.session() as connection:
            rows = {row[0]: row[1:] for row in connection.execute(query, values)}
    except psycopg.Error as error:
        yield from (unmeasured(system, name, first_line(error)) for system in systems for name in names)
        return
    for system in systems:
        started, done, failed, stuck = rows.get(system, (0, 0, 0, 0))
        counts = (started, done, failed / max(done + failed, 1), stuck)
        yield from (measured(system, name, value) for name, value in zip(names, counts, strict=True))


def first_line(error: Exception) -> str:
    """Return the first line of an error."""
    return why_unreadable(error)
