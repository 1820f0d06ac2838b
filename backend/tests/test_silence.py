"""A database that keeps its connections and says nothing: its processes are stopped; the kernel acknowledges all."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection, connections
from django.test import Client

from apps.jobs import leases
from config import ended, silence
from tests.conftest import make_user
from tests.generating import assert_completed_once, place_song, start
from tests.workers import workers_on

# Long enough for every answer of a database that is not silent, also on a busy machine.
SILENCE_S = 3
SILENT = rf"has not answered for {SILENCE_S} s \(DATABASE_SILENCE_S\); the connection was closed"
OWN = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%%' || %s"


@contextmanager
def stopped(own_database, name: str) -> Iterator[None]:
    """Stop the server's processes of all sessions of this name."""
    with psycopg.connect(own_database.url("postgres"), autocommit=True) as session:
        pids = [pid for (pid,) in session.execute(OWN, [name]).fetchall()]
    assert pids
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def silent(own_database) -> Iterator[Callable[[], object]]:
    """What makes the database silent for this thread's session, which waits a moment for it."""
    connection.close()
    before = dict(connections.settings["default"])
    silence.end_sessions_after(SILENCE_S)
    with connection.cursor() as cursor:
        cursor.execute("SET application_name = 'to be stopped'")
    yield lambda: stopped(own_database, "to be stopped")
    connection.close()
    connections.settings["default"].clear()
    connections.settings["default"].update(before)


def ask() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchone()[0]


def test_silent_database__statement__fails_and_the_next_session_works(silent):
    with silent(), pytest.raises(OperationalError, match=SILENT):
        ask()
    connection.close_if_unusable_or_obsolete()
    assert ask() == 1


def test_silent_database__commit__fails(silent):
    connection.set_autocommit(False)
    ask()
    with silent(), pytest.raises(OperationalError, match=SILENT):
        connection.commit()


def test_silent_database__idle_session__is_found_unusable(silent, monkeypatch):
    monkeypatch.setattr(ended, "ASKED_AFTER_S", -1.0)  # idle for longer
    with silent():
        assert not connection.is_usable()


def test_silent_database__slow_answer_within_the_time__is_waited_for(silent):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.5)")
    assert ask() == 1


def test_silent_database__request__is_503(silent):
    client = Client(raise_request_exception=False)
    client.force_login(make_user("ana"))
    with silent():
        answer = client.get("/api/songs")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_machine_that_is_gone__is_looked_for_by_both_sides(db):
    with connection.cursor() as cursor:
        shown = {
            name: cursor.execute(f"SHOW {name}").fetchone()[0]
            for name in ("tcp_keepalives_idle", "tcp_user_timeout", "client_connection_check_interval")
        }
    assert shown == {
        "tcp_keepalives_idle": "10",
        "tcp_user_timeout": "25000",
        "client_connection_check_interval": "10s",
    }
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as own:
        assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
        assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 25_000


@pytest.mark.full
def test_silent_database__worker__opens_other_sessions_and_goes_on(
    own_database, tmp_path, settings, moves_library, demo_song
):
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    user = make_user("ana")
    with workers_on(own_database, tmp_path, JOB_SWEEP_S=0.2, DATABASE_SILENCE_S=SILENCE_S) as workers:
        workers.supervised = True  # procrastinate ends a worker when its own session ends at a bad moment
        name = workers.start()
        first = start(user)
        workers.until(lambda: not leases.live().exists(), "the first is completed")
        with stopped(own_database, name):
            second = start(user, seed=1)
            workers.until(lambda: not leases.live().exists(), "the second is completed")
    assert_completed_once(user, [first.pk, second.pk])
