"""``handover evolve`` as people type it: a file is planned, started, switched, contracted, and rolled back."""

import pytest

from handover.errors import Refused
from handover.evolve.commands import LEFT, evolve_commands
from handover.runs.command import start_command
from handover_testing.evolve_operator import Killed
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
    assert (
        "Nothing was changed. Every statement: add --sql. To do it: handover evolve start 0001_status --apply" in shown
    )
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
    # What this one has built would stand against a second, and is not to be dropped: that is not what is told.
    (declared.pair.folder / "evolution" / "0002_more.toml").write_text(VALUES)
    for words in (["plan"], ["start"], ["start", "--apply", *OVERRIDES]):
        assert "HO649  0001_status is under way: its state is expanded" in handover(declared, *words, "0002", code=3)
    (declared.pair.folder / "evolution" / "0002_more.toml").unlink()
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
    assert "HO647  " in handover(declared, "switch", "--apply", code=3)
    # The switch has begun, and the columns have their old names.
    assert "200 rows, 1 differ" in handover(declared, "validate", code=4)


@pytest.mark.full
def test_rollback__a_new_value_has_no_old_one__is_told_and_refused_until_it_is_accepted(declared):
    handover(declared, "start", "--apply", *OVERRIDES)
    handover(declared, "switch", "--apply")
    # The old value of this one is the same word, which means another one in the new shape.
    declared.sql("UPDATE phase2.jobs SET status = 'started' WHERE id = 7")
    assert "way back: 200 rows, 1 differ" in handover(declared, "validate", code=4)
    said = handover(declared, "rollback", "--apply", "--because", "a trial", code=3)
    assert "HO656  a rollback would lose the new values of 1 row: id 7: status 'started' is 'started'" in said
    assert declared.state() == "switched"
    handover(declared, "rollback", "--apply", "--because", "they are few", "--accept-loss")
    (run,) = [
        one.body for one in declared.entries() if one.body.get("command") == "evolve rollback" and one.kind == "run"
    ]
    assert run["facts"]["accept_loss"] == "they are few"


@pytest.mark.full
def test_rollback__a_new_value_has_no_old_one_before_the_switch__is_refused_and_the_switch_is_not(declared):
    handover(declared, "start", "--apply", *OVERRIDES)
    declared.sql("UPDATE phase2.jobs SET status = 'started' WHERE id = 7")
    assert "HO656  a rollback would lose" in handover(declared, "rollback", "--apply", "--because", "x", code=3)
    assert "way back: 200 rows, 1 differ" in handover(declared, "validate", code=4)
    # It is no difference between the shapes: the way on is open.
    handover(declared, "switch", "--apply")
    declared.sql("UPDATE phase2.jobs SET status = 'done' WHERE id = 7")
    handover(declared, "rollback", "--apply", "--because", "x")


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


@pytest.mark.full
def test_evolve__a_system_leads_past_the_views_since_the_start__is_refused_before_the_switch_and_before_resume(
    declared,
):
    file = declared.pair.folder / "original" / "settings.py"
    before = file.read_text()
    toml = declared.pair.folder / "handover.toml"
    declared.pair.superuser(
        f"ALTER ROLE drift_original IN DATABASE {declared.pair.database.name} SET search_path = phase1, public"
    )
    toml.write_text(
        toml.read_text().replace(
            'other_roles = ["owner"]', 'other_roles = ["owner"]\ncarrying_roles = ["drift_original"]'
        )
    )
    handover(declared, "start", "--apply", *OVERRIDES)
    file.write_text(before + '\nDATABASES["default"]["OPTIONS"] = {"options": "-c search_path=public"}\n')
    says = "HO671  the original has the search path public, and its role drift_original is one of carrying_roles"
    assert says in handover(declared, "switch", "--apply", code=3)
    assert declared.state() == "expanded"
    with pytest.raises(Killed):
        declared.run("evolve switch", kill_at="switch: the new columns get their names: before")
    assert declared.state() == "switching"
    ended = declared.pair.handover("resume")
    assert (ended.returncode, says in ended.stderr) == (3, True)
    assert declared.state() == "switching"
    file.write_text(before)
    assert "0001_status: switched: " in declared.pair.handover("resume").stdout


@pytest.mark.full
def test_rollback__views_were_in_a_path_before_the_start__leaves_the_path_and_ends(declared):
    declared.sql(f"ALTER ROLE {declared.role} SET search_path = phase1, public")
    handover(declared, "start", "--apply", *OVERRIDES)
    handover(declared, "switch", "--apply")
    assert handover(declared, "rollback", "--apply", "--because", "a trial").startswith("0001_status: rolled_back: ")
    assert "search_path=phase1, public" in str(setting_of(declared))


@pytest.mark.full
def test_rollback__the_path_of_an_old_role_has_the_views_again__is_told(declared):
    handover(declared, "start", "--apply", *OVERRIDES)
    again = f"ALTER ROLE {declared.role} SET search_path = phase1, public"
    with declared.context("evolve rollback", at_end(lambda: declared.sql(again))) as context:
        made = context.plan
        with pytest.raises(
            Refused,
            match=rf"HO650  1 object of 0001_status is still there: role {declared.role}: search_path=phase1, public",
        ):
            start_command(context, evolve_commands(made)["evolve rollback"], {"because": "a trial"})
    declared.sql(f"ALTER ROLE {declared.role} RESET search_path")
    assert declared.pair.handover("resume").returncode == 0
    assert setting_of(declared) == []


def at_end(do):
    """Return what does something once nothing but the last look is left."""
    return lambda point: do() if point == f"{LEFT}: before" else None


def setting_of(operator):
    return operator.sql(f"SELECT setconfig FROM pg_db_role_setting WHERE setrole = '{operator.role}'::regrole")


def test_plan__a_role_is_not_declared__says_that_a_start_is_refused_and_shows_the_plan(declared):
    file = declared.pair.folder / "handover.toml"
    file.write_text(file.read_text().replace(f'old_roles = ["{declared.role}"]', ""))
    said = handover(declared, "plan")
    assert "A start is refused now: HO003  roles are not declared" in said
    assert f"HO644  {declared.role} may use jobs, and [evolve] does not say which shape it expects" in said
    assert "Nothing was changed." in said
