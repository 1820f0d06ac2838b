"""The process of an evolution is killed while it waits at a lock that the test holds; resume goes on, or back."""

import signal
import subprocess

import pytest

from handover_testing.night import until

DECLARED = """
[[operations]]
kind = "rename_values"
table = "jobs"
column = "status"
values = { started = "pending" }

[[operations]]
kind = "add_index"
table = "jobs"
name = "jobs_status_note"
columns = ["status", "note"]
"""
GATES = ("stable", "decommissioned", "users-moved", "no-rollback")
OVERRIDES = [word for gate in GATES for word in ("--override", gate)] + ["--because", "a trial"]
WAITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'handover evolve' AND wait_event_type = 'Lock'
"""


@pytest.fixture
def declared(operator):
    folder = operator.pair.folder / "evolution"
    folder.mkdir()
    (folder / "0001_status.toml").write_text(DECLARED)
    return operator


def wait_until_it_waits(operator, started: subprocess.Popen[str]) -> None:
    """Return when a session of the process waits for a lock, however long the process takes to start."""
    with operator.connect() as observer:
        while observer.execute(WAITING).fetchone() != (1,):
            assert started.poll() is None, "it ended, and never waited"
            observer.execute("SELECT pg_sleep(0.02)")


def kill_while_it_waits(operator) -> None:
    """Start the evolution in a process of its own, and kill it when a session of it waits for a lock."""
    with operator.pair.process("evolve", "start", "--apply", *OVERRIDES) as started:
        wait_until_it_waits(operator, started)
        started.send_signal(signal.SIGKILL)
        started.wait()


def resumed(operator, *words: str) -> str:
    ended = operator.pair.handover("resume", *words)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


@pytest.mark.full
def test_pause__in_create_index_concurrently__the_server_stops_it_too(declared):
    with declared.connect() as reader, reader.transaction():
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM dancers")
        with declared.pair.process("evolve", "start", "--apply", *OVERRIDES, stderr=subprocess.PIPE) as started:
            wait_until_it_waits(declared, started)
            assert declared.pair.handover("pause", "--because", "a fire").returncode == 0
            assert "HO504  this process was stopped by a pause" in started.communicate()[1]
            assert started.returncode == 3
        # The reader is still there, so it would wait on.
        until(lambda: declared.sql(WAITING) == [(0,)], "the server goes on")
    assert declared.pair.handover("pause", "--lift").returncode == 0
    assert "0001_status: expanded" in resumed(declared)


@pytest.mark.full
def test_kill__in_create_index_concurrently__resume_ends_its_session_and_builds_the_index_again(declared):
    with declared.connect() as reader, reader.transaction():
        # An old snapshot: CREATE INDEX CONCURRENTLY waits for its end.
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM dancers")
        kill_while_it_waits(declared)
    assert declared.state() == "starting"
    said = resumed(declared)
    assert "0001_status: expanded" in said
    assert declared.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
    assert declared.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'jobs_status_note'::regclass") == [(True,)]
    assert declared.wrong_rows() == []


@pytest.mark.full
def test_kill__in_create_index_concurrently__the_way_back_leaves_nothing(declared):
    with declared.connect() as reader, reader.transaction():
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM dancers")
        kill_while_it_waits(declared)
    assert "0001_status: rolled_back" in resumed(declared, "--back")
    assert declared.left() == []


@pytest.mark.full
def test_kill__before_it_has_its_first_lock__nothing_is_there_and_resume_does_all(declared):
    declared.pair.change("handover.toml", "attempts = 3", "attempts = 1000\nlock_timeout_ms = 5000")
    with declared.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE jobs IN ACCESS SHARE MODE")
        kill_while_it_waits(declared)
        # The functions are a step of their own, before any lock; nothing calls them yet.
        assert [one for one in declared.left() if not one.startswith("function handover_evolve_")] == []
    assert "0001_status: expanded" in resumed(declared)
    assert declared.wrong_rows() == []
