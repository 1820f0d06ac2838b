"""What the watch has seen over a span of time: which windows were not green, and when nothing was watched.

A window stays in it until a person signs it off. Windows are read from the database, and from the lines on this
machine as far as the database lacks them.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import psycopg

from handover.config.config import Config
from handover.config.cutover import Threshold
from handover.errors import UnseenError
from handover.journal.entry import JournalEntry
from handover.journal.journal import Journal
from handover.parallel.history import judged_lines
from handover.side import Side
from handover.troubles import why_unreadable
from handover.wording import counted

SIGN_OFF = "window-sign-off"
NAME_LENGTH, GAP = 8, "gap"
SHOWN_REASONS = 3
Kind = Literal["green", "red", "no data"]
WORST_FIRST: tuple[Kind, ...] = ("red", "no data", "green")
_WINDOWS = """
    SELECT run, window_start, max(window_end) FROM handover.watch_windows WHERE window_end > %s GROUP BY 1, 2
"""
# Thresholds of [verify] may call red what the watch calls green.
_ROWS = """
    SELECT run, window_start, system, metric, value, verdict, reason FROM handover.watch_windows
     WHERE window_end > %s AND (verdict IN ('red', 'no data') OR metric = ANY(%s)) ORDER BY id
"""


@dataclass(frozen=True)
class SeenWindow:
    """A window of one run of the watch.

    Attributes
    ----------
    run, start, end
        Which it is.
    kind
        The worst verdict in it; too little traffic for a verdict does not count.
    said
        What was not green, a sentence each.
    digest
        Over what was not green: a sign-off holds for exactly that.
    red
        The systems of which a measure is red.
    """

    run: str
    start: datetime
    end: datetime
    kind: Kind = "green"
    said: tuple[str, ...] = ()
    digest: str = ""
    red: frozenset[str] = frozenset()

    @property
    def id(self) -> tuple[str, str, str]:
        """What a sign-off says of it."""
        return self.run, self.start.isoformat(), self.digest


@dataclass(frozen=True)
class WatchedStretch:
    """Time that was not green: windows one after another, or without windows time in which nothing was watched."""

    start: datetime
    end: datetime
    windows: tuple[SeenWindow, ...] = ()

    @property
    def kind(self) -> str:
        """The worst kind of its windows."""
        kinds = {window.kind for window in self.windows}
        return next((kind for kind in WORST_FIRST if kind in kinds), "not watched")

    @property
    def name(self) -> str:
        """What a person types to sign it off; it also says how many windows that are."""
        if not self.windows:
            return f"{_short([self.start.isoformat(), self.end.isoformat()])}-{GAP}"
        return f"{_short([window.id for window in self.windows])}-{len(self.windows)}"

    @property
    def said(self) -> tuple[str, ...]:
        """What was not green in it, without repetition."""
        return tuple(dict.fromkeys(text for window in self.windows for text in window.said))

    def __str__(self) -> str:
        when = f"{self.kind} from {self.start:%F %T} to {self.end:%T %Z}"
        if not self.windows:
            return f"{when} ({(self.end - self.start).total_seconds():.0f} s)"
        more = len(self.said) - SHOWN_REASONS
        reasons = "; ".join(self.said[:SHOWN_REASONS]) + (f"; and {more} more" if more > 0 else "")
        return f"{when} ({counted(len(self.windows), 'window')}): {reasons}"

    def beginning(self, windows: int) -> "WatchedStretch":
        """Return its first windows."""
        first = self.windows[:windows]
        return replace(self, end=first[-1].end, windows=first)

    def as_json(self) -> dict[str, Any]:
        """Return it as the journal and programs get it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "windows": [list(window.id) for window in self.windows],
            "said": list(self.said),
        }


@dataclass(frozen=True)
class WatchedTime:
    """A span of time, as the watch has seen it.

    Attributes
    ----------
    since
        Its beginning.
    windows
        All of them, in their order.
    unsigned
        What was not green and is not signed off.
    green_since
        Since when every window was green, without a hole; None when the last one is not, or there is none.
    signed
        What was not green and is signed off, in words; empty when there is nothing.
    """

    since: datetime
    windows: tuple[SeenWindow, ...]
    unsigned: tuple[WatchedStretch, ...]
    green_since: datetime | None = None
    signed: str = ""

    def find(self, name: str) -> WatchedStretch | None:
        """Return the stretch of a name; of one that has grown since, as much of it as the name was for."""
        for stretch in self.unsigned:
            number = name.rpartition("-")[2]
            windows = int(number) if number.isdecimal() and len(number) < NAME_LENGTH else 0
            one = stretch.beginning(windows) if 0 < windows <= len(stretch.windows) else stretch
            if one.name == name:
                return one
        return None


