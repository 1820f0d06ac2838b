"""How fast a backfill is, seen from outside: the cursor that it keeps with each batch, read ten times a second."""

import threading
import time
from collections import defaultdict
from itertools import pairwise
from statistics import median
from typing import Any

import psycopg
from psycopg import Connection

EVERY_S = 0.1
CURSORS = """
    SELECT left(run::text, 8) || ' ' || step, (cursor ->> 'filled')::bigint, (cursor ->> 'turn')::int
    FROM handover.evolution_steps WHERE cursor ? 'filled'
"""
TENTHS = 10


class FillWatch:
    """Watches all backfills while the block runs."""

    def __init__(self, url: str) -> None:
        self._url, self._stop = url, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        # For each backfill: the moment and the rows that were filled then, in its first pass.
        self.seen: dict[str, list[tuple[float, int]]] = defaultdict(list)

    def __enter__(self) -> "FillWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        with psycopg.connect(self._url, autocommit=True, application_name="bench: fill watch") as connection:
            while not self._stop.wait(EVERY_S):
                self._look(connection)

    def _look(self, connection: Connection[Any]) -> None:
        now = time.monotonic()
        for name, filled, turn in connection.execute(CURSORS):
            points = self.seen[name]
            if turn == 1 and (not points or points[-1][1] < filled):
                points.append((now, filled))

    def figures(self) -> dict[str, Any]:
        """Return the rows a second of all backfills together, and of their first and last tenths: the medians.

        A tenth is a few seconds long and shares two cores with a checkpoint or an autovacuum, so one backfill says
        little; the worst of them and every tenth are given beside the medians.
        """
        names = [name for name, points in self.seen.items() if len(points) > 1]
        backfills = [self.seen[name] for name in names]
        rows = sum(points[-1][1] - points[0][1] for points in backfills)
        seconds = sum(points[-1][0] - points[0][0] for points in backfills)
        tenths = [tenths_of(points) for points in backfills]
        ratios = [one[-1] / one[0] for one in tenths] or [0.0]
        return {
            "backfill_rows_per_s": round(rows / seconds) if seconds else 0,
            "backfill_rows_per_s_first_decile": round(median(one[0] for one in tenths)) if tenths else 0,
            "backfill_rows_per_s_last_decile": round(median(one[-1] for one in tenths)) if tenths else 0,
            "backfill_last_to_first": round(median(ratios), 2),
            "backfill_last_to_first_worst": round(min(ratios), 2),
            "backfill_tenths": {name: [round(rate) for rate in one] for name, one in zip(names, tenths, strict=True)},
        }


def tenths_of(points: list[tuple[float, int]]) -> list[float]:
    """Return the rows a second of each tenth of the rows; between two looks the rate is even."""
    first, last = points[0][1], points[-1][1]
    moments = [_moment(points, first + (last - first) * tenth / TENTHS) for tenth in range(TENTHS + 1)]
    return [(last - first) / TENTHS / max(end - begin, 1e-9) for begin, end in pairwise(moments)]


def _moment(points: list[tuple[float, int]], filled: float) -> float:
    """Return when so many rows were filled."""
    for (began, before), (ended, after) in pairwise(points):
        if filled <= after:
            return began + (ended - began) * (filled - before) / (after - before)
    return points[-1][0]
