"""What an evolution is measured with sees what it must: a failed query, a long wait, a strong lock."""

import time
from collections.abc import Iterator

import psycopg
import pytest

from sandbox.postgres import Database
from tests.evolving import tables
from tests.evolving.clients import BACKEND, NEW_BACKEND, ORIGINAL, Clients
from tests.evolving.fill_watch import tenths_of
from tests.evolving.lock_watch import LockWatch

# A minute at most, however long the clients take on a busy machine.
UNTIL_WRITTEN = """
    DO $$ BEGIN
        FOR look IN 1..6000 LOOP
            EXIT WHEN (SELECT count(*) FROM choreography_tasks) > 510;
            PERFORM pg_sleep(0.01);
        END LOOP;
    END $$
"""
HOLD = "BEGIN; LOCK TABLE choreography_tasks IN {mode} MODE; SELECT pg_sleep({s}); COMMIT"


@pytest.fixture
def database(postgres) -> Iterator[Database]:
    name = f"evolving_{time.monotonic_ns()}"
    postgres.create_database(name)
    with postgres.connect() as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = 'backend_app'").rowcount:
            password = psycopg.conninfo.conninfo_to_dict(postgres.url("backend_app", name))["password"]
            connection.execute(f"CREATE ROLE backend_app LOGIN PASSWORD '{password}'".encode())
    database = Database(name, postgres)
    with psycopg.connect(database.url("owner"), autocommit=True) as connection:
        tables.build(connection, 500)
    yield database
    postgres.drop_database(name)


def act(database: Database, shape, statement: str, *, per_s: float = 200):
    """Let one client act while a statement runs; return its record."""
    clients = Clients()
    with (
        psycopg.connect(database.url("owner"), autocommit=True) as connection,
        clients.acting(shape, database.url(shape.role), per_s=per_s, sessions=1),
    ):
        connection.execute(statement.encode())
    return clients.records[0]


@pytest.mark.parametrize("shape", [ORIGINAL, BACKEND], ids=lambda shape: shape.name)
def test_clients__of_the_present_shape__write_and_fail_never(database, shape):
    record = act(database, shape, UNTIL_WRITTEN)
    assert record.failures == []
    assert record.statements > 10
    with psycopg.connect(database.url("owner")) as connection:
        assert connection.execute("SELECT count(*) FROM choreography_tasks").fetchone()[0] > 510


def test_clients__of_another_shape__fail_and_say_why(database):
    record = act(database, NEW_BACKEND, "SELECT pg_sleep(3)", per_s=20)
    assert any("varchar = uuid" in failure or "character varying = uuid" in failure for failure in record.failures)


def test_clients__table_is_locked__waited_as_long(database):
    assert act(database, ORIGINAL, HOLD.format(mode="ACCESS EXCLUSIVE", s=3), per_s=20).worst_ms >= 200


def test_lock_watch__strong_lock_of_the_tool__is_seen_and_weak_ones_and_others_are_not(database):
    watch = LockWatch(database.url("owner"), ["choreography_tasks"])
    with watch:
        for name, mode in (
            ("handover evolve", "SHARE ROW EXCLUSIVE"),
            ("handover evolve", "ROW EXCLUSIVE"),
            ("another", "ACCESS EXCLUSIVE"),
        ):
            with psycopg.connect(database.url("owner"), autocommit=True, application_name=name) as connection:
                connection.execute(HOLD.format(mode=mode, s=1).encode())
    assert [(lock.table, lock.mode) for lock in watch.seen] == [("choreography_tasks", "ShareRowExclusiveLock")]
    assert watch.seen[0].ms >= 80


def test_tenths__rate_halves_in_the_second_half__says_so():
    points = [(0.0, 0), (5.0, 5000), (15.0, 10_000)]
    assert tenths_of(points) == pytest.approx([1000] * 5 + [500] * 5)
