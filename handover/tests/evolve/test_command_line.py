"""``handover evolve`` as people type it: a file is planned, started, switched, contracted, and rolled back."""

import pytest

from handover_testing.handmade_plan import TABLE

INDEX = '[[operations]]\nkind = "add_index"\ntable = "jobs"\nname = "jobs_note"\ncolumns = ["note"]\n'
VALUES = """
[[operations]]
kind = "rename_values"
table = "jobs"
column = "status"
values = { started = "pending" }
"""
GATES = ("stable", "decommissioned", "users-moved", "no-rollback")
OVERRIDES = [word for gate in GATES for word in ("--override", gate)] + ["--because", "a trial"]


@pytest.fixture
def declared(operator):
    """The operator, with the file of one evolution."""
    folder = operator.pair.folder / "evolution"
    folder.mkdir()
    (folder / "0001_status.toml").write_text(INDEX + VALUES)
    return operator


def handover(operator, *words, code=0):
    """Run a command that ends with a code; return what it printed on both outputs."""
    ended = operator.pair.handover("evolve", *words)
    assert ended.returncode == code, ended.stderr + ended.stdout
    return ended.stdout + ended.stderr


def test_evolve__all_the_way_by_the_command_line__ends_contracted(declared):
    shown = handover(declared, "plan")
    assert "ACCESS EXCLUSIVE on public.jobs, waits at most 15 ms" in shown
    assert "CREATE INDEX CONCURRENTLY" in shown
    assert "Nothing was changed. To do it: handover evolve start 0001_status --apply" in shown
    checksum = declared.pair.handover("evolve", "plan", "--json").json()["checksum"]
    assert checksum[:12] in shown
    shown = handover(declared, "start")
    assert "Contract" not in shown
    assert "A start is refused now, without --override stable: people were never moved to the backend" in shown
    assert "4 of 4 gates are red" in handover(declared, "start", "--apply", code=3)
    assert "HO651  plan 000000000000 was reviewed" in handover(declared, "start", "--reviewed", "0" * 12, code=3)
    started = handover(declared, "start", "0001", "--apply", "--reviewed", checksum[:12], *OVERRIDES)
    assert started.startswith("0001_status: expanded: ")
    assert "It has begun; see: handover status" in handover(declared, "plan")
    assert handover(declared, "validate").startswith("public.jobs: every row, old against new: 200 rows, 0 differ")
    assert "RENAME" in handover(declared, "switch", "--sql")
    assert handover(declared, "switch", "--apply").startswith("0001_status: switched: ")
    assert "'x' is not '0001_status', the evolution to confirm" in handover(
        declared, "contract", "--apply", "--confirm", "x", code=3
    )
    assert handover(declared, "contract", "--apply", "--confirm", "0001_status").startswith("0001_status: contracted: ")
    assert declared.sql("SELECT DISTINCT status FROM jobs ORDER BY 1") == [("done",), ("pending",)]
    assert declared.left() == []
    assert "no evolution that is left to do" in handover(declared, "plan", code=2)


def test_evolve__back_by_the_command_line__leaves_nothing(declared):
    handover(declared, "start", "--apply", *OVERRIDES)
    handover(declared, "switch", "--apply")
    declared.sql("INSERT INTO phase2.jobs (status, note) VALUES ('pending', 'new')")
    assert "needs --because" in handover(declared, "rollback", "--apply", code=2)
    assert "Rollback, first: change the names back" in handover(declared, "rollback")
    assert handover(declared, "rollback", "--apply", "--because", "a trial").startswith("0001_status: rolled_back: ")
    assert declared.sql("SELECT status FROM jobs WHERE note = 'new'") == [("started",)]
    assert declared.left() == []


def test_validate__a_row_differs__names_it_and_exits_4(declared):
    handover(declared, "start", "--apply", *OVERRIDES)
    declared.sql(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER; UPDATE jobs SET status_v2 = 'paused' WHERE id = 7")
    said = handover(declared, "validate", code=4)
    assert "200 rows, 1 differ" in said
    assert "7" in said.splitlines()[1]


WRONG = {
    "an override without a reason": (["start", "--apply", "--override", "stable"], 2, "--override needs --because"),
    "a gate that is not there": (
        ["start", "--apply", "--override", "calm", "--because", "x"],
        3,
        "there is no gate calm; there are stable, decommissioned, users-moved, no-rollback",
    ),
    "both outputs": (["start", "--apply", "--sql"], 2, "--sql prints and --apply does"),
    "a name that is not there": (["plan", "0007"], 2, "has no evolution '0007'; it has 0001_status"),
    "nothing has begun": (["switch", "--apply"], 3, "HO640  no evolution is under way"),
    "that one has not begun": (["contract", "0001"], 3, "HO640  0001_status has not started"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_evolve__wrong_use__is_refused_and_changes_nothing(declared, wrong):
    words, code, expected = WRONG[wrong]
    assert expected in handover(declared, *words, code=code)
    assert declared.state() == "at rest"
    assert declared.left() == []


def test_start__the_sessions_of_a_system_lead_past_the_views__is_refused_and_changes_nothing(declared):
    file = declared.pair.folder / "handover.toml"
    file.write_text(file.read_text().replace('other_roles = ["owner"]', 'carrying_roles = ["drift_original"]'))
    said = handover(declared, "start", "--apply", *OVERRIDES, code=3)
    assert "HO671  the original has the search path drift_original, public" in said
    assert declared.state() == "at rest"


def test_plan__a_role_is_not_declared__says_that_a_start_is_refused_and_shows_the_plan(declared):
    file = declared.pair.folder / "handover.toml"
    file.write_text(file.read_text().replace(f'old_roles = ["{declared.role}"]', ""))
    said = handover(declared, "plan")
    assert "A start is refused now: HO003  roles are not declared" in said
    assert f"HO644  {declared.role} may use jobs, and [evolve] does not say which shape it expects" in said
    assert "Nothing was changed." in said
