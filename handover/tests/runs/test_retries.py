"""Waiting for locks: what watches who blocks ends with the server, without a word of its own."""

import threading

from handover.runs.retries import watched


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
