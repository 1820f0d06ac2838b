"""The history of a watch, kept in tables beside the journal, and as JSON lines beside ``handover.toml``.

Nothing is lost while the database does not answer: rows wait until it does, and the lines are written at once.
"""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection, errors

from handover.config.config import Config
from handover.errors import Refused
from handover.journal.journal import connect, last_pause
from handover.parallel.rule import MetricVerdict
from handover.parallel.sample import Sample
from handover.private_files import open_private

LINES = ".handover/watch.jsonl"
# About an hour of a busy pair without a database; the lines hold everything.
WAITING_AT_MOST = 200_000
INTO_SAMPLES = (
    "INSERT INTO handover.watch_samples (run, at, system, metric, value, ok, reason)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
INTO_WINDOWS = (
    "INSERT INTO handover.watch_windows (run, window_start, window_end, system, metric, value, verdict, reason)"
    # The answer to a commit may be lost; then the rows that are sent again exist already.
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
FORGET = "DELETE FROM handover.watch_samples WHERE at < now() - make_interval(secs => %s)"


@dataclass(frozen=True)
class Window:
    """A judged window of time."""

    start: datetime
    end: datetime
    judged: tuple[MetricVerdict, ...]

    @property
    def green(self) -> bool:
        """Whether every metric is green; a window without a metric is not green."""
        return bool(self.judged) and all(one.verdict == "green" for one in self.judged)


class WatchHistory:
    """Keeps the samples and windows of one run."""

    def __init__(self, config: Config, run: str) -> None:
        self._config, self._run = config, run
        self._connection: Connection[Any] | None = None
        self._waiting: list[tuple[str, tuple[object, ...]]] = []
        self._stack = ExitStack()
        self._lines = self._stack.enter_context(open_private(config.root / LINES, "a"))

    def close(self) -> None:
        """Close the session and the file."""
        self._stack.close()
        if self._connection:
            self._connection.close()

    def require(self) -> None:
        """Refuse to watch if nothing can be kept.

        Raises
        ------
        Refused
            The tables do not exist, or may not be written. A database that does not answer is no reason to refuse: the
            watch measures that.
        """
        try:
            self._open().execute("SELECT FROM handover.watch_windows LIMIT 0")
        except (errors.UndefinedTable, errors.InvalidSchemaName, errors.InsufficientPrivilege) as error:
            what = str(error).splitlines()[0]
            message = f"the history of the watch cannot be kept: {what}. Nothing is watched."
            raise Refused(f"{message} Run: handover init-journal --apply", code="HO600") from error
        except psycopg.OperationalError:
            return

    def add(self, samples: Sequence[Sample], window: Window | None = None) -> bool:
        """Keep samples, and the window that they belong to; return whether the database has them."""
        for one in samples:
            self._line(asdict(one))
            row = (self._run, one.at, one.system, one.metric, one.value, one.ok, one.reason)
            self._waiting.append((INTO_SAMPLES, row))
        for judged in window.judged if window else ():
            assert window  # noqa: S101 - the loop has nothing to go over otherwise
            self._line({"window_start": window.start, "window_end": window.end, **asdict(judged)})
            values = (judged.system, judged.metric, judged.value, judged.verdict, judged.reason)
            self._waiting.append((INTO_WINDOWS, (self._run, window.start, window.end, *values)))
        self._lines.flush()
        del self._waiting[:-WAITING_AT_MOST]
        return self._write()

    def paused(self) -> bool:
        """Say whether a pause holds; one that cannot be read does not hold, since a watch changes nothing."""
        try:
            return bool(last_pause(self._open()))
        except psycopg.OperationalError:
            return False

    def _line(self, values: dict[str, Any]) -> None:
        self._lines.write(json.dumps({"run": self._run, **values}, ensure_ascii=False, default=str) + "\n")

    def _write(self) -> bool:
        try:
            connection = self._open()
            with connection.transaction(), connection.cursor() as cursor:
                for query in (INTO_SAMPLES, INTO_WINDOWS):
                    cursor.executemany(query, [row for into, row in self._waiting if into == query])
                cursor.execute(FORGET, [self._config.watch.keep_samples_h * 3600])
        except psycopg.OperationalError:
            return False
        self._waiting.clear()
        return True

    def _open(self) -> Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._config)
        return self._connection
