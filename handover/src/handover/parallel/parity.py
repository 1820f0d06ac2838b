"""Rows that one system wrote, read by the other: the newest changes of every mapped table, in every interval.

Both systems read through their own models. What they read is compared as keyed digests, so no value of a row is seen
here. A row that changes while it is read is read again in the next interval. The lag of a change is the time from
its first sample until both systems read the same; a change from before the first interval has no lag. A flow that
removes what it wrote waits between its steps until that is read.
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from handover.config.config import Config, ModelPair
from handover.config.parallel import SideOrBoth
from handover.errors import HandoverError, UnseenError
from handover.parallel.agents import ReadingAgent
from handover.parallel.database import Reader, expression, first_line, table_of
from handover.parallel.sample import Sample, measured, unmeasured
from handover.schema.models import Model
from handover.schema.types import canonical_type
from handover.side import Side
from handover.wording import counted

LOOK_AGAIN_S = 0.05


@dataclass(frozen=True)
class WatchedRow:
    """The present state of a row in the database."""

    key: str
    version: str
    writer: SideOrBoth


@dataclass(frozen=True)
class SharedTable:
    """A mapped table with the two models on it."""

    pair: ModelPair
    models: Mapping[Side, Model]
    key: str
    date: str

    @property
    def columns(self) -> list[str]:
        """The columns that both models have."""
        return sorted(set.intersection(*({f.column for f in model.fields} for model in self.models.values())))

    @property
    def key_type(self) -> str:
        """The database type of the key."""
        return canonical_type(self.models[Side.ORIGINAL].by_column()[self.key].type)


@dataclass
class Parity:
    """What is remembered of the rows between two intervals, by table and key.

    ``read`` holds the version of each row that both systems read alike; ``pending`` the version that they do not read
    alike yet, and since when.
    """

    config: Config
    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    read: dict[str, dict[str, str]] = field(default_factory=dict)
    pending: dict[str, dict[str, tuple[str, float]]] = field(default_factory=dict)

    def samples(self, reader: Reader, agents: Mapping[Side, ReadingAgent]) -> Iterator[Sample]:
        """Read the newest changes of every mapped table through both systems."""
        for pair in self.config.models:
            try:
                yield from self._table(shared_table(self.config, pair, agents), reader, agents)
            except (psycopg.Error, HandoverError) as error:
                reason = f"{pair.table}: {first_line(error)}"
                for metric in ("parity_rows", "parity_different"):
                    yield from (unmeasured(writer, metric, reason) for writer in self._writers(pair))

    def look(self, reader: Reader, agents: Mapping[Side, ReadingAgent]) -> Iterator[Sample]:
        """Read what changed since the last look, again and again until both systems read the same or are late."""
        for pair in self.config.models:
            if pair.table not in self.read:
                continue  # its first look is to come: it tells what is new
            try:
                shared = shared_table(self.config, pair, agents)
                began = time.monotonic()
                yield from self._table(shared, reader, agents, changed_only=True)
                waited_for = set(self.pending.get(pair.table, ()))
                while self._may_still_be_read(pair.table, waited_for, began):
                    time.sleep(LOOK_AGAIN_S)
                    began = time.monotonic()
                    yield from self._table(shared, reader, agents, changed_only=True)
            except (psycopg.Error, HandoverError) as error:
                yield from self.unread(f"{pair.table}: {first_line(error)}", pair)

    def _may_still_be_read(self, table: str, keys: set[str], at: float) -> bool:
        """Say whether one of the rows was neither read alike by both nor late in the look that began then."""
        limit_s = self.config.watch.limits.parity_lag_s
        return any(since + limit_s >= at for key, (_, since) in self.pending.get(table, {}).items() if key in keys)

    def unread(self, reason: str, *pairs: ModelPair) -> Iterator[Sample]:
        """Yield that what a flow wrote was not compared; without pairs: in no mapped table."""
        for pair in pairs or self.config.models:
            yield from (unmeasured(writer, "parity_different", reason) for writer in self._writers(pair))

    def _writers(self, pair: ModelPair) -> tuple[SideOrBoth, ...]:
        return tuple(Side) if pair.table in self.config.watch.writer else ("both",)

    def _table(
        self,
        shared: SharedTable,
        reader: Reader,
        agents: Mapping[Side, ReadingAgent],
        *,
        changed_only: bool = False,
    ) -> Iterator[Sample]:
        table = shared.pair.table
        first = table not in self.read
        began = time.monotonic()
        newest = self._rows(shared, reader)
        yield from self._vanished(shared, {row.key for row in newest})
        known = self.read.get(table, {}) if changed_only else {}
        before = [row for row in newest if known.get(row.key) != row.version]
        if changed_only and not before:
            return
        keys = [row.key for row in before]
        asked = {"keys": keys, "columns": shared.columns, "secret": self.secret}
        one, other = (agents[side].ask("read_rows", model=shared.models[side].label, **asked)["rows"] for side in Side)
        after = {row.key: row.version for row in self._rows(shared, reader, keys)}
        still = [
            (row, _different(*read))
            for row, *read in zip(before, one, other, strict=True)
            if after.get(row.key) == row.version  # a row that changes meanwhile is read in the next interval
        ]
        yield from self._lags(table, still, first=first, began=began)
        alike = {row.key: row.version for row, different in still if not different}
        self.read[table] = {key: known[key] for key in known.keys() & {row.key for row in newest}} | alike
        for writer in self._writers(shared.pair):
            mine = [different for row, different in still if row.writer == writer]
            late = [d for row, d in still if row.writer == writer and d and self._is_late(table, row)]
            yield measured(writer, "parity_rows", len(mine))
            reason = f"{table}: {late[0]}" if late else ""
            yield measured(writer, "parity_different", len(late), ok=not late, reason=reason)

    def _lags(self, table: str, still: list[tuple[WatchedRow, str]], *, first: bool, began: float) -> Iterator[Sample]:
        """Yield the lag of each new version that both read alike now, or that is overdue."""
        read, pending = self.read.get(table, {}), self.pending.setdefault(table, {})
        for row, different in still:
            if not different and read.get(row.key) == row.version:
                continue
            version, since = pending.get(row.key, ("", began))
            if version != row.version:
                since = began
            pending[row.key] = (row.version, since)
            lag = time.monotonic() - since
            if not first and (not different or lag > self.config.watch.limits.parity_lag_s):
                yield measured(row.writer, "parity_lag_s", lag, ok=not different, reason=different)
            if not different:
                del pending[row.key]

    def _vanished(self, shared: SharedTable, there: set[str]) -> Iterator[Sample]:
        """Yield that rows were removed before both systems read them alike; forget them."""
        pending = self.pending.get(shared.pair.table, {})
        gone = [key for key in pending if key not in there]
        for key in gone:
            del pending[key]
        if gone:
            reason = f"{shared.pair.table}: {counted(len(gone), 'row')} removed before both systems read the same"
            yield from (unmeasured(writer, "parity_lag_s", reason) for writer in self._writers(shared.pair))

    def _is_late(self, table: str, row: WatchedRow) -> bool:
        return time.monotonic() - self.pending[table][row.key][1] > self.config.watch.limits.parity_lag_s

    def _rows(self, shared: SharedTable, reader: Reader, keys: list[str] | None = None) -> list[WatchedRow]:
        """Return the rows of some keys; without keys, the newest rows and those that are still pending."""
        watch, table = self.config.watch, shared.pair.table
        parts = {
            "key": sql.Identifier(shared.key),
            "type": expression(shared.key_type),
            "writer": expression(watch.writer.get(table, "'both'")),
            "table": table_of(table),
            "date": sql.Identifier(shared.date),
        }
        of_keys = sql.SQL("t.{key} = ANY (%(keys)s::text[]::{type}[])").format(**parts)
        newest = sql.SQL(
            "t.{key} IN (SELECT {key} FROM {table} WHERE {date} IS NOT NULL ORDER BY {date} DESC LIMIT %(limit)s)"
        ).format(**parts)
        which = of_keys if keys is not None else sql.SQL("{} OR {}").format(newest, of_keys)
        query = sql.SQL("SELECT t.{key}::text, t.xmin::text || ' ' || t.ctid::text, {writer} FROM {table} t WHERE ")
        values = {"limit": watch.sample, "keys": list(self.pending.get(table, ())) if keys is None else keys}
        with reader.session() as connection:
            rows = [WatchedRow(*row) for row in connection.execute(query.format(**parts) + which, values)]
        if unknown := {row.writer for row in rows} - set(self._writers(shared.pair)):
            raise UnseenError(f"watch.writer says {unknown.pop()!r}, expected 'original' or 'backend'")
        return rows


def shared_table(config: Config, pair: ModelPair, agents: Mapping[Side, ReadingAgent]) -> SharedTable:
    """Return a mapped table with the two models on it.

    Parameters
    ----------
    config, pair
        The pair, and the mapped table.
    agents
        An agent in each system.

    Raises
    ------
    UnseenError, ProbeError
        Its rows cannot be compared.
    """
    models = {side: agents[side].model(side.of(pair)) for side in Side}
    keys = {model.key for model in models.values()}
    if len(keys) != 1 or len(next(iter(keys))) != 1:
        raise UnseenError("its key is not one column that both systems agree on")
    return SharedTable(pair, models, next(iter(keys))[0], dated(config, pair, models))


def dated(config: Config, pair: ModelPair, models: Mapping[Side, Model]) -> str:
    """Return the column that dates the changes of a table: the declared one, else one that Django stamps.

    Parameters
    ----------
    config, pair
        The pair, and the mapped table.
    models
        The two models on it.

    Raises
    ------
    UnseenError
        No column is declared, and Django stamps none.
    """
    if declared := config.watch.newest.get(pair.table):
        return declared
    fields = [f for model in models.values() for f in model.fields]
    for automatic in ("auto_now", "auto_now_add"):
        for one in fields:
            if getattr(one, automatic):
                return one.column
    raise UnseenError(f"no column dates its changes; name one: [watch.newest] {pair.table} = …")


def _different(one: Mapping[str, str] | None, other: Mapping[str, str] | None) -> str:
    """Say how two readings of a row differ; empty when they do not."""
    if one is None or other is None:
        without = [side for side, row in zip(Side, (one, other), strict=True) if row is None]
        return f"a row is not found by the {' and the '.join(without)}"
    columns = sorted(column for column in one if one[column] != other.get(column))
    if not columns:
        return ""
    return f"{counted(len(columns), 'column')} of a row read differently: {', '.join(columns)}"
