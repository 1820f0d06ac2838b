"""Backfill: every row that was there is filled, by short batches that hold up no user."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from handover.errors import HandoverError, Refused
from handover.evolve.backfill import backfill
from handover.evolve.batch import UnfilledTable
from handover.evolve.row_key import read_row_key
from handover_testing.paired import STATUS, STEP_TASK, TASK_ID, PairedTables
from handover_testing.streaming import StreamingStandby
from sandbox.postgres import Database

ROWS_UNDER_LOAD = 200_000 if "COMPAS_FULL" in os.environ else 5_000
UNFILLED = "SELECT count(*) FROM tasks WHERE id_v2 IS NULL OR status_v2 IS NULL AND status IS NOT NULL"
WRONG = "SELECT count(*) FROM tasks WHERE id_v2::text <> id OR status_v2 <> replace(status, 'started', 'pending')"
WAITS = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pid = {pid})"
# pg_locks has the locks of all databases.
WAITS_AT_THE_THIRD = """
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class StopHereError(Exception):
    """Ends a backfill at a point that the test chose."""


@pytest.fixture
def it(postgres, tmp_path, monkeypatch) -> Iterator[PairedTables]:
    name = f"paired_{os.getpid()}_{time.monotonic_ns()}"
    postgres.create_database(name)
    database = Database(name, postgres)
    monkeypatch.setenv("HANDOVER_DATABASE_URL", database.url("owner"))
    yield PairedTables(tmp_path, database)
    postgres.drop_database(name)


def fill_tasks(it: PairedTables, evolve: str = ""):
    return backfill(it.context("fill tasks", evolve), it.arguments(TASK_ID, STATUS))


def test_backfill__rows_from_before__fills_them_and_leaves_null_alone(it):
    it.build(2500)
    evidence = fill_tasks(it)
    assert evidence["rows"] == 2500
    assert it.execute(UNFILLED) == it.execute(WRONG) == [(0,)]
    assert it.execute("SELECT count(*) FROM tasks WHERE status IS NULL AND status_v2 IS NULL") == [(833,)]
    assert it.said[-1] == "public.tasks: 2,500 rows are filled; none is left"


def test_backfill__empty_table__is_done(it):
    it.build(0)
    assert fill_tasks(it)["rows"] == 0


def test_backfill__every_row_is_filled_already__changes_none(it):
    it.build(300)
    fill_tasks(it)
    before = it.execute("SELECT id, xmin::text FROM tasks ORDER BY id")
    backfill(it.context("once more"), it.arguments(TASK_ID, STATUS))
    assert it.execute("SELECT id, xmin::text FROM tasks ORDER BY id") == before


@pytest.mark.parametrize("in_order", [False, True], ids=["", "layers"])
@pytest.mark.parametrize("point", ["before a batch commits", "after a batch"])
@pytest.mark.thinned(to_one_in=4)
def test_backfill__stopped_between_any_two_batches__goes_on_exactly(it, point, in_order, monkeypatch):
    monkeypatch.setattr(UnfilledTable, "in_order", lambda *_: in_order)
    it.build(1000)
    versions, stops = {}, 0

    def stop(name: str) -> None:
        if name == point:
            raise StopHereError

    it.at_point = stop
    for _ in range(3):
        with pytest.raises(StopHereError):
            fill_tasks(it)
        done = dict(it.execute("SELECT id, xmin::text FROM tasks WHERE id_v2 IS NOT NULL"))
        assert versions.items() <= done.items(), "a row was filled twice"
        stops += len(done) > len(versions)
        versions = done
    assert stops == (3 if point == "after a batch" else 0)
    it.at_point = lambda _: None
    assert fill_tasks(it)["rows"] == 1000
    assert it.execute(UNFILLED) == it.execute(WRONG) == [(0,)]


def test_backfill__killed_in_the_middle_of_a_batch__goes_on_exactly(it):
    it.build(1000)
    points = iter(range(100))

    def wait_at_the_third(name: str) -> None:
        if name == "before a batch commits" and next(points) == 2:
            it.execute("SELECT pg_advisory_lock(7)")

    it.at_point = wait_at_the_third
    with it.connect() as held:
        held.execute("SELECT pg_advisory_lock(7)")
        child = multiprocessing.get_context("fork").Process(target=fill_tasks, args=(it,))
        child.start()
        while not held.execute(WAITS_AT_THE_THIRD).rowcount:
            assert child.is_alive()
        os.kill(child.pid, signal.SIGKILL)
        child.join()
    (filled,) = it.execute("SELECT count(*) FROM tasks WHERE id_v2 IS NOT NULL")[0]
    assert 0 < filled < 1000
    it.at_point = lambda _: None
    assert fill_tasks(it)["rows"] == 1000
    assert it.execute(UNFILLED) == it.execute(WRONG) == [(0,)]


