"""Numbers of rows that stay in their range and never go back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from handover.config.config import Config
from handover.config.parallel import ProgressColumn
from handover.errors import HandoverError
from handover.parallel.agents import ReadingAgent
from handover.parallel.database import Reader, expression, first_line, table_of
from handover.parallel.parity import shared_table
from handover.parallel.sample import Sample, measured, unmeasured
from handover.parallel.stored import mapped_column
from handover.side import Side

METRIC = "invariant_progress"


@dataclass
class ProgressChecker:
    """Checks the numbers of rows against their last values."""

    config: Config
    last: dict[str, dict[str, float]] = field(default_factory=dict)

    def samples(self, reader: Reader, agents: Mapping[Side, ReadingAgent]) -> Iterator[Sample]:
        """Read the numbers of the newest rows."""
        for progress in self.config.watch.progress:
            try:
                rows = self._rows(reader, agents, progress)
            except (psycopg.Error, HandoverError) as error:
                yield unmeasured("both", METRIC, f"{progress.column}: {first_line(error)}")
                continue
            wrong = list(self._wrong(progress, rows))
            reason = f"{progress.column}: {wrong[0]}" if wrong else ""
            yield measured("both", METRIC, len(wrong), ok=not wrong, reason=reason)
            self.last[progress.column] = {key: value for key, value, _ in rows}

    def _wrong(self, progress: ProgressColumn, rows: list[tuple[str, float, bool]]) -> Iterator[str]:
        last = self.last.get(progress.column, {})
        for key, value, restarts in rows:
            if not progress.lowest <= value <= progress.highest:
                yield f"a row has {value:g}, expected {progress.lowest:g} to {progress.highest:g}"
            elif key in last and value < last[key] and not restarts:
                yield f"a row went back from {last[key]:g} to {value:g}"

    def _rows(
        self, reader: Reader, agents: Mapping[Side, ReadingAgent], progress: ProgressColumn
    ) -> list[tuple[str, float, bool]]:
        pair, column = mapped_column(self.config, progress.column)
        shared = shared_table(self.config, pair, agents)
        query = sql.SQL(
            "SELECT t.{key}::text, t.{column}::float, ({restarts}) FROM {table} t"
            " WHERE t.{column} IS NOT NULL AND t.{date} IS NOT NULL ORDER BY t.{date} DESC LIMIT {limit}"
        ).format(
            key=sql.Identifier(shared.key),
            column=sql.Identifier(column),
            restarts=expression(progress.restarts),
            table=table_of(pair.table),
            date=sql.Identifier(shared.date),
            limit=sql.Literal(self.config.watch.sample),
        )
        with reader.session() as connection:
            return list(connection.execute(query).fetchall())
