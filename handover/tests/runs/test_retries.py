"""Waiting for locks: a deadlock is tried again, and what watches who blocks ends with the server, without a word."""

import tempfile
import threading
from pathlib import Path

import pytest

from handover.runs.retries import LockedOutError, LockPatience, holders, watched
from sandbox.fixtures import FAST, roomy_place
from sandbox.postgres import Server

DEADLOCK = "DO $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$"


def test_patience__deadlock_with_a_client__is_tried_again_as_any_lock_that_was_not_got(postgres):
    said, tried = [], []
    patience = LockPatience(timeout_ms=20, attempts=3, pause_s=0.001, longest_pause_s=0.001)
    with postgres.connect() as connection:

        def attempt(_: list[str]) -> None:
            tried.append(1)
            if len(tried) < 3:
                connection.execute(DEADLOCK)

        patience.retry(attempt, say=said.append)
        assert (len(tried), len(said)) == (3, 2)
        with pytest.raises(LockedOutError, match="no lock within 20 ms in 3 attempts; nothing was changed"):
            patience.retry(lambda _: connection.execute(DEADLOCK), say=said.append)


def test_watched__the_server_ends_the_observer__the_thread_ends_without_a_traceback(postgres, monkeypatch):
    raised = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    with postgres.connect() as administrator, postgres.connect() as observer:
        with watched(observer, administrator.info.backend_pid, [], every_s=0.001):
            (thread,) = (one for one in threading.enumerate() if one.name == "who-blocks")
            administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [observer.info.backend_pid])
            thread.join(10)
        assert not thread.is_alive()
    assert raised == []


@pytest.fixture
def preparing():
    """A server that knows prepared transactions."""
    with tempfile.TemporaryDirectory(prefix="sandbox-", dir=roomy_place()) as place:
        Path(place).chmod(0o711)
        with Server(Path(place) / "postgres", settings={**FAST, "max_prepared_transactions": "2"}) as server:
            yield server


@pytest.mark.full
def test_watched__a_prepared_transaction_blocks__is_told_once(preparing):
    told, seen = [], threading.Event()

    def say(line):
        told.append(line)
        seen.set()

    with preparing.connect() as holder, preparing.connect() as waiter, preparing.connect() as observer:
        holder.execute("CREATE TABLE t (id int)")
        holder.execute("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'held'")
        assert holders(observer, "t", from_reading=False) == ["a prepared transaction (see pg_prepared_xacts)"]
        build = threading.Thread(target=waiter.execute, args=("CREATE INDEX CONCURRENTLY i ON t (id)",))
        with watched(observer, waiter.info.backend_pid, [], 0.01, say):
            build.start()
            assert seen.wait(60)
            holder.execute("COMMIT PREPARED 'held'")
            build.join()
    assert told == ["it waits for a prepared transaction (see pg_prepared_xacts)"]
