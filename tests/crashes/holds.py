"""Points in the database at which a process waits until it is let go, so that a kill hits it exactly there."""

import psycopg

from sandbox.postgres import Database

LOCK = 0x63726173  # "cras"
# A statement in the middle of its transaction, and "before the commit", when all its statements are done.
PLACES = (
    "choreography_tasks INSERT initializing",
    "choreography_tasks UPDATE downloading",
    "choreography_tasks UPDATE analyzing",
    "choreography_tasks UPDATE selecting",
    "choreography_tasks UPDATE generating",
    "choreography_tasks UPDATE finalizing",
    "choreography_tasks UPDATE completed",
    "choreography_tasks DELETE",
    "saved_choreographies INSERT",
    "saved_choreographies DELETE",
    "jobs INSERT",
    "jobs UPDATE",
    "procrastinate_jobs INSERT",
    "procrastinate_jobs UPDATE",
    "before the commit of choreography_tasks INSERT",
    "before the commit of choreography_tasks UPDATE analyzing",
    "before the commit of choreography_tasks UPDATE completed",
    "before the commit of choreography_tasks DELETE",
    "before the commit of saved_choreographies INSERT",
    "before the commit of saved_choreographies DELETE",
)
TABLES = ("public.choreography_tasks", "public.saved_choreographies", "backend.jobs", "backend.procrastinate_jobs")
INSTALL = """
CREATE SCHEMA crash;
GRANT USAGE ON SCHEMA crash TO PUBLIC;
CREATE TABLE crash.held (place text, lock bigint);
GRANT SELECT ON crash.held TO PUBLIC;
CREATE FUNCTION crash.hold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE stage text;
BEGIN
  IF TG_OP = 'DELETE' THEN stage := to_jsonb(OLD) ->> 'stage'; ELSE stage := to_jsonb(NEW) ->> 'stage'; END IF;
  PERFORM pg_advisory_xact_lock_shared(lock) FROM crash.held
    WHERE TG_ARGV[0] || TG_TABLE_NAME || ' ' || TG_OP || ' ' || coalesce(stage, '') LIKE place || '%';
  RETURN NULL;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER crash_hold AFTER INSERT OR UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION crash.hold('');
CREATE CONSTRAINT TRIGGER crash_hold_commit AFTER INSERT OR UPDATE OR DELETE ON {table}
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION crash.hold('before the commit of ');
"""
WAITS = """
SELECT regexp_replace(application_name, '^backend-phase. ', ''), pid FROM pg_stat_activity JOIN pg_locks USING (pid)
WHERE datname = current_database() AND NOT granted AND locktype = 'advisory' AND objid = %s ORDER BY pid LIMIT 1
"""


def install(database: Database) -> None:
    """Make the points; nothing waits there yet."""
    with database.server.connect(database.name) as session:
        session.execute(INSTALL)
        for table in TABLES:
            session.execute(TRIGGERS.format(table=table))


def remove(database: Database) -> None:
    """Remove the points, while people go on."""
    with database.server.connect(database.name) as session:
        for table in TABLES:
            # One lock at a time: with two this could deadlock with a session that is at a point.
            session.execute(f"DROP TRIGGER crash_hold ON {table}")
            session.execute(f"DROP TRIGGER crash_hold_commit ON {table}")
        session.execute("DROP SCHEMA crash CASCADE")


class Hold:
    """One point at which whoever comes waits, while the block runs."""

    def __init__(self, database: Database, place: str) -> None:
        self.database, self.place = database, place

    def __enter__(self) -> "Hold":
        self.session = self.database.server.connect(self.database.name)
        self.session.execute("SET application_name = 'crash: hold'")
        self.session.execute("DELETE FROM crash.held")
        self.session.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        self.session.execute("INSERT INTO crash.held VALUES (%s, %s)", [self.place, LOCK])
        return self

    def __exit__(self, *_error: object) -> None:
        # Without a row later ones do not wait; without the session the lock is gone.
        try:
            self.session.execute("DELETE FROM crash.held")
        except psycopg.OperationalError:
            pass  # PostgreSQL was killed, so the lock is gone already; the next one deletes the row
        finally:
            self.session.close()

    def who_waits(self) -> tuple[str, int] | None:
        """Return the name and the server's process of the session that waits here."""
        found = self.session.execute(WAITS, [LOCK]).fetchone()
        return (str(found[0]), int(found[1])) if found else None
