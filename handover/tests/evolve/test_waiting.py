"""Steps that wait: no user's statement ends in a deadlock for them, and who hinders them is told while they wait."""

import threading
import time
from dataclasses import replace

import psycopg
import pytest

from handover.evolve.lock_wait import deadlock_timeout_ms, longest_wait_ms
from handover.evolve.statement import EvolveStep
from handover_testing.handmade_plan import TABLE, index_plan, strong

START = "evolve start"
BIG = {"kind": "change_type", "table": "t", "column": "id", "type": "bigint", "up": "$1", "down": "$1"}
# pg_locks has the locks of all databases.
HELD = """
    SELECT count(*) FROM pg_locks WHERE relation = %s::regclass AND mode = 'AccessExclusiveLock' AND granted = %s
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def wait_for(condition):
    """Ask until a condition holds; a test that never gets there is ended by its own time limit."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"


def failure(session, statement):
    """Run a statement; return the words of the database when it ends it."""
    try:
        session.execute(statement)
    except psycopg.errors.DeadlockDetected as error:
        return str(error)
    return ""


def settle(operator, **settings):
    """Change settings of ``[evolve]``."""
    file = operator.pair.folder / "handover.toml"
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    file.write_text(file.read_text().replace("attempts = 3\n", lines))


@pytest.fixture
def two_tables(operator):
    """A plan whose one step locks two tables, one after the other."""
    operator.sql(f"CREATE TABLE other (id int); GRANT ALL ON other TO {operator.role}")
    statements = (
        strong("ALTER TABLE public.jobs ADD COLUMN x int"),
        replace(strong("ALTER TABLE public.other ADD COLUMN x int"), table="public.other"),
    )
    statements = tuple(replace(one, wait_ms=60_000) for one in statements)
    steps = (EvolveStep(name="both", statements=statements),)
    return replace(index_plan(), start=steps, tables=(TABLE, "public.other"))


def test_step__waits_longer_than_the_server_looks_for_deadlocks__gives_up_before_a_user_loses_a_statement(
    operator, two_tables
):
    settle(operator, lock_timeout_ms=60_000, attempts=1000)
    operator.pair.superuser(f"ALTER ROLE {operator.role} SET deadlock_timeout = '400ms'")
    step = threading.Thread(target=operator.run, args=(START, two_tables))
    with operator.connect() as observer, operator.connect("client") as user:
        with user.transaction():
            user.execute("INSERT INTO other VALUES (1)")
            step.start()
            # The step has the first table and waits for the second, which the user holds. The user wants the first.
            wait_for(lambda: observer.execute(HELD, ["other", False]).fetchone()[0])
            lost = failure(user, "SELECT count(*) FROM jobs")
        step.join()
    assert lost == ""
    assert operator.state() == "expanded"


def test_longest_wait__of_the_servers_own_setting_and_of_every_role__is_half_of_the_shortest(operator):
    settings = operator.config.evolve
    long = settings.model_copy(update={"lock_timeout_ms": 5000})
    with operator.connect() as session:
        assert (longest_wait_ms(session, settings), longest_wait_ms(session, long)) == (15, 500)
        for setting, half in (("2s", 500), ("0.2s", 100), ("300", 150), ("250000us", 125)):
            operator.pair.superuser(f"ALTER ROLE {operator.role} SET deadlock_timeout = '{setting}'")
            assert longest_wait_ms(session, long) == half
        # The administrator's own setting says nothing about the sessions of users.
        operator.pair.superuser(f"ALTER ROLE {operator.role} RESET deadlock_timeout")
    with operator.connect(options="-c application_name=x") as session:
        operator.pair.superuser("ALTER ROLE owner SET deadlock_timeout = '1min'")
        try:
            with operator.connect() as later:
                assert later.execute("SHOW deadlock_timeout").fetchone() == ("1min",)
                assert deadlock_timeout_ms(later) == 1000
        finally:
            operator.pair.superuser("ALTER ROLE owner RESET deadlock_timeout")


def test_plan__waits_longer_than_the_server_looks_for_deadlocks__shows_what_holds_and_why(one):
    one.execute("CREATE TABLE t (id int PRIMARY KEY)")
    one.evolve = "lock_timeout_ms = 3000\n"
    plan = one.plan(BIG)
    waits = {statement.wait_ms for step in plan.start for statement in step.statements}
    assert waits == {None, 500}
    expected = "a strong lock is waited for 500 ms at most, not lock_timeout_ms = 3000: PostgreSQL looks for deadlocks"
    assert plan.notes[0].startswith(f"{expected} after 1000 ms (deadlock_timeout)")


def test_index__an_older_transaction_is_open__is_named_while_it_waits_and_in_status(operator):
    step = threading.Thread(target=operator.run, args=(START, index_plan()))
    expected = "(owner, a long report, idle in transaction, in a transaction for 00:00:"
    with operator.connect(application_name="a long report") as holder:
        with holder.transaction():
            holder.execute("INSERT INTO jobs (note) VALUES ('x')")
            pid = holder.info.backend_pid
            step.start()
            wait_for(lambda: any(f"it waits for pid {pid} {expected}" in line for line in operator.said))
            told = operator.pair.handover("status").stdout
            assert (
                f"  `CREATE INDEX CONCURRENTLY jobs_note ON public.jobs (note)` waits for pid {pid} {expected}" in told
            )
            assert any(
                f"waits for pid {pid}" in one
                for one in operator.pair.handover("status", "--json").json()["evolution_waits_for"]
            )
        step.join()
    assert sum("it waits for" in line for line in operator.said) == 1
    assert operator.state() == "expanded"
    assert "waits for" not in operator.pair.handover("status").stdout
