"""Two sessions insert one new key in the same moment: ON CONFLICT does for both what it promises."""

import threading
import time
from uuid import UUID

import pytest
from psycopg import errors

OLD, NEW = "phase1,public", "phase2,public"
PAUSE = 4711
# ON CONFLICT looks for the key, then writes the row, then the indexes, the oldest first. A session that pauses before
# the key's index has seen that the key is free, and others have not seen its row.
TABLES = f"""
    CREATE FUNCTION pause(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
        IF current_setting('test.pauses', true) = 'yes' THEN
            PERFORM pg_advisory_lock_shared({PAUSE}), pg_advisory_unlock_shared({PAUSE});
        END IF;
        RETURN $1;
    END $$;
    CREATE TABLE t (id varchar(36) NOT NULL, n int NOT NULL);
    CREATE INDEX t_pause ON t (pause(n));
    ALTER TABLE t ADD PRIMARY KEY (id)
"""
TO_UUID = {"kind": "change_type", "table": "t", "column": "id", "type": "uuid", "up": "$1::uuid", "down": "$1::text"}
ADD = "INSERT INTO t VALUES (%s, 1) ON CONFLICT (id) DO UPDATE SET n = t.n + 1"
KEY = UUID(int=7)
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"


@pytest.fixture
def paused(one):
    """Both shapes, with a session that holds the pause."""
    one.execute(TABLES)
    one.run(one.plan(TO_UUID), "start")
    with one.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(%s)", [PAUSE])
        one.holder = holder
        yield one


def add(one, path, *, pauses, began, failed):
    with one.connect(path) as session:
        session.execute(f"SET test.pauses = '{pauses}'".encode())
        began.append(session.info.backend_pid)
        try:
            session.execute(ADD, [str(KEY) if path == OLD else KEY])
        except errors.Error as error:
            failed.append(str(error))


def started(one, path, *, pauses, failed):
    """Start a session that adds the key; return once it waits, or has done it."""
    began = []
    thread = threading.Thread(target=add, args=(one, path), kwargs={"pauses": pauses, "began": began, "failed": failed})
    thread.start()
    deadline = time.monotonic() + 60
    while thread.is_alive() and not (began and one.session.execute(WAITS, began).fetchone()[0]):
        assert time.monotonic() < deadline, "it neither waited nor ended"
    return thread


@pytest.mark.parametrize("second", [OLD, NEW])
@pytest.mark.parametrize("first", [OLD, NEW])
def test_on_conflict__key_is_free_for_both__the_second_finds_the_row_of_the_first(first, second, paused):
    failed = []
    one = started(paused, first, pauses="yes", failed=failed)
    other = started(paused, second, pauses="no", failed=failed)
    paused.holder.execute("SELECT pg_advisory_unlock(%s)", [PAUSE])
    one.join()
    other.join()
    assert failed == []
    assert paused.rows("t", path=OLD) == [(str(KEY), 2)]