def watched_time(config: Config, journal: Journal, since: datetime) -> WatchedTime:
    """Return what the watch has seen since a moment.

    Parameters
    ----------
    config, journal
        The pair and its journal.
    since
        The moment; a window that was open then counts.

    Raises
    ------
    UnseenError
        The windows could not be read.
    """
    thresholds = {one.metric: one for one in config.verify.thresholds}
    try:
        connection = journal.connection()
        stored = connection.execute(_WINDOWS, [since]).fetchall()
        rows = connection.execute(_ROWS, [since, list(thresholds)]).fetchall()
    except psycopg.Error as error:
        message = f"what the watch has seen could not be read: {why_unreadable(error)}."
        raise UnseenError(f"{message} Is `handover watch` there and running?") from error
    ends = {(run, start): end for run, start, end in stored}
    for line in judged_lines(config, without=ends.keys()):
        if line["window_end"] > since:
            ends[line["run"], line["window_start"]] = line["window_end"]
            rows.append(tuple(line[name] for name in _COLUMNS))
    return judged_time(since, ends, rows, thresholds, journal.entries(), hole_s=longest_hole_s(config))


_COLUMNS = ("run", "window_start", "system", "metric", "value", "verdict", "reason")


def longest_hole_s(config: Config) -> float:
    """Return how long the watch may need from one window to the next, in seconds."""
    return 3 * config.watch.interval_s + 2 * config.watch.timeout_s


def judged_time(
    since: datetime,
    ends: Mapping[tuple[str, datetime], datetime],
    rows: Iterable[Sequence[Any]],
    thresholds: Mapping[str, Threshold],
    entries: Iterable[JournalEntry],
    *,
    hole_s: float,
) -> WatchedTime:
    """Return what windows say of the time since a moment.

    Parameters
    ----------
    since
        The moment.
    ends
        Of each window, by its run and its start.
    rows
        The verdicts that may not be green: run, start, system, metric, value, verdict, reason.
    thresholds
        The limits of ``[verify]`` by metric.
    entries
        Of the journal, with the sign-offs.
    hole_s
        A longer time between two windows was not watched.
    """
    bad: dict[tuple[str, datetime], list[tuple[Kind, str, str]]] = {}
    for run, start, system, metric, value, verdict, reason in rows:
        about = f"{system} {metric}"
        if verdict in ("red", "no data"):
            bad.setdefault((run, start), []).append((verdict, about, f"{about}: {verdict}, {reason}"))
        elif limit := _over_threshold(system, value, verdict, thresholds.get(metric)):
            bad.setdefault((run, start), []).append(("red", about, f"{about}: {value:g} ({limit})"))
    windows = [_window(*at, end, bad.get(at, [])) for at, end in ends.items()]
    windows.sort(key=lambda window: (window.start, window.end, window.run))
    signing = [entry for entry in entries if entry.kind == SIGN_OFF]
    bodies = [entry.body for entry in signing]
    signed = {tuple(window) for body in bodies for window in body["windows"]}
    gaps = [(datetime.fromisoformat(s), datetime.fromisoformat(e)) for body in bodies for s, e in body["gaps"]]
    hole = timedelta(seconds=hole_s)
    unsigned = [*_stretches(windows, signed, hole), *_holes(since, windows, gaps, hole)]
    unsigned.sort(key=lambda stretch: stretch.start)
    return WatchedTime(
        since, tuple(windows), tuple(unsigned), _green_since(windows, hole), _signed(since, windows, signing)
    )


