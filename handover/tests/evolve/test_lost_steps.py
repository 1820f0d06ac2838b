"""A database that was set back to before steps that are done: by a backup, or by a standby that lagged."""

from contextlib import contextmanager

import pytest

from handover.errors import Refused
from handover.evolve.lost_steps import evolution_with_lost_steps, lost_steps
from handover_testing.handmade_plan import NAME

START, SWITCH, CONTRACT = "evolve start", "evolve switch", "evolve contract"
COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = 'jobs'::regclass AND attname LIKE 'status%' ORDER BY 1"


def test_switch__database_is_set_back_to_before_it__is_told_refused_and_done_again(operator):
    operator.run(START)
    with backed_up(operator.pair.database) as restore:
        assert operator.run(SWITCH) == "switched"
        assert lost_steps(operator.config, operator.entries(), NAME) == ()
        restore()
    assert operator.sql(COLUMNS) == [("status",), ("status_v2",)]
    with pytest.raises(Refused, match=r"does not have 1 step of 0001_status that the journal has as done: switch: .*"):
        operator.run(CONTRACT)
    assert evolution_with_lost_steps(operator.config, operator.entries()) == NAME
    said = operator.pair.handover("resume")
    assert "0001_status: switched" in said.stdout, said.stdout + said.stderr
    assert operator.sql(COLUMNS) == [("status",), ("status_v1",)]
    assert operator.run(CONTRACT) == "contracted"
    assert operator.left() == []


def test_start__database_is_set_back_to_before_it__does_every_step_again(operator):
    operator.run(START)
    operator.run("evolve rollback", because="a trial")
    with backed_up(operator.pair.database) as restore:
        operator.run(START)
        restore()
    assert len(lost_steps(operator.config, operator.entries(), NAME)) > 2
    assert operator.resume() == "expanded"
    assert operator.wrong_rows() == []
    assert lost_steps(operator.config, operator.entries(), NAME) == ()


def test_rollback__names_were_not_switched__its_skipped_step_is_not_lost(operator):
    operator.run(START)
    assert operator.run("evolve rollback", because="a trial") == "rolled_back"
    assert lost_steps(operator.config, operator.entries(), NAME) == ()
    assert operator.run(START) == "expanded"


def test_start__database_is_set_back_to_before_its_first_evolution__is_done_again(operator):
    with backed_up(operator.pair.database) as restore:
        operator.run(START)
        restore()
        said = operator.pair.handover("resume")
        assert "0001_status: expanded" in said.stdout, said.stdout + said.stderr
    assert operator.wrong_rows() == []


@contextmanager
def backed_up(database):
    """Make a backup of a database; give what restores it."""
    server, backup = database.server, f"{database.name}_backup"
    server.create_database(backup, template=database.name)

    def restore():
        server.drop_database(database.name)
        server.create_database(database.name, template=backup)

    try:
        yield restore
    finally:
        server.drop_database(backup)
