"""How far a backfill is, told to people: rows, rows a second, time left, and what makes it slower."""

import time
from collections.abc import Callable

from handover.evolve.throttle import Strain

TELL_EVERY_S = 2.0


class FillProgress:
    """Tells at most every two seconds.

    Parameters
    ----------
    table
        ``schema.name``.
    rows
        About so many rows the table has.
    say
        Takes each line.
    clock
        Seconds, never backwards.
    """

    def __init__(
        self, table: str, rows: int, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._table, self._rows, self._say, self._clock = table, rows, say, clock
        self._told_at, self._told_filled = clock(), 0
        self._reason: str | None = None

    def begin(self, filled: int) -> None:
        """Take in how many rows an earlier process filled."""
        self._told_filled = filled
        if filled:
            self._say(f"{self._table}: goes on after {filled:,} rows")

    def tell(self, filled: int, strain: Strain | None, *, turn: int = 1) -> None:
        """Tell how far it is, unless it was told a moment ago.

        Parameters
        ----------
        filled
            So many rows are filled.
        strain
            What makes it slower.
        turn
            The pass; in the first no row was looked at before.
        """
        self._reason = strain.reason if strain else self._reason
        now = self._clock()
        if now - self._told_at < TELL_EVERY_S:
            return
        rows_per_s = (filled - self._told_filled) / (now - self._told_at)
        line = self._line(filled, rows_per_s) if turn == 1 else f"{self._table}: looks for rows that others held"
        self._say(line + (f"; slower: {self._reason}" if self._reason else ""))
        self._told_at, self._told_filled, self._reason = now, filled, None

    def tell_waiting(self, reason: str) -> None:
        """Tell what it waits for, unless something was told a moment ago."""
        if self._clock() - self._told_at >= TELL_EVERY_S:
            self._told_at = self._clock()
            self._say(f"{self._table}: waits, since {reason}")

    def _line(self, filled: int, rows_per_s: float) -> str:
        line = f"{self._table}: {filled:,} of about {max(self._rows, filled):,} rows, {rows_per_s:,.0f} rows/s"
        if filled < self._rows and rows_per_s >= 1:
            line += f", about {_duration((self._rows - filled) / rows_per_s)} left"
        return line


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
