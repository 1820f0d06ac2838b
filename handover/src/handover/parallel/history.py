"""The history of a watch, kept in tables beside the journal, and as JSON lines beside ``handover.toml``.

Nothing is lost while the database does not answer: rows wait until it does, and the lines are written at once. The
lines of windows are kept; those of single samples fill two files of a limited size by turns.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection, errors

from handover.config.config import Config
from handover.errors import Refused
from handover.journal.journal import connect
from handover.parallel.rule import MetricVerdict
from handover.parallel.sample import Sample
from handover.private_files import open_private
from handover.troubles import database_trouble, file_trouble

LINES = ".handover/watch.jsonl"
SAMPLES, FULL_SAMPLES = ".handover/watch-samples.jsonl", ".handover/watch-samples.1.jsonl"
SAMPLES_AT_MOST_BYTES = 64 << 20
# About an hour of a busy pair without a database; the lines hold everything.
WAITING_AT_MOST = 200_000
CANNOT_BE_KEPT = "the history of the watch cannot be kept"
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
    """Keeps the samples and windows of one run; ``trouble`` says why the last lines were not written."""

    def __init__(self, config: Config, run: str) -> None:
        self._config, self._run, self.trouble = config, run, ""
        self._connection: Connection[Any] | None = None
        self._waiting: list[tuple[str, tuple[object, ...]]] = []

    def close(self) -> None:
        """Close the session."""
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
        except errors.InsufficientPrivilege as error:
            message = f"{CANNOT_BE_KEPT}: {database_trouble(error)} Nothing is watched."
            raise Refused(message, code="HO600") from error
        except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
            message = f"{CANNOT_BE_KEPT}: {str(error).splitlines()[0]}. Nothing is watched."
            raise Refused(f"{message} Run: handover init-journal --apply", code="HO600") from error
        except psycopg.OperationalError:
            return

    def add(self, samples: Sequence[Sample], window: Window | None = None) -> bool:
        """Keep samples, and the window that they belong to; return whether the database has them."""
        for one in samples:
            row = (self._run, one.at, one.system, one.metric, one.value, one.ok, one.reason)
            self._waiting.append((INTO_SAMPLES, row))
        for judged in window.judged if window else ():
            assert window  # noqa: S101 - the loop has nothing to go over otherwise
            values = (judged.system, judged.metric, judged.value, judged.verdict, judged.reason)
            self._waiting.append((INTO_WINDOWS, (self._run, window.start, window.end, *values)))
        try:
            self._keep_lines(samples, window)
            self.trouble = ""
        except OSError as error:  # the disk may be full; the database has the rows
            self.trouble = f"{LINES} could not be written: {file_trouble(error)}"
        del self._waiting[:-WAITING_AT_MOST]
        return self._write()

    def _keep_lines(self, samples: Sequence[Sample], window: Window | None) -> None:
        # Opened each time: a service may run for weeks, and the file may be moved away meanwhile.
        if window:
            when = {"window_start": window.start, "window_end": window.end}
            self._write_lines(LINES, [{**when, **asdict(judged)} for judged in window.judged])
        path = self._config.root / SAMPLES
        if path.exists() and path.stat().st_size > SAMPLES_AT_MOST_BYTES:
            path.replace(self._config.root / FULL_SAMPLES)
        self._write_lines(SAMPLES, [asdict(one) for one in samples])

    def _write_lines(self, name: str, lines: Sequence[dict[str, Any]]) -> None:
        text = "".join(json.dumps({"run": self._run, **line}, ensure_ascii=False, default=str) + "\n" for line in lines)
        with open_private(self._config.root / name, "a") as file:
            file.write(text)

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


def judged_lines(config: Config, without: Collection[tuple[str, datetime]]) -> Iterator[dict[str, Any]]:
    """Yield the verdicts that the lines on this machine have.

    Parameters
    ----------
    config
        The pair.
    without
        Windows that are known already, by their run and their start.
    """
    path = config.root / LINES
    if not path.exists():
        return
    known: dict[str, bool] = {}
    with open_private(path, "r") as file:
        for line in file:
            # The run and the start begin each line of a window; most windows are known, and parsing takes time.
            window, found, _ = line.partition('"window_end"')
            if not found or not line.endswith("\n") or known.get(window):
                continue
            values = json.loads(line)
            values |= {name: datetime.fromisoformat(values[name]) for name in ("window_start", "window_end")}
            known[window] = (values["run"], values["window_start"]) in without
            if not known[window]:
                yield values
