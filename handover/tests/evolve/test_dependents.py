"""What others make from the shapes while both live is found before anything of them is dropped, never in the middle."""

import pytest

from handover.evolve.commands import UNUSED
from handover.evolve.execute import StepFailedError
from handover_testing.evolve_operator import EvolveOperator

OPERATIONS = """
[[operations]]
kind = "change_type"
table = "jobs"
column = "id"
type = "text"
up = "$1::text"
down = "$1::bigint"

[[operations]]
kind = "rename_values"
table = "jobs"
column = "status"
values = { started = "pending" }
"""
DROP = '[[operations]]\nkind = "drop_column"\ntable = "jobs"\ncolumn = "note"\ndown = "NULL"\n'
GATES = ("stable", "decommissioned", "users-moved", "no-rollback")
OVERRIDES = [word for gate in GATES for word in ("--override", gate)] + ["--because", "a trial"]
# Each with the words that tell of it.
ON_THE_OLD_SHAPE = {
    "CREATE VIEW reports AS SELECT status_v1 FROM jobs": "rule _RETURN on view reports uses public.jobs.status_v1",
    "CREATE FUNCTION olds() RETURNS bigint BEGIN ATOMIC SELECT count(status_v1) FROM jobs; END":
        "function olds() uses public.jobs.status_v1",
    "CREATE FUNCTION texts() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT Status_V1 FROM Jobs LIMIT 1); END'":
        "the function texts() names public.jobs and one of id_v1, status_v1, phase1, phase2 in its text",
    "CREATE TABLE kept (job jobs)": "column job of table kept uses whole rows of public.jobs",
    "CREATE VIEW wholes AS SELECT to_json(j) FROM jobs j": "rule _RETURN on view wholes uses whole rows of public.jobs",
    "CREATE TABLE runs (job bigint CONSTRAINT runs_job REFERENCES jobs (id_v1))":
        "constraint runs_job on table runs uses public.jobs.id_v1",
    "CREATE VIEW olds AS SELECT status FROM phase1.jobs": "rule _RETURN on view olds is made from the view phase1.jobs",
    "CREATE VIEW news AS SELECT status FROM phase2.jobs": "rule _RETURN on view news is made from the view phase2.jobs",
    "CREATE FUNCTION f(phase2.jobs) RETURNS int RETURN 1": "function f(phase2.jobs) is made from the view phase2.jobs",
    "CREATE TABLE phase1.notes (n int)": "table phase1.notes is in the schema phase1",
    "CREATE FUNCTION phase2.one() RETURNS int RETURN 1": "function phase2.one() is in the schema phase2",
}  # fmt: skip
AWAY = """
    DROP FUNCTION IF EXISTS phase2.one, f, texts, olds; DROP TABLE IF EXISTS phase1.notes, runs, kept;
    DROP VIEW IF EXISTS news, olds, reports, wholes
"""


@pytest.fixture
def declared(operator) -> EvolveOperator:
    folder = operator.pair.folder / "evolution"
    folder.mkdir()
    (folder / "0001_status.toml").write_text(OPERATIONS)
    return operator


def handover(operator, *words, code=0):
    """Run a command that ends with a code; return what it printed on both outputs."""
    ended = operator.pair.handover(*words)
    assert ended.returncode == code, ended.stderr + ended.stdout
    return ended.stdout + ended.stderr


def bring_to_switched(operator):
    handover(operator, "evolve", "start", "--apply", *OVERRIDES)
    handover(operator, "evolve", "switch", "--apply")


def shape(operator):
    """Return what a contract would change: columns, triggers, constraints."""
    return operator.sql(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = 'jobs'::regclass AND NOT attisdropped"
        " UNION ALL SELECT tgname FROM pg_trigger WHERE tgrelid = 'jobs'::regclass AND NOT tgisinternal"
        " UNION ALL SELECT conname FROM pg_constraint WHERE conrelid = 'jobs'::regclass ORDER BY 1"
    )


def test_contract__others_use_the_old_shape__names_each_and_changes_nothing(declared):
    bring_to_switched(declared)
    for statement in ON_THE_OLD_SHAPE:
        declared.sql(statement)
    before = shape(declared)
    contract = ("evolve", "contract", "--apply", "--confirm", "0001_status")
    said = handover(declared, *contract, code=3)
    assert "HO646  the old shape is still used; nothing was dropped." in said
    for expected in ON_THE_OLD_SHAPE.values():
        assert f"HO646  {expected}" in said
    assert said.count("HO646  ") == 1 + len(ON_THE_OLD_SHAPE), said
    assert (declared.state(), shape(declared)) == ("switched", before)
    declared.sql(AWAY)
    # What uses the new shape alone stands in nothing's way.
    declared.sql("CREATE VIEW reports AS SELECT id, status FROM jobs")
    handover(declared, *contract)
    assert declared.left() == []


@pytest.mark.full
def test_rollback__others_use_the_new_shape__names_each_and_goes_on_when_they_are_gone(declared):
    bring_to_switched(declared)
    declared.sql("CREATE VIEW news AS SELECT status FROM phase2.jobs; CREATE VIEW reports AS SELECT status FROM jobs")
    said = handover(declared, "evolve", "rollback", "--apply", "--because", "a trial", code=3)
    assert "HO654  rule _RETURN on view news is made from the view phase2.jobs" in said
    assert "HO654  rule _RETURN on view reports uses public.jobs.status_v2" in said
    assert declared.state() == "rolling_back"
    declared.sql("DROP VIEW news, reports")
    handover(declared, "resume")
    assert (declared.state(), declared.left()) == ("at rest", [])


@pytest.mark.full
def test_contract__database_refuses_a_step__says_why_and_the_journal_has_it(declared):
    bring_to_switched(declared)

    def at(point: str) -> None:
        if point == f"{UNUSED}: written":
            declared.sql("CREATE VIEW reports AS SELECT status_v1 FROM jobs")

    with pytest.raises(StepFailedError) as failed:
        declared.run("evolve contract", at=at)
    said = str(failed.value)
    assert said.startswith(
        "HO653  public.jobs: the new shape alone: the database refused: cannot drop column status_v1 of table jobs"
    )
    assert "view reports depends on column status_v1 of table jobs" in said
    assert said.endswith("Then go on: handover resume")
    last = declared.entries()[-1]
    assert (last.body["phase"], last.body["error"]) == ("failed", said)
    declared.sql("DROP VIEW reports")
    assert declared.resume() == "contracted"
    assert declared.left() == []


@pytest.mark.full
def test_contract__evolution_only_drops_a_column__old_clients_are_looked_for_as_well(declared):
    (declared.pair.folder / "evolution" / "0001_status.toml").write_text(DROP)
    bring_to_switched(declared)
    with declared.connect("client") as client:
        client.execute("SELECT note FROM jobs")
        said = handover(declared, "evolve", "contract", "--apply", "--confirm", "0001_status", code=3)
        assert "HO646  a session expects the old shape" in said
    handover(declared, "evolve", "contract", "--apply", "--confirm", "0001_status")
    assert declared.left() == []
