"""A command that is killed while it waits, for the entry of an action, at a lock that the test holds."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from handover_testing.night import Story, until
from sandbox.postgres.cluster import SUPERUSER

LOCK = 4711
# The insert of one entry waits at the lock; which one, the test says.
WAITS = """
CREATE FUNCTION handover.wait() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF NEW.kind = '{kind}' AND coalesce(NEW.body->>'action', '') = '{action}'
       AND coalesce(NEW.body->>'phase', '') = '{phase}' THEN
        PERFORM pg_advisory_xact_lock({lock});
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wait BEFORE INSERT ON handover.journal FOR EACH ROW EXECUTE FUNCTION handover.wait();
"""


@contextmanager
def locked(story: Story) -> Iterator[psycopg.Connection]:
    with psycopg.connect(story.pair.database.url(SUPERUSER), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        yield connection


def a_process_waits(connection: psycopg.Connection) -> bool:
    query = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted"
    return connection.execute(query, [LOCK]).rowcount > 0


def idle(story: Story) -> bool:
    query = "SELECT FROM pg_stat_activity WHERE application_name = 'handover journal' AND datname = %s"
    with story.pair.database.server.connect() as connection:
        return connection.execute(query, [story.pair.database.name]).rowcount == 0


def kill_at(story: Story, arguments: tuple[str, ...], kind: str, action: str = "", phase: str = "") -> None:
    """Run a command and kill it while it waits for the entry; return when its session is gone."""
    with locked(story) as lock:
        lock.execute(WAITS.format(kind=kind, action=action, phase=phase, lock=LOCK).encode())
        with story.pair.process(*arguments, stderr=subprocess.PIPE) as running:
            until(lambda: a_process_waits(lock), f"no process waits for the lock: {arguments}")
            running.send_signal(signal.SIGKILL)
            running.wait()
        until(lambda: not a_process_waits(lock), "the killed process's session stays")
    until(lambda: idle(story), "the killed process's session stays")
    story.pair.superuser("DROP TRIGGER wait ON handover.journal")
