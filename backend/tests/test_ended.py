"""A session that its server has ended is noticed before a request uses it; one that was just used is not asked."""

import psycopg
import pytest
from django.db import ProgrammingError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from config import ended

LOOKS = 6_000


@pytest.fixture
def asked(own_database, monkeypatch) -> list[bool]:
    """What each question to the server came to, by Django's own check."""
    answers: list[bool] = []
    kind = type(connection._connections[connection._alias])
    plain = kind.is_usable

    def is_usable(wrapper: BaseDatabaseWrapper) -> bool:
        answers.append(plain(wrapper))
        return answers[-1]

    monkeypatch.setattr(kind, "is_usable", is_usable)
    connection.ensure_connection()
    return answers


def end_by_the_server(database) -> None:
    """End the session as a server does that stops, and return when it is gone."""
    pid = connection.connection.info.backend_pid
    with psycopg.connect(database.url("owner"), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        for _ in range(LOOKS):
            if other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is None:
                return
            other.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("the session goes on")


def begin_request() -> None:
    """As Django does it: an unusable session is closed, and the next query opens another."""
    connection.health_check_enabled, connection.health_check_done = True, False
    connection.close_if_health_check_failed()


def test_session__that_was_just_used__is_not_asked(asked):
    begin_request()
    assert (asked, connection.is_usable()) == ([], True)


def test_session__that_the_server_ended__is_asked_and_replaced(asked, own_database):
    end_by_the_server(own_database)
    begin_request()
    assert asked == [False]
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_session__that_the_server_ended_and_whose_socket_is_not_looked_at__would_fail_a_request(
    asked, own_database, monkeypatch
):
    monkeypatch.setattr(ended, "_has_news", lambda _: False)
    end_by_the_server(own_database)
    begin_request()
    assert asked == []
    with pytest.raises(psycopg.OperationalError), connection.connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_session__that_was_not_used_for_a_while__is_asked(asked, monkeypatch):
    monkeypatch.setattr(ended, "ASKED_AFTER_S", -1.0)
    begin_request()
    assert asked == [True]


def test_session__that_was_closed_here__is_asked_and_replaced(asked):
    connection.connection.close()
    begin_request()
    assert asked == [False]


def test_session__in_a_transaction_that_failed__is_not_usable(asked):
    connection.set_autocommit(False)
    with pytest.raises(ProgrammingError), connection.cursor() as cursor:
        cursor.execute("SELECT nothing")
    assert not connection.is_usable()
    connection.rollback()
    assert connection.is_usable()
    assert asked == [False]
