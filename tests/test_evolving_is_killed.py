"""An evolution is killed, with PostgreSQL too, while people write; no row is lost, and the audit would see it."""

import random
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from handover.config.config import load_config
from handover.evolve.lost_steps import lost_steps
from handover.journal.journal import opened
from sandbox.fixtures import FAST, roomy_place
from sandbox.ports import free_port
from sandbox.postgres import Server
from tests.evolving.clients import NEW_BACKEND, ORIGINAL
from tests.evolving.kills import KillPoint, points_of
from tests.evolving.night import (
    CONTRACT,
    DEADLOCK_TIMEOUT,
    RESUME,
    ROLLBACK,
    SERVER,
    SESSION,
    START,
    SWITCH,
    TOOL,
    EvolveNight,
    EvolveWalk,
    PlannedKill,
    audited,
    walking,
)
from tests.evolving.tables import EVOLUTION_NAME

ROWS = 300


@pytest.fixture(scope="module")
def night():
    # What a commit does not wait for is lost with the server: nothing else brings it to the disk in between.
    lazy = DEADLOCK_TIMEOUT | {"wal_writer_delay": "10s"}
    settings = {name: value for name, value in FAST.items() if name != "synchronous_commit"} | lazy
    with tempfile.TemporaryDirectory(prefix="night-", dir=roomy_place()) as name, ExitStack() as stack:
        place = Path(name)
        place.chmod(0o711)
        server = stack.enter_context(Server(place / "postgres", port=free_port(), settings=settings))
        made = EvolveNight(server, place, random.Random(1), ROWS, print)  # noqa: S311 - the same run again
        made.prepare()
        yield made


def point(night: EvolveNight, part: str, words: str, then: str = "") -> KillPoint:
    """Return the first point of a part whose description has these words."""
    points = points_of(night.plan, (part,), ROWS)
    return next(one for one in points if words in one.what and one.then == then)


@pytest.mark.full
def test_evolution__killed_in_start_switch_and_contract__ends_as_a_fresh_new_shape(night, monkeypatch):
    with walking(night, 1) as walk:
        index = PlannedKill(point(night, "start", "choreography_tasks_pkey_v2", "snapshots"), TOOL, zombie=True)
        assert walk.bring(START, [index]) == "expanded"
        walk.write(NEW_BACKEND)
        assert not walk.run(SWITCH, PlannedKill(point(night, "switch", "mark of"), SERVER))
        walk.stop()  # a commit of theirs would bring the switch to the disk
        walk.run(RESUME, PlannedKill(point(night, "switch", "entry action done"), SERVER))
        assert lost(walk, monkeypatch) == ()
        assert walk.bring(RESUME, []) == "switched"
        walk.write(NEW_BACKEND)
        assert walk.bring(CONTRACT, [PlannedKill(point(night, "contract", "after DROP VIEW"), SESSION)]) == "contracted"
        assert audited(walk).lines() == []
    assert (night.killed, night.missed, night.failures) == (4, 0, [])
    assert walk.ledger.acknowledged > 20
    assert {NEW_BACKEND.name, ORIGINAL.name} == walk.wrote


@pytest.mark.full
def test_evolution__killed_in_the_way_back__leaves_nothing_and_the_audit_sees_what_is_planted(night):
    with walking(night, 2) as walk:
        assert walk.bring(START, []) == "expanded"
        kill = PlannedKill(point(night, "remove", "mark of remove: public.choreography_tasks: without shadow"), TOOL)
        assert walk.bring(ROLLBACK, [kill]) == "rolled_back"
        assert audited(walk).lines() == []
        with psycopg.connect(walk.database.url("owner"), autocommit=True) as connection:
            found = plant(walk, connection)
    for expected in (
        "lost: task_id legacy-1: the row is gone; acknowledged was ",
        "wrong: task_id legacy-2: it is ('failed', 102, 1); acknowledged was [\"('running', 102, 1)\"]",
        "left: triggers: ('choreography_tasks', 'zzz_handover_evolve',",
        "left: columns: ('task_steps', 'note_v2', 'text',",
        "left: functions: ('handover_evolve_left',) is there",
        "left: settings of roles: ('original_app', 'search_path=phase1, public') is there",
        "wrong: foreign keys of task_steps: []",
        "unexplained: evolve start began and did not end",
    ):
        assert any(line.startswith(expected) for line in found), (expected, found)


def lost(walk: EvolveWalk, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Return the steps that the journal, or its copy, has as done and the database has not."""
    monkeypatch.setenv("HANDOVER_DATABASE_URL", walk.database.url("owner"))
    config = load_config(walk.folder / "handover.toml")
    with opened(config) as journal:
        return lost_steps(config, journal.entries(), EVOLUTION_NAME)


def plant(walk, connection) -> list[str]:
    """Plant each fault that the audit is there for; return what it finds."""
    connection.execute(b"""
        DELETE FROM task_steps WHERE task_id = 'legacy-1';
        DELETE FROM choreography_tasks WHERE task_id = 'legacy-1';
        UPDATE choreography_tasks SET status = 'failed' WHERE task_id = 'legacy-2';
        COMMIT;
        ALTER TABLE task_steps DROP CONSTRAINT task_steps_task_id_fk;
        CREATE FUNCTION handover_evolve_left() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER zzz_handover_evolve BEFORE UPDATE ON choreography_tasks
            FOR EACH ROW EXECUTE FUNCTION handover_evolve_left();
        ALTER TABLE task_steps ADD note_v2 text;
        ALTER ROLE original_app SET search_path = phase1, public;
        INSERT INTO handover.journal (seq, id, at, who, machine, kind, body)
            SELECT max(seq) + 1, gen_random_uuid(), now(), 'planted', 'here', 'run',
                   '{"stream": "evolve/0001_uuids", "run": "r", "command": "evolve start"}'
              FROM handover.journal;
    """)
    try:
        return audited(walk).lines()
    finally:
        connection.execute(b"ALTER ROLE original_app RESET search_path")
