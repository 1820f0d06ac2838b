"""A backfill while rows come in at a declared rate: it visits those that were there when it began, so it ends."""

import multiprocessing
import time
from multiprocessing.synchronize import Event
from typing import Any

import psycopg

from tests.evolving.night import START, EvolveNight, walking

AT_ONCE = 50
ROWS = """
    WITH made AS (
        INSERT INTO choreography_tasks (task_id, status, progress, stage, message, created_at, updated_at, user_id)
        SELECT gen_random_uuid()::text, 'started', 0, 'initializing', '', now(), now(), 1 + n
        FROM generate_series(1, %s) n
        RETURNING 1)
    SELECT count(*) FROM made
"""
EVIDENCE = """
    SELECT body -> 'evidence' ->> 'rows', (body ->> 'seconds')::float FROM handover.journal
     WHERE kind = 'action' AND body ->> 'phase' = 'done' AND body ->> 'action' LIKE '%%choreography_tasks: backfill'
"""


def _insert(url: str, per_s: int, stop: Event, began: Any, done: Any) -> None:
    due = began.value = time.monotonic()
    while not stop.is_set():
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                while not stop.is_set():
                    connection.execute(ROWS, [AT_ONCE])
                    done.value += AT_ONCE
                    due += AT_ONCE / per_s
                    if (left := due - time.monotonic()) > 0:
                        stop.wait(left)
        except psycopg.errors.AdminShutdown:  # the evolution recycles sessions from before
            continue


def backfill_under_inserts(night: EvolveNight, per_s: int) -> dict[str, object]:
    """Start an evolution while so many rows a second are inserted; return what came in, and how long it took."""
    context = multiprocessing.get_context("fork")
    stop, began, done = context.Event(), context.Value("d", 0.0), context.Value("l", 0)
    with walking(night, 0) as walk:
        walk.stop()
        url = walk.database.url("original_app")
        process = context.Process(target=_insert, args=(url, per_s, stop, began, done), daemon=True)
        process.start()
        try:
            night.process(walk.folder, walk.database, *START).succeed()
            seconds, inserted = time.monotonic() - began.value, done.value
        finally:
            stop.set()
            process.join()
        with psycopg.connect(walk.database.url("owner")) as connection:
            filled, took_s = connection.execute(EVIDENCE).fetchone() or (0, 0.0)
    return {
        "inserts_per_s": round(inserted / seconds),
        "inserted": inserted,
        "start_under_inserts_s": round(seconds, 1),
        "backfill_under_inserts_s": took_s,
        "backfilled": int(filled),
    }
