"""The database at each stage of the evolution to Phase 2 (``evolution/0001_phase_2.toml``)."""

import tomllib
from typing import Any

import psycopg

from sandbox import house
from sandbox.postgres import Server

STAGES = ("before", "expanded", "switched", "rolled back", "contracted")
SAME = "user_id, progress, stage, message, result, error, created_at, updated_at, job_execution_name"
SYNC = """
CREATE OR REPLACE FUNCTION public.evolve_sync() RETURNS trigger LANGUAGE plpgsql AS $sync$
BEGIN
    IF NEW.task_id{new} IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.task_id{new} IS DISTINCT FROM OLD.task_id{new}) THEN
        NEW.task_id{old} := NEW.task_id{new}::text;
    ELSE
        NEW.task_id{new} := {up};
    END IF;
    IF NEW.status{new} IS NOT NULL AND (TG_OP = 'INSERT' OR NEW.status{new} IS DISTINCT FROM OLD.status{new}) THEN
        NEW.status{old} := CASE NEW.status{new}
            WHEN 'pending' THEN 'started' WHEN 'processing' THEN 'running' ELSE NEW.status{new} END;
    ELSE
        NEW.status{new} := CASE NEW.status{old}
            WHEN 'started' THEN 'pending' WHEN 'running' THEN 'processing' ELSE NEW.status{old} END;
    END IF;
    NEW.progress := least(greatest(NEW.progress, 0), 100);
    RETURN NEW;
END $sync$;
"""
EXPAND = f"""
ALTER TABLE choreography_tasks ADD task_id_v2 uuid, ADD status_v2 varchar(20);
{{sync}}
CREATE TRIGGER zz_evolve_sync BEFORE INSERT OR UPDATE ON choreography_tasks
    FOR EACH ROW EXECUTE FUNCTION public.evolve_sync();
UPDATE choreography_tasks SET task_id = task_id;
SET CONSTRAINTS ALL IMMEDIATE;
CREATE UNIQUE INDEX choreography_tasks_pkey_v2 ON choreography_tasks (task_id_v2);
ALTER TABLE choreography_tasks ADD CONSTRAINT choreography_tasks_progress_check CHECK (progress BETWEEN 0 AND 100);
CREATE INDEX tasks_newest_idx ON choreography_tasks (user_id, created_at, task_id_v2);
CREATE INDEX tasks_unfinished_idx ON choreography_tasks (status_v2, created_at)
    WHERE status_v2 IN ('pending', 'processing');
CREATE SCHEMA phase1;
CREATE SCHEMA phase2;
CREATE VIEW phase1.choreography_tasks WITH (security_invoker = true) AS
    SELECT task_id, status, {SAME} FROM choreography_tasks;
CREATE VIEW phase2.choreography_tasks WITH (security_invoker = true) AS
    SELECT task_id_v2 AS task_id, status_v2 AS status, {SAME} FROM choreography_tasks;
GRANT USAGE ON SCHEMA phase1, phase2 TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON phase1.choreography_tasks, phase2.choreography_tasks TO PUBLIC;
"""  # noqa: S608 - the columns are ours
SWITCH = """
ALTER TABLE choreography_tasks RENAME task_id TO task_id_v1;
ALTER TABLE choreography_tasks RENAME task_id_v2 TO task_id;
ALTER TABLE choreography_tasks RENAME status TO status_v1;
ALTER TABLE choreography_tasks RENAME status_v2 TO status;
"""
REMOVE = """
DROP SCHEMA phase1 CASCADE;
DROP SCHEMA phase2 CASCADE;
DROP TRIGGER zz_evolve_sync ON choreography_tasks;
DROP FUNCTION public.evolve_sync;
"""
ROLL_BACK = f"""
ALTER TABLE choreography_tasks RENAME task_id TO task_id_v2;
ALTER TABLE choreography_tasks RENAME task_id_v1 TO task_id;
ALTER TABLE choreography_tasks RENAME status TO status_v2;
ALTER TABLE choreography_tasks RENAME status_v1 TO status;
{REMOVE}
ALTER TABLE choreography_tasks DROP task_id_v2, DROP status_v2, DROP CONSTRAINT choreography_tasks_progress_check;
DROP INDEX IF EXISTS tasks_newest_idx, tasks_unfinished_idx;
"""
CONTRACT = f"""
{REMOVE}
ALTER TABLE choreography_tasks ALTER task_id SET NOT NULL, ALTER status SET NOT NULL;
ALTER TABLE choreography_tasks DROP task_id_v1, DROP status_v1;
ALTER TABLE choreography_tasks ADD CONSTRAINT choreography_tasks_pkey
    PRIMARY KEY USING INDEX choreography_tasks_pkey_v2;
DROP INDEX choreography_tasks_user_id_a5f819be, choreography_tasks_created_at_03a9a04c, choreograph_created_1c4810_idx;
"""


def evolve(server: Server, name: str, stage: str) -> None:
    """Bring a database from the beginning to this stage."""
    ways = {
        "before": (),
        "expanded": (start,),
        "switched": (start, switch),
        "rolled back": (start, switch, roll_back),
        "contracted": (start, switch, contract),
    }
    for way in ways[stage]:
        way(server, name)


def start(server: Server, name: str) -> None:
    """Make both shapes live, the old one in the table."""
    _execute(server, name, EXPAND.format(sync=_sync(old="", new="_v2")))


def switch(server: Server, name: str) -> None:
    """Give the table the new shape; the old one stays in its view."""
    _execute(server, name, SWITCH + _sync(old="_v1", new=""))


def roll_back(server: Server, name: str) -> None:
    """Give the table the old shape again, and take away all that the start made."""
    _execute(server, name, ROLL_BACK)


def contract(server: Server, name: str) -> None:
    """Take away the old shape."""
    _execute(server, name, CONTRACT)


def _execute(server: Server, name: str, statements: str) -> None:
    with psycopg.connect(server.url("owner", name)) as session:
        session.execute(statements.encode())


def _sync(*, old: str, new: str) -> str:
    declared: dict[str, Any] = tomllib.loads((house.ROOT / "evolution" / "0001_phase_2.toml").read_text())
    up = declared["operations"][0]["up"].replace("$1", f"NEW.task_id{old}")
    return SYNC.format(old=old, new=new, up=up)