def test_backfill__its_session_is_ended_in_a_batch__goes_on_exactly(it):
    it.build(1000)
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'handover evolve'"
    batches = []

    def end_the_third(name: str) -> None:
        if name == "before a batch commits":
            batches.append(1)
            if len(batches) == 3:
                assert it.execute(f"{end} AND datname = current_database()") == [(True,)]

    it.at_point = end_the_third
    with pytest.raises(psycopg.OperationalError):
        fill_tasks(it)
    (filled,) = it.execute("SELECT count(*) FROM tasks WHERE id_v2 IS NOT NULL")[0]
    assert 0 < filled < 1000
    assert fill_tasks(it)["rows"] == 1000
    assert it.execute(UNFILLED) == it.execute(WRONG) == [(0,)]


def insert_tasks(url: str, per_s: int) -> None:
    """Insert tasks at a rate, twenty a time, until this process is ended."""
    insert = "INSERT INTO tasks SELECT gen_random_uuid()::text, 'started' FROM generate_series(1, 20)"
    with psycopg.connect(url, autocommit=True) as connection:
        due = time.monotonic()
        while True:
            due += 20 / per_s
            connection.execute(insert)
            time.sleep(max(0, due - time.monotonic()))


def test_backfill__2000_inserts_a_second_all_the_time__ends(it):
    it.build(ROWS_UNDER_LOAD)
    users = multiprocessing.get_context("fork").Process(target=insert_tasks, args=(it.database.url("owner"), 2000))
    users.start()
    try:
        assert fill_tasks(it)["rows"] >= ROWS_UNDER_LOAD
        assert users.is_alive()
    finally:
        users.kill()
        users.join()
    assert it.execute(UNFILLED) == it.execute(WRONG) == [(0,)]


def test_backfill__users_insert_faster_than_it_goes__ends(it, monkeypatch):
    monkeypatch.setattr("handover.evolve.pace.WIDEST_RANGE", 1000)
    it.build(300)
    batches = []

    def insert_more_than_a_range() -> None:
        batches.append(1)
        assert len(batches) < 20, "the backfill goes after rows that came later"
        it.execute("INSERT INTO steps (task) SELECT id FROM tasks, generate_series(1, 10)")

    it.go_on = insert_more_than_a_range
    assert backfill(it.context("fill steps"), it.arguments(STEP_TASK))["rows"] == 300
    assert it.execute("SELECT count(*) FROM steps WHERE task_v2::text IS DISTINCT FROM task") == [(0,)]


def test_backfill__a_user_holds_the_last_row_and_wants_the_first__both_go_on(it):
    it.build(50)
    ((first, last),) = it.execute("SELECT min(id), max(id) FROM tasks")
    user = it.connect()
    touch = "UPDATE tasks SET progress = progress + 1 WHERE id = %s"

    def want_the_first() -> None:
        user.execute(touch, [first])
        user.execute("COMMIT")

    waiter = threading.Thread(target=want_the_first)

    def begin_to_wait(name: str) -> None:
        if name == "before a batch commits" and waiter.ident is None:
            waiter.start()
            while not it.execute(WAITS.format(pid=user.info.backend_pid))[0][0]:
                assert waiter.is_alive()

    it.at_point = begin_to_wait
    user.execute("BEGIN")
    user.execute("SELECT FROM tasks WHERE id = %s FOR UPDATE", [last])
    assert fill_tasks(it)["rows"] == 50
    waiter.join()
    user.close()
    assert it.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]
    assert it.execute("SELECT sum(progress) FROM tasks") == [(1,)]
    assert it.execute(UNFILLED) == [(0,)]


def test_fill__rows_that_others_hold__are_left_out_at_once(it):
    it.build(10)
    with it.connect() as connection, it.connect() as user:
        table = UnfilledTable(read_row_key(connection, "public.tasks"), [TASK_ID, STATUS], switched=False)
        upper = table.key.last(connection)
        with user.transaction(), connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '1ms'")
            user.execute("SELECT FROM tasks ORDER BY id LIMIT 3 FOR UPDATE")
            assert table.fill(connection, None, upper, rows=100).filled == 7
        assert table.any_due(connection, None, upper)


def test_fill__a_user_waits_for_its_rows__counts_the_session(it):
    it.build(20)
    with it.connect() as connection, it.connect() as user:
        table = UnfilledTable(read_row_key(connection, "public.tasks"), [TASK_ID, STATUS], switched=False)
        upper = table.key.last(connection)
        with connection.transaction():
            table.fill(connection, None, upper, rows=20)
            assert table.waiting(connection).fetchone() == (0,)
            waiter = threading.Thread(target=user.execute, args=("UPDATE tasks SET progress = 1",))
            waiter.start()
            while not connection.execute(WAITS.format(pid=user.info.backend_pid)).fetchone()[0]:
                assert waiter.is_alive()
            assert table.waiting(connection).fetchone() == (1,)
        waiter.join()


