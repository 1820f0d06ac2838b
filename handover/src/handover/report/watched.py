"""What the watch has seen, read for the report: series over time, and the latest window of every metric."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from handover.config.config import Config
from handover.errors import HandoverError
from handover.journal.journal import Journal
from handover.parallel.history import LINES
from handover.parallel.rule import rules
from handover.private_files import open_private

# More points than pixels say nothing; of each bucket the worst is kept.
POINTS_AT_MOST = 240
FRESH_WINDOWS = 3
_QUERY = """
    SELECT window_start, window_end, system, metric, value, verdict, reason FROM handover.watch_windows
     WHERE window_end >= %s ORDER BY window_end, id
"""


@dataclass(frozen=True)
class WatchedWindow:
    """One verdict of the watch."""

    start: datetime
    end: datetime
    system: str
    metric: str
    value: float | None
    verdict: str
    reason: str


@dataclass(frozen=True)
class LatestMeasure:
    """The latest window of a metric; ``verdict`` is "no data" when the metric is not watched any more."""

    system: str
    metric: str
    value: float | None
    verdict: str
    reason: str


@dataclass(frozen=True)
class Watched:
    """Everything the watch has seen in a span of time.

    Attributes
    ----------
    windows
        In their order.
    measures
        The latest window of every metric that ``handover.toml`` asks for, whether it was measured or not.
    source
        Where it was read, when that was not the database.
    """

    windows: tuple[WatchedWindow, ...]
    measures: tuple[LatestMeasure, ...]
    source: str = ""

    def of(self, system: str, metric: str) -> tuple[WatchedWindow, ...]:
        """Return the windows of one metric, thinned for drawing."""
        found = [w for w in self.windows if (w.system, w.metric) == (system, metric)]
        size = -(-len(found) // POINTS_AT_MOST) or 1
        return tuple(_worst(found[at : at + size]) for at in range(0, len(found), size))

    def measure(self, system: str, metric: str) -> LatestMeasure:
        """Return the latest window of one metric; "no data" for one that is not asked for."""
        there = (m for m in self.measures if (m.system, m.metric) == (system, metric))
        return next(there, LatestMeasure(system, metric, None, "no data", "it is not watched"))

    def worst(self, system: str, metric: str) -> float | None:
        """Return the highest value of one metric in all its windows; None when it was never measured."""
        of = (w.value for w in self.windows if (w.system, w.metric) == (system, metric))
        return max((value for value in of if value is not None), default=None)


def _worst(windows: list[WatchedWindow]) -> WatchedWindow:
    return max(windows, key=lambda w: (w.value is None, w.value or 0))


def read_watched(config: Config, journal: Journal, since: datetime, now: datetime) -> Watched:
    """Read what was seen since a moment; without a database from the lines on this machine.

    Parameters
    ----------
    config, journal
        The pair and its journal.
    since, now
        From when on to read, and the present, by which a window is fresh or old.
    """
    source = ""
    try:
        windows = tuple(WatchedWindow(*row) for row in journal.connection().execute(_QUERY, [since]))
    except (HandoverError, psycopg.Error):
        source = f"the copy of this machine, {LINES}"
        windows = tuple(w for w in _of_lines(config) if w.end >= since)
    return Watched(windows, tuple(_latest(config, windows, now)), source)


def _of_lines(config: Config) -> Iterator[WatchedWindow]:
    path = config.root / LINES
    if not path.exists():
        return
    with open_private(path, "r") as file:
        for line in file:
            if line.endswith("\n") and "window_start" in line:
                yield _of_line(json.loads(line))


def _of_line(values: Mapping[str, Any]) -> WatchedWindow:
    start, end = (datetime.fromisoformat(values[name]) for name in ("window_start", "window_end"))
    return WatchedWindow(start, end, *(values[name] for name in ("system", "metric", "value", "verdict", "reason")))


def _latest(config: Config, windows: Iterable[WatchedWindow], now: datetime) -> Iterator[LatestMeasure]:
    last = {(w.system, w.metric): w for w in windows}
    for rule in rules(config):
        seen = last.get((rule.system, rule.metric))
        if seen is None:
            yield LatestMeasure(rule.system, rule.metric, None, "no data", "it was never watched")
        elif now - seen.end > FRESH_WINDOWS * max(seen.end - seen.start, timedelta(seconds=config.watch.window_s)):
            reason = f"it is not watched any more since {seen.end:%F %H:%M:%S}"
            yield LatestMeasure(rule.system, rule.metric, seen.value, "no data", reason)
        else:
            yield LatestMeasure(rule.system, rule.metric, seen.value, seen.verdict, seen.reason)
