"""An eye on the table locks of one application: for how long each strong one was held, or waited for."""

import multiprocessing
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event

import psycopg

EVERY_S = 0.002
# Weaker ones hold up no reader and no writer.
STRONG = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
HELD = """
    SELECT l.pid, l.mode, c.relname FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
    JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE a.datname = current_database() AND a.application_name LIKE 'handover evolve%%'
      AND l.locktype = 'relation' AND l.mode = ANY (%s)
      AND c.relname = ANY (%s)
"""


@dataclass(frozen=True)
class SeenLock:
    """A strong lock: who would have waited behind it, and for how long at most."""

    table: str
    mode: str
    ms: float


def _watch(url: str, tables: list[str], stop: Event, pipe: Pipe) -> None:
    began: dict[tuple[int, str, str], float] = {}
    seen: list[SeenLock] = []
    with psycopg.connect(url, autocommit=True, application_name="bench: lock watch") as connection:
        pipe.send("ready")
        last = time.monotonic()
        while not stop.is_set():
            now = time.monotonic()
            held = {tuple(row) for row in connection.execute(HELD, [list(STRONG), tables])}
            between = (last + now) / 2  # a lock came or went between two looks
            for lock in held - began.keys():
                began[lock] = between
            gone = began.keys() - held
            seen += [
                SeenLock(table, mode, 1000 * (between - began.pop((pid, mode, table)))) for pid, mode, table in gone
            ]
            last = now
            stop.wait(EVERY_S)
    pipe.send(seen)


class LockWatch:
    """Watches from another process while the block runs; ``seen`` is there afterwards."""

    def __init__(self, url: str, tables: list[str]) -> None:
        context = multiprocessing.get_context("fork")
        self._stop = context.Event()
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_watch, args=(url, tables, self._stop, theirs), daemon=True)
        self.seen: list[SeenLock] = []

    def __enter__(self) -> "LockWatch":
        self._process.start()
        assert self._pipe.recv() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.seen = self._pipe.recv()
        self._process.join()