def test_backfill__the_table_is_locked_meanwhile__waits_tells_who_and_goes_on(it, monkeypatch):
    monkeypatch.setattr("handover.evolve.fill_progress.TELL_EVERY_S", 0)
    monkeypatch.setattr("handover.evolve.backfill.LOOK_EVERY_S", 0.01)
    it.build(300)
    other = it.connect()
    other.execute("SET application_name = 'nightly job'")
    other.execute("BEGIN")
    other.execute("LOCK TABLE tasks IN SHARE MODE")

    def let_go(*_: object) -> None:
        if any("nightly job" in line for line in it.said):
            other.close()

    it.go_on = let_go
    assert fill_tasks(it)["rows"] == 300
    assert any("waits, since other sessions lock the table: session " in line for line in it.said)


def test_backfill__a_user_never_lets_go__gives_up_and_names_the_session(it, monkeypatch):
    monkeypatch.setattr("handover.evolve.backfill.PATIENCE_S", 0.05)
    monkeypatch.setattr("handover.evolve.backfill.LOOK_EVERY_S", 0.02)
    it.build(20)
    with it.connect() as user, user.transaction():
        user.execute("SET LOCAL application_name = 'forgotten shell'")
        user.execute("SELECT FROM tasks LIMIT 1 FOR UPDATE")
        with pytest.raises(HandoverError, match=r"HO681  other sessions hold the last rows .*forgotten shell"):
            fill_tasks(it)
    assert fill_tasks(it)["rows"] == 20


def test_backfill__the_lease_is_lost__stops_between_batches(it):
    it.build(1000)
    batches = []

    def lose_it_later() -> None:
        batches.append(1)
        if len(batches) == 3:
            raise Refused("the lease ran out", code="HO503")

    it.go_on = lose_it_later
    with pytest.raises(Refused, match="lease ran out"):
        fill_tasks(it)
    (filled,) = it.execute("SELECT count(*) FROM tasks WHERE id_v2 IS NOT NULL")[0]
    assert 0 < filled < 1000


def test_backfill__a_policy_hides_rows__fails_and_does_not_say_done(it):
    it.build(10)
    it.execute("ALTER TABLE tasks ENABLE ROW LEVEL SECURITY", "ALTER TABLE tasks FORCE ROW LEVEL SECURITY")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        fill_tasks(it)


KEYS = {
    "two columns": "CREATE TABLE tasks (song text, id varchar(36), status varchar(20), PRIMARY KEY (song, id));"
    "INSERT INTO tasks SELECT (n % 7)::text, md5(n::text)::uuid::text, 'started' FROM generate_series(1, 500) n;",
    "unique": "CREATE TABLE tasks (id varchar(36) NOT NULL UNIQUE, status varchar(20));"
    "INSERT INTO tasks SELECT md5(n::text)::uuid::text, 'started' FROM generate_series(1, 500) n;",
    "time": "CREATE TABLE tasks (at timestamptz PRIMARY KEY, id varchar(36), status varchar(20));"
    "INSERT INTO tasks SELECT now() + n * interval '1 us', md5(n::text)::uuid::text, 'x'"
    " FROM generate_series(1, 500) n;",
    "char": "CREATE TABLE tasks (code char(5) PRIMARY KEY, id varchar(36), status varchar(20));"
    "INSERT INTO tasks SELECT n::text, md5(n::text)::uuid::text, 'x' FROM generate_series(1, 500) n;",
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.thinned(to_one_in=4)
def test_backfill__keys_of_other_kinds__fills_every_row(it, kind):
    shadows = "ALTER TABLE tasks ADD id_v2 uuid, ADD status_v2 varchar(20)"
    it.build(0, tables=f"{KEYS[kind]} CREATE TABLE steps (task varchar(36), task_v2 uuid)", shadows=shadows)
    assert fill_tasks(it)["rows"] == 500
    assert it.execute(UNFILLED) == [(0,)]


def test_backfill__table_without_a_key__is_refused(it):
    it.build(3)
    it.execute("ALTER TABLE steps DROP CONSTRAINT steps_pkey", "CREATE UNIQUE INDEX ON steps (number) WHERE number > 0")
    with pytest.raises(Refused, match=r"HO680  public\.steps has no primary key"):
        backfill(it.context("fill steps"), it.arguments(STEP_TASK))


def test_backfill__rows_move_above_the_upper_bound__are_filled_by_the_trigger(it):
    it.build(300)
    it.go_on = lambda: it.execute("UPDATE steps SET number = number + 1000000 WHERE number % 2 = 0 AND number < 1000")
    backfill(it.context("fill steps"), it.arguments(STEP_TASK))
    assert it.execute("SELECT count(*) FROM steps WHERE task_v2 IS NULL") == [(0,)]


WIDE = """
    CREATE TABLE tasks (number bigint PRIMARY KEY, id varchar(36), status varchar(20), words text);
    INSERT INTO tasks SELECT n, md5(n::text)::uuid::text, 'started', repeat('x', 100) FROM generate_series(1, 5000) n;
    CREATE TABLE steps (task varchar(36), task_v2 uuid);
    ANALYZE tasks;
"""
OLDER_ENDED = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= %s::xid8"


def growth_of_wide_tasks(it) -> float:
    it.build(0, tables=WIDE, shadows="ALTER TABLE tasks ADD id_v2 uuid, ADD status_v2 varchar(20)")
    it.execute("ALTER TABLE tasks SET (autovacuum_enabled = off)")
    before = it.execute("SELECT pg_relation_size('tasks')")[0][0]
    assert fill_tasks(it)["rows"] == 5_000
    assert it.execute(UNFILLED) == it.execute(WRONG) == [(0,)]
    return it.execute("SELECT pg_relation_size('tasks')")[0][0] / before


def test_backfill__rows_lie_in_the_order_of_their_key__the_table_grows_by_a_part(it, postgres):
    """What a batch replaced makes room once no older transaction writes on the server, in whichever database."""
    with postgres.connect() as session:

        def let_older_transactions_end() -> None:
            begun = session.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())").fetchone()[0]
            while not session.execute(OLDER_ENDED, [begun]).fetchone()[0]:
                session.execute("SELECT pg_sleep(0.01)")

        it.go_on = let_older_transactions_end
        assert growth_of_wide_tasks(it) < 1.7