def _signed(since: datetime, windows: Iterable[SeenWindow], signing: Iterable[JournalEntry]) -> str:
    """Return in words what was signed off of this time, and by which persons."""
    bad = {window.id: window for window in windows if window.kind != "green"}
    kinds: dict[tuple[str, str, str], str] = {}
    gaps: set[tuple[str, str]] = set()
    persons: dict[str, None] = {}
    for entry in signing:
        found = [bad[one] for one in map(tuple, entry.body["windows"]) if one in bad]
        holes = [(start, end) for start, end in entry.body["gaps"] if datetime.fromisoformat(end) > since]
        kinds |= {window.id: window.kind for window in found}
        gaps.update(holes)
        persons |= {entry.who: None} if found or holes else {}
    numbers = [(kind, list(kinds.values()).count(kind)) for kind in ("red", "no data")]
    names = {"red": ("red window", "red windows"), "no data": ("window without data", "windows without data")}
    said = [counted(number, *names[kind]) for kind, number in numbers if number]
    said += [counted(len(gaps), "time not watched", "times not watched")] if gaps else []
    return f"{' and '.join(said)}, signed off by {', '.join(persons)}" if said else ""


def sign_off_body(stretches: Iterable[WatchedStretch], because: str) -> dict[str, Any]:
    """Return what the journal keeps of a sign-off."""
    signed = list(stretches)
    return {
        "because": because,
        "stretches": [stretch.as_json() for stretch in signed],
        "windows": [list(window.id) for stretch in signed for window in stretch.windows],
        "gaps": [[s.start.isoformat(), s.end.isoformat()] for s in signed if not s.windows],
    }


def over(threshold: Threshold, value: float) -> str:
    """Return the limit of a threshold that a value exceeds; empty when it exceeds none."""
    if threshold.above is not None and value > threshold.above:
        return f"above {threshold.above:g}"
    if threshold.below is not None and value < threshold.below:
        return f"below {threshold.below:g}"
    return ""


def _over_threshold(system: str, value: float | None, verdict: str, threshold: Threshold | None) -> str:
    """Return the limit of ``[verify]`` that a value exceeds although the watch calls it green."""
    if threshold is None or value is None or verdict != "green" or system == Side.ORIGINAL:
        return ""
    return over(threshold, value)


def _window(run: str, start: datetime, end: datetime, bad: list[tuple[Kind, str, str]]) -> SeenWindow:
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    if not bad:
        return SeenWindow(run, start, end)
    bad = sorted(bad, key=lambda one: WORST_FIRST.index(one[0]))
    about = sorted(f"{about} {kind}" for kind, about, _ in bad)
    red = frozenset(about.partition(" ")[0] for kind, about, _ in bad if kind == "red")
    return SeenWindow(run, start, end, bad[0][0], tuple(said for *_, said in bad), _short(about), red)


def _stretches(windows: Sequence[SeenWindow], signed: Collection[Any], hole: timedelta) -> Iterator[WatchedStretch]:
    """Yield what was not green, joined where neither a green window nor a hole lies between."""
    now: list[SeenWindow] = []
    for window in windows:
        last = max((one.end for one in now), default=None)
        if last is not None and (window.start - last > hole or (not _is_open(window, signed) and window.start >= last)):
            yield _joined(now)
            now = []
        if _is_open(window, signed):
            now.append(window)
    if now:
        yield _joined(now)


def _is_open(window: SeenWindow, signed: Collection[Any]) -> bool:
    return window.kind != "green" and window.id not in signed


def _joined(windows: Sequence[SeenWindow]) -> WatchedStretch:
    return WatchedStretch(windows[0].start, max(window.end for window in windows), tuple(windows))


def _holes(
    since: datetime, windows: Sequence[SeenWindow], signed: Collection[tuple[datetime, datetime]], hole: timedelta
) -> Iterator[WatchedStretch]:
    """Yield the times between windows in which nothing was watched; the time after the last window has not ended."""
    seen_until = since
    for window in windows:
        # Signed time counts as seen, as long as it begins where the unseen time begins.
        for start, end in sorted(signed):
            if start <= seen_until + hole and end > seen_until:
                seen_until = min(end, max(window.start, seen_until))
        if window.start - seen_until > hole:
            yield WatchedStretch(seen_until, window.start)
        seen_until = max(seen_until, window.end)


def _green_since(windows: Sequence[SeenWindow], hole: timedelta) -> datetime | None:
    since: datetime | None = None
    until: datetime | None = None
    for window in windows:
        if window.kind != "green":
            since = None
        elif since is None or until is None or window.start - until > hole:
            since = window.start
        until = max(window.end, until or window.end)
    return since


def _short(values: Any) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:NAME_LENGTH]
