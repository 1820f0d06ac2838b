"""Waiting for locks: a deadlock is tried again, and what watches who blocks ends with the server, without a word."""

import threading

import pytest

from handover.runs.retries import LockedOutError, LockPatience, watched

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