def test_backfill__a_transaction_elsewhere_goes_on__the_table_grows_by_its_size(it, postgres):
    with postgres.connect() as session, session.transaction():
        session.execute("SELECT pg_current_xact_id()")
        assert growth_of_wide_tasks(it) > 1.95


def test_backfill__done__postgresql_knows_the_new_columns(it):
    it.build(300)
    fill_tasks(it)
    known = "SELECT attname FROM pg_stats WHERE tablename = 'tasks' AND attname LIKE '%_v2' ORDER BY 1"
    assert it.execute(known) == [("id_v2",), ("status_v2",)]


def test_progress__of_a_large_table__tells_rows_rate_and_time_left(it, monkeypatch):
    monkeypatch.setattr("handover.evolve.fill_progress.TELL_EVERY_S", 0.001)
    it.build(3000)
    it.execute("ANALYZE tasks")
    fill_tasks(it)
    assert any(" of about 3,000 rows, " in line and " rows/s, about " in line and " s left" in line for line in it.said)


def test_backfill__standby_stands_still__fills_nothing_until_it_came_after(it, postgres, monkeypatch):
    for module in ("throttle", "backfill"):
        monkeypatch.setattr(f"handover.evolve.{module}.LOOK_EVERY_S", 0)
    monkeypatch.setattr("handover.evolve.fill_progress.TELL_EVERY_S", 0)
    it.build(1000)
    filled = []
    with StreamingStandby(postgres) as standby, postgres.connect() as session:
        session.execute("SET synchronous_commit = on")

        def come_after_five_looks() -> None:
            if any("slower: standby standby_1 is " in line for line in it.said):
                filled.append(it.execute("SELECT count(*) FROM tasks WHERE id_v2 IS NOT NULL")[0][0])
            else:
                session.execute("SELECT pg_logical_emit_message(true, 'test', 'the standby does not come after')")
            if len(filled) >= 5:
                standby.reached(session.execute("SELECT (pg_current_wal_lsn() - '0/0')::bigint").fetchone()[0])

        it.go_on = come_after_five_looks
        assert fill_tasks(it, "replication_lag_s = 0.000001")["rows"] == 1000
    assert len(set(filled[:5])) == 1
    assert filled[0] < 1000


def test_backfill__declared_read_is_slow__goes_on_more_slowly_and_says_why(it, monkeypatch):
    monkeypatch.setattr("handover.evolve.fill_progress.TELL_EVERY_S", 0.001)
    monkeypatch.setattr("handover.evolve.pace.LONGEST_REST_S", 0.001)
    it.build(300)
    slow = '[evolve.latency]\nsql = "SELECT pg_sleep(0.02)"\nlimit_ms = 5'
    assert fill_tasks(it, slow)["rows"] == 300
    assert any("; slower: the declared read took " in line for line in it.said)
