"""How the watch is: its last window, since when all was green, and whether it runs here."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from handover.config.config import Config
from handover.cutover.confirm import goes_back_at, last_switch
from handover.cutover.position import position_of
from handover.cutover.watched_time import SeenWindow, WatchedTime, watched_time
from handover.errors import HandoverError
from handover.journal.entry import JournalEntry
from handover.journal.journal import Journal, connect
from handover.journal.processes import RunningProcess, running
from handover.parallel.history import LINES
from handover.side import Side
from handover.wording import counted

WATCH, FOLLOW = "watch", "verify --follow"
TO_VERIFY = ("switched", "verifying")
# Before the switch, as long as a gate asks for, and longer.
LOOKED_BACK = timedelta(days=2)
_LAST = "SELECT max(window_end) >= now() - make_interval(secs => %s) FROM handover.watch_windows"


@dataclass(frozen=True)
class WatchHealth:
    """How the watch is.

    Attributes
    ----------
    last
        The last window; None when there is none.
    green_since
        Since when every window was green; None when the last one was not.
    unsigned
        How many times since the switch were not green and are not signed off; 0 before it, and after a rollback.
    here
        The processes on this machine that watch, or that follow the watch.
    wrote_at
        When a watch last wrote on this machine; None when it never did.
    goes_back_at
        When people go back by themselves; None when they do not.
    to_verify
        Whether people reach the backend, so that the watch is to be judged.
    trouble
        Why the windows could not be read; empty when they were.
    now
        By which "lately" is meant.
    """

    last: SeenWindow | None = None
    green_since: datetime | None = None
    unsigned: int = 0
    here: tuple[RunningProcess, ...] = ()
    wrote_at: datetime | None = None
    goes_back_at: datetime | None = None
    to_verify: bool = False
    trouble: str = ""
    now: datetime | None = None

    @property
    def well(self) -> bool:
        """Whether the last window is green, and a person has signed off whatever was not."""
        return not self.trouble and not self.unsigned and self.last is not None and self.last.kind == "green"

    @property
    def backend_red(self) -> bool:
        """Whether the last window is red, and not of the original alone."""
        return self.last is not None and bool(self.last.red - {Side.ORIGINAL})

    def lines(self) -> list[str]:
        """Return it for people."""
        found = [f"Watch: {self._seen()}; {self._runs()}."]
        if self.unsigned:
            found.append(
                f"  Since the switch {counted(self.unsigned, 'time')} not green, not signed off: handover verify"
            )
        if self.to_verify and not any(one.command == FOLLOW for one in self.here):
            found.append("  Nothing here judges it or pages: start handover verify --follow")
        return found + [f"  {line}" for line in self.way_back()]

    def way_back(self) -> list[str]:
        """Return when people go back by themselves, and by which process; nothing when they do not."""
        if self.goes_back_at is None:
            return []
        return [f"Not confirmed: people go back by themselves at {self.goes_back_at:%F %T %Z}. {self._by()}"]

    def _seen(self) -> str:
        if self.trouble:
            return f"its windows could not be read ({self.trouble})"
        if self.last is None:
            return "it has seen nothing"
        late = " (it is not watched any more)" if self._is_late() else ""
        if self.last.kind == "green":
            return f"green since {self.green_since:%F %T %Z}, the last window ended at {self.last.end:%T %Z}{late}"
        return f"the last window, to {self.last.end:%F %T %Z}, is {self.last.kind}: {self.last.said[0]}{late}"

    def _is_late(self) -> bool:
        if self.last is None or self.now is None:
            return True
        return self.now - self.last.end > 2 * (self.last.end - self.last.start)

    def _runs(self) -> str:
        pids = ", ".join(str(one.pid) for one in self.here if one.command == WATCH)
        wrote = f"it wrote here at {self.wrote_at:%F %T %Z}" if self.wrote_at else "it never wrote here"
        if pids:
            return f"it runs here (pid {pids}), {wrote}"
        none = "none runs here (start: handover watch)"
        return f"{none if self._is_late() else 'it runs on another machine, or ended just now'}, {wrote}"

    def _by(self) -> str:
        confirm = 'Unless: handover verify --confirm-switch --because "…"'
        if self.here:
            return f"By `{self.here[0].command}`, pid {self.here[0].pid}. {confirm}"
        if not self._is_late():
            return f"By the watch on another machine, if its handover.toml says so too. {confirm}"
        return f"NO process here would do it: start handover watch, or handover verify --follow. {confirm}"

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        last = self.last
        return {
            "last_window": None if last is None else {"start": last.start, "end": last.end, "verdict": last.kind},
            "green_since": self.green_since,
            "unsigned": self.unsigned,
            "judged_here": any(one.command == FOLLOW for one in self.here),
            "runs_here": any(one.command == WATCH for one in self.here),
            "wrote_here_at": self.wrote_at,
            "watched_now": not self.trouble and not self._is_late(),
            "goes_back_at": self.goes_back_at,
        }


def watch_health(config: Config, journal: Journal, entries: Sequence[JournalEntry]) -> WatchHealth:
    """Return how the watch is.

    Parameters
    ----------
    config, journal, entries
        The pair, its journal, and the journal's entries.
    """
    here = tuple(one for one in running(config.root) if one.command in (WATCH, FOLLOW))
    path = config.root / LINES
    wrote_at = datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None
    back_at, to_verify = goes_back_at(config, entries), position_of(entries).state in TO_VERIFY
    try:
        now = journal.now()
        time, unsigned = _seen_lately(config, journal, entries, now)
    except (HandoverError, psycopg.Error) as error:
        trouble = str(error).splitlines()[0]
        return WatchHealth(None, None, 0, here, wrote_at, back_at, to_verify, trouble)
    last = max(time.windows, key=lambda window: window.end, default=None)
    return WatchHealth(last, time.green_since, unsigned, here, wrote_at, back_at, to_verify, "", now)


def _seen_lately(
    config: Config, journal: Journal, entries: Sequence[JournalEntry], now: datetime
) -> tuple[WatchedTime, int]:
    if position_of(entries).state not in TO_VERIFY:  # elsewhere there is nothing to sign off
        return watched_time(config, journal, now - LOOKED_BACK), 0
    time = watched_time(config, journal, last_switch(entries).began)
    return time, len(time.unsigned)


def is_watching(config: Config) -> bool:
    """Say whether a watch of this pair wrote a window lately, on any machine; no when that cannot be read."""
    lately_s = 2 * (config.watch.window_s + config.watch.timeout_s)
    with suppress(HandoverError, psycopg.Error), connect(config) as connection:
        row = connection.execute(_LAST, [lately_s]).fetchone()
        return bool(row and row[0])
    return False
