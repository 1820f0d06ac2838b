"""When a backfill must go slower: standbys are behind, users wait for its rows, or what users read takes longer."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, Error, errors

from handover.config.evolve import EvolveSettings, LatencyProbe
from handover.errors import HandoverError, Refused
from handover.evolve.expression import declared
from handover.wording import counted

LOOK_EVERY_S = 0.5
# A read is given so many times its limit before it is cut off.
PATIENCE = 10
# A standby that is being copied has no position yet. Without the right to see them, even the states are NULL.
_STANDBYS = """
    SELECT coalesce(nullif(application_name, ''), 'pid ' || pid), state IS NOT NULL,
           coalesce(replay_lsn, flush_lsn, write_lsn) - '0/0'
    FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup' AND state IS DISTINCT FROM 'startup'
"""
_WRITTEN = "SELECT pg_current_wal_lsn() - '0/0'"


@dataclass(frozen=True)
class Strain:
    """Why a backfill goes slower.

    Attributes
    ----------
    reason
        For people, without a full stop.
    hold
        Whether it waits until the strain is over; else it goes on with smaller batches.
    """

    reason: str
    hold: bool


class StandbyLag:
    """How far standbys are behind, in seconds, by the time at which this process saw each position written.

    What PostgreSQL itself measures stands still while a standby replays nothing, which is when it matters.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._written: deque[tuple[float, int]] = deque()

    def worst(self, connection: Connection[Any]) -> tuple[float, str]:
        """Return how far the last standby is behind, and its name; 0 without a standby.

        Raises
        ------
        Refused
            This role may not see how far standbys are.
        """
        now, written = self._clock(), int(_row(connection, _WRITTEN)[0])
        if not self._written or self._written[-1][1] < written:
            self._written.append((now, written))
        standbys = connection.execute(_STANDBYS).fetchall()
        if any(not visible for _, visible, _ in standbys):
            message = (
                "this role may not see how far the standbys of the server are, so a backfill cannot wait for them."
            )
            raise Refused(
                f"{message} Grant it: GRANT pg_read_all_stats TO {_row(connection, 'SELECT user')[0]}", code="HO682"
            )
        positions = [(int(position or 0), name) for name, _, position in standbys]
        last = min(positions, default=(written, ""))
        while len(self._written) > 1 and self._written[0][1] <= last[0]:
            self._written.popleft()
        at, position = self._written[0]
        return (now - at if position > last[0] else 0.0), last[1]


class Throttle:
    """Looks for strain between batches.

    Parameters
    ----------
    replication_lag_s
        A backfill waits while a standby is further behind.
    latency
        A declared read with its limit; None: there is none.
    clock
        Seconds, never backwards.
    """

    def __init__(
        self,
        *,
        replication_lag_s: float,
        latency: LatencyProbe | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit_s, self._latency, self._clock = replication_lag_s, latency, clock
        self._lag = StandbyLag(clock)
        self._next_look = clock()
        self._strain: Strain | None = None

    def look(self, connection: Connection[Any], *, waiting: int = 0) -> Strain | None:
        """Return the strain, if there is any.

        Parameters
        ----------
        connection
            A session in autocommit, between two batches.
        waiting
            So many sessions waited for the rows of the last batch.

        Raises
        ------
        HandoverError
            Something cannot be measured, so that going on could hurt without notice.
        """
        if self._clock() >= self._next_look:
            self._strain = self._behind(connection) or self._slow(connection)
            # While reads are slow each batch is judged by a read of its own.
            slow = self._strain is not None and not self._strain.hold
            self._next_look = self._clock() + (0 if slow else LOOK_EVERY_S)
        if waiting and not (self._strain and self._strain.hold):
            return Strain(f"{counted(waiting, 'session')} waited for its rows", hold=False)
        return self._strain

    def _behind(self, connection: Connection[Any]) -> Strain | None:
        lag_s, name = self._lag.worst(connection)
        if lag_s <= self._limit_s:
            return None
        return Strain(f"standby {name} is {lag_s:.1f} s behind, the limit is {self._limit_s:g} s", hold=True)

    def _slow(self, connection: Connection[Any]) -> Strain | None:
        if self._latency is None:
            return None
        took_ms = read_ms(connection, self._latency)
        if took_ms <= self._latency.limit_ms:
            return None
        return Strain(
            f"the declared read took {took_ms:.0f} ms, the limit is {self._latency.limit_ms:g} ms", hold=False
        )


def require_measurable(connection: Connection[Any], settings: EvolveSettings) -> None:
    """Raise unless everything that makes a backfill slower can be measured, so that none begins which cannot go on.

    Parameters
    ----------
    connection
        As the owner of the tables.
    settings
        The section ``[evolve]``.

    Raises
    ------
    HandoverError
        This role may not see standbys, or the declared read fails.
    """
    Throttle(replication_lag_s=settings.replication_lag_s, latency=settings.latency).look(connection)


def read_ms(connection: Connection[Any], probe: LatencyProbe) -> float:
    """Return how long the declared read takes, in milliseconds; one that takes far too long is cut off.

    Raises
    ------
    HandoverError
        It fails.
    """
    began = time.monotonic()
    try:
        with connection.transaction():
            connection.execute("SET LOCAL transaction_read_only = on")
            connection.execute(declared(f"SET LOCAL statement_timeout = {max(1, int(PATIENCE * probe.limit_ms))}"))
            began = time.monotonic()
            connection.execute(declared(probe.sql)).fetchall()
            return 1000 * (time.monotonic() - began)
    except (errors.QueryCanceled, errors.LockNotAvailable):
        return 1000 * (time.monotonic() - began)
    except Error as error:
        if connection.broken:
            raise
        message = f"the read of [evolve.latency] fails: {error.diag.message_primary}."
        raise HandoverError(f"{message} Correct its sql, or remove the section.", code="HO683") from error


def _row(connection: Connection[Any], query: str) -> tuple[Any, ...]:
    return connection.execute(declared(query)).fetchone() or (0,)
