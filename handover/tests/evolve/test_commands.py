"""An evolution goes forward, back, and on after a crash at any point, with one journal and one lease."""

import secrets
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from handover.errors import Refused
from handover.evolve.comparison import compare_rows, differing
from handover.evolve.endings import require_nothing_left
from handover.evolve.evolution import Evolution
from handover.evolve.plan import make_plan
from handover.evolve.position import evolution_position, plan_of
from handover.evolve.remains import remains
from handover.evolve.sessions import new_clients, other_clients, pathless_clients, sessions_of
from handover.evolve.statement import EvolveStep
from handover.evolve.status import evolution_lines
from handover.journal.processes import StoppedError
from handover.runs.retries import LockedOutError
from handover.schema.evolved import KEPT_SUFFIX
from handover_testing.evolve_operator import Killed
from handover_testing.handmade_plan import NAME, TABLE, index_plan, index_step, strong

START, SWITCH, ROLLBACK, CONTRACT = "evolve start", "evolve switch", "evolve rollback", "evolve contract"


def test_start__an_index__is_built_and_removed_again(operator):
    assert operator.run(START, index_plan()) == "expanded"
    assert operator.sql("SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.jobs_note'::regclass") == [(True,)]
    assert operator.run(ROLLBACK, index_plan(), because="a trial") == "rolled_back"
    assert operator.sql("SELECT to_regclass('public.jobs_note')") == [(None,)]


def test_evolution__all_the_way__ends_with_the_new_shape_alone(operator):
    assert operator.run(START) == "expanded"
    operator.sql("INSERT INTO jobs (status, note) VALUES ('started', 'old')", "client")
    assert operator.run(SWITCH) == "switched"
    operator.sql("INSERT INTO jobs (status, note) VALUES ('started', 'old again')", "client")
    operator.sql("INSERT INTO phase2.jobs (status, note) VALUES ('pending', 'new')")
    rows = "SELECT note, status FROM jobs WHERE note IS NOT NULL ORDER BY id"
    assert operator.sql(rows, "client") == [("old", "started"), ("old again", "started"), ("new", "started")]
    assert operator.sql(rows) == [("old", "pending"), ("old again", "pending"), ("new", "pending")]
    assert operator.run(CONTRACT) == "contracted"
    assert operator.sql("SELECT DISTINCT status FROM jobs ORDER BY 1") == [("done",), ("pending",)]
    assert operator.left() == []
    assert operator.pair.handover("status").stdout.count(f"Evolution {NAME}: contracted") == 1


def test_rollback__from_switched__keeps_what_was_written_in_the_new_shape(operator):
    operator.run(START)
    operator.run(SWITCH)
    operator.sql("INSERT INTO phase2.jobs (status, note) VALUES ('pending', 'new')")
    assert operator.run(ROLLBACK, because="a trial") == "rolled_back"
    assert operator.sql("SELECT status FROM jobs WHERE note = 'new'") == [("started",)]
    assert operator.left() == []
    done = operator.entries()[-2].body
    assert (done["action"], done["evidence"]) == ("see that nothing is left", {"changed_since": []})
    assert operator.run(START) == "expanded"


@pytest.mark.full
def test_contract__only_a_column_that_follows_from_others__ends_and_leaves_the_key(operator):
    kept = {"kind": "add_generated_column", "table": "jobs", "column": "short", "type": "text"}
    evolution = Evolution.model_validate({"name": NAME, "operations": [{**kept, "expression": "left(status, 1)"}]})
    with operator.connect() as session:
        plan = make_plan(session, operator.config, evolution)
    operator.run(START, plan)
    operator.run(SWITCH)
    assert operator.run(CONTRACT) == "contracted"
    assert operator.sql("SELECT id, short FROM jobs ORDER BY id LIMIT 2") == [(1, "d"), (2, "s")]


def test_nothing_left__an_old_column_is_there__is_named_but_not_that_of_another_table(operator):
    operator.sql("CREATE TABLE other (status_v1 text)")
    operator.run(START, replace(operator.plan, tables=(TABLE, "public.other")))
    operator.run(SWITCH)
    with operator.context(CONTRACT) as context, operator.connect() as session:
        columns = [(TABLE, "status_v1")]
        left = remains(session, operator.config.evolve, context.plan.tables, columns, [])
        with pytest.raises(Refused, match=r"objects of 0001_status are still there.*column jobs\.status_v1"):
            require_nothing_left(context, KEPT_SUFFIX)
    assert [line for line in left if line.startswith("column")] == ["column jobs.status_v1"]


@pytest.mark.parametrize(
    "command", [START, *(pytest.param(c, marks=pytest.mark.full) for c in (SWITCH, ROLLBACK, CONTRACT))]
)
def test_crash__at_every_point__resume_goes_on_to_the_same_end(operator, command):
    for earlier in {START: (), SWITCH: (START,)}.get(command, (START, SWITCH)):
        operator.run(earlier)
    before, killed = operator.state(), operator.killed_at_each_new_point(command)
    assert len(killed) > 6, killed
    ends = {START: "expanded", SWITCH: "switched", ROLLBACK: "rolled_back", CONTRACT: "contracted"}
    assert before != ends[command]
    assert evolution_position(operator.entries(), NAME).state == ends[command]
    assert operator.wrong_rows() == []
    if command in (ROLLBACK, CONTRACT):
        assert operator.left() == []


@pytest.mark.full
@pytest.mark.parametrize("command", [START, SWITCH])
def test_crash__at_every_point__the_way_back_leaves_nothing(operator, command):
    if command == SWITCH:
        operator.run(START)
    for point in operator.points_of(command):
        with pytest.raises(Killed):
            operator.run(command, kill_at=point)
        if operator.is_under_way():
            assert operator.resume(back=True) == "rolled_back", point
            assert operator.left() == [], point
            if command == SWITCH:
                operator.run(START)
    assert operator.sql("SELECT count(*) FROM jobs WHERE status = 'started'") == [(100,)]


def test_start__table_is_held__names_who_holds_it_and_leaves_nothing(operator):
    with operator.connect(application_name="a long report") as holder, holder.transaction():
        holder.execute("SELECT count(*) FROM jobs")
        with pytest.raises(LockedOutError, match=r"no lock within 15 ms in 3 attempts.*\n.*a long report, idle in tr"):
            operator.run(START)
        assert sum("was locked out by" in line for line in operator.said) == 2
        assert operator.sql("SELECT count(*) FROM pg_attribute WHERE attname = 'status_v2'") == [(0,)]
    assert operator.state() == "starting"
    assert operator.resume() == "expanded"


def test_step__two_tables__waits_for_both_no_longer_than_for_one(operator):
    operator.sql("CREATE TABLE other (id int)")
    statements = (
        strong("ALTER TABLE public.jobs ADD COLUMN x int"),
        replace(strong("ALTER TABLE public.other ADD COLUMN x int"), table="public.other"),
    )
    plan = replace(
        index_plan(), start=(EvolveStep(name="both", statements=statements),), tables=(TABLE, "public.other")
    )
    with operator.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE other IN ACCESS SHARE MODE")
        with pytest.raises(LockedOutError):
            operator.run(START, plan)
    assert operator.resume() == "expanded"


def test_start__index_is_there_and_invalid__is_built_again(operator):
    operator.sql("INSERT INTO jobs (status, note) VALUES ('done', 'twice'), ('done', 'twice')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        operator.sql("CREATE UNIQUE INDEX CONCURRENTLY jobs_note ON jobs (note)")
    assert operator.left() == ["invalid index jobs_note"]
    operator.run(START, index_plan())
    assert operator.left() == []
    assert "public.jobs_note is there and invalid; it is built again" in operator.said


def test_recycle__sessions_from_before__idle_ones_are_ended_and_busy_ones_named(operator):
    idle, busy = operator.connect("client", application_name="idle app"), operator.connect("client")
    with busy.transaction():
        busy.execute("SELECT 1")
        with pytest.raises(Refused, match=r"HO643  1 session from before would not end within .*\n *pid \d+ \(old_"):
            operator.run(START)
    with pytest.raises(psycopg.OperationalError):
        idle.execute("SELECT 1")
    assert operator.resume() == "expanded"
    with pytest.raises(psycopg.OperationalError):
        busy.execute("SELECT 1")
    fresh = operator.sql("SHOW search_path", "client")
    assert fresh == [("phase1, public",)]


def test_rollback__new_client_is_connected__waits_for_its_end(operator):
    operator.run(START)
    operator.run(SWITCH)
    with operator.connect(application_name="new client") as client:
        with pytest.raises(
            Refused,
            match=r"HO648  clients of the new shape are connected: 1 session, the first is pid \d+ \(owner, new client",
        ):
            operator.run(ROLLBACK, because="a trial")
        client.execute("INSERT INTO phase2.jobs (status, note) VALUES ('pending', 'late')")
    assert operator.state() == "rolling_back"
    assert operator.resume() == "rolled_back"
    assert operator.sql("SELECT status FROM jobs WHERE note = 'late'") == [("started",)]


def test_switch__a_row_differs__is_refused_and_names_it(operator):
    operator.run(START)
    operator.sql(f"ALTER TABLE {TABLE} DISABLE TRIGGER USER")
    operator.sql("UPDATE jobs SET status_v2 = 'paused' WHERE id = 7")
    with pytest.raises(Refused, match=r"HO647  the old and the new shape differ in 1 row: .*7"):
        operator.run(SWITCH)
    assert operator.state() == "switching"
    operator.sql("UPDATE jobs SET status_v2 = 'done' WHERE id = 7")
    with operator.context("validate") as context:
        assert differing(compare_rows(context, switched=False)) == 0
    operator.sql(f"ALTER TABLE {TABLE} ENABLE TRIGGER USER")
    assert operator.resume() == "switched"


def test_switch__a_path_does_not_lead_to_the_old_shape_any_more__is_refused(operator):
    operator.run(START)
    here = f"ALTER ROLE {operator.role} IN DATABASE {operator.pair.database.name} SET search_path ="
    for path in ("public", "public, phase1"):
        operator.sql(f"{here} {path}")
        expected = (
            rf'HO643  the search path of {operator.role} does not lead to phase1, but .* = "phase1", public; end its'
        )
        with pytest.raises(Refused, match=expected):
            operator.run(SWITCH)
    assert operator.state() == "expanded"
    operator.sql(f"{here} phase1, public")
    assert operator.run(SWITCH) == "switched"


def test_sessions_of_carrying_roles__that_do_not_tell_that_they_set_the_path__are_found(operator):
    told = {"carrying_roles": (operator.role,), "path_sessions": "application_name LIKE 'app %'"}
    settings = operator.config.evolve.model_copy(update=told)
    with operator.connect() as owner, operator.connect("client", application_name="older") as client:
        assert [one.pid for one in pathless_clients(owner, settings)] == [client.info.backend_pid]
        client.execute("SET application_name = 'app 2'")
        assert pathless_clients(owner, settings) == []
        wrong = settings.model_copy(update={"path_sessions": "no_such_column"})
        with pytest.raises(Refused, match=r"HO642  \[evolve\] path_sessions is not a condition on pg_stat_activity"):
            pathless_clients(owner, wrong)


def test_contract__the_old_shape_is_used__is_refused_with_each_use(operator):
    operator.run(START)
    operator.run(SWITCH)
    operator.sql("CREATE VIEW reports AS SELECT status FROM phase1.jobs")
    reader, stranger = (f"{name}_{secrets.token_hex(4)}" for name in ("reader", "stranger"))
    for role in (reader, stranger):
        operator.pair.superuser(f"CREATE ROLE {role}; ALTER ROLE {role} SET search_path = phase1, public")
    operator.pair.superuser(f"GRANT USAGE ON SCHEMA phase1 TO {reader}")
    with operator.connect("client", application_name="the old app") as client, client.transaction():
        client.execute("SELECT count(*) FROM jobs")
        with pytest.raises(Refused) as refused:
            operator.run(CONTRACT)
    operator.pair.superuser(f"DROP OWNED BY {reader}; DROP ROLE {reader}, {stranger}")
    said = str(refused.value)
    assert "the old shape is still used; nothing was dropped" in said
    assert "a session expects the old shape: pid" in said
    assert "the old app" in said
    assert f"the role {reader} has search_path=phase1, public in every database" in said
    assert stranger not in said
    assert "reads or writes phase1.jobs at this moment" in said
    assert "rule _RETURN on view reports is made from the view phase1.jobs" in said
    assert operator.state() == "switched"
    operator.sql("DROP VIEW reports")
    assert operator.run(CONTRACT) == "contracted"


def test_start__gates_are_red__is_refused_with_all_four_and_changes_nothing(operator):
    with pytest.raises(Refused, match=r"HO645  4 of 4 gates are red; nothing was changed\.") as refused:
        operator.run(START, overrides={})
    for gate, why in (
        ("stable", "people were never moved to the backend"),
        ("decommissioned", "the move is in the state preparing"),
        ("users-moved", "people reach: unknown"),
        ("no-rollback", "in the state preparing people may have to be moved back"),
    ):
        assert f"gate {gate} is red: {why}" in str(refused.value)
    assert operator.state() == "at rest"
    with pytest.raises(Refused, match=r"there is no gate calm; there are stable, decommissioned, users-moved"):
        operator.run(START, overrides={"calm": "a trial"})


def test_start__gates_are_overridden__is_recorded(operator):
    operator.run(START, index_plan())
    gates = next(entry for entry in operator.entries() if entry.kind == "gates")
    assert [gate["overridden"] for gate in gates.body["gates"]] == ["a trial"] * 4
    assert gates.body["stream"] == f"evolve/{NAME}"
    assert sum("OVERRIDDEN  gate" in line for line in operator.said) == 4


def test_start__a_role_that_no_one_declared_may_use_the_table__is_refused(operator):
    operator.pair.superuser("CREATE ROLE evolve_stranger LOGIN")
    try:
        operator.sql(f"GRANT SELECT ON {TABLE} TO evolve_stranger")
        with pytest.raises(Refused, match=r"HO644  evolve_stranger may use jobs, and \[evolve\] does not say which"):
            operator.run(START)
        assert operator.run(START, index_plan()) == "expanded"
    finally:
        operator.pair.superuser("DROP OWNED BY evolve_stranger; DROP ROLE evolve_stranger")


def test_start__a_role_with_rights_on_one_column_or_by_another_role__is_seen(operator):
    operator.pair.superuser(
        "CREATE ROLE evolve_reader; CREATE ROLE evolve_column LOGIN; CREATE ROLE evolve_member LOGIN"
    )
    try:
        operator.pair.superuser("GRANT evolve_reader TO evolve_member")
        operator.sql(f"GRANT SELECT ON {TABLE} TO evolve_reader; GRANT UPDATE (note) ON {TABLE} TO evolve_column")
        with pytest.raises(Refused) as refused:
            operator.run(START)
        said = str(refused.value)
        assert ("HO644  evolve_column may use" in said, "HO644  evolve_member may use" in said) == (True, True)
        assert "evolve_reader may use" not in said  # it cannot log in
    finally:
        roles = "evolve_reader, evolve_column, evolve_member"
        operator.pair.superuser(f"DROP OWNED BY {roles}; DROP ROLE {roles}")


def test_sessions__that_this_role_may_not_look_into__count_as_from_before(operator):
    operator.pair.superuser("CREATE ROLE evolve_blind LOGIN PASSWORD 'blind'")
    try:
        with operator.connect(user="evolve_blind", password="blind") as blind, operator.connect("client") as client:
            visible = "SELECT backend_start FROM pg_stat_activity WHERE pid = %s"
            assert blind.execute(visible, [client.info.backend_pid]).fetchone() == (None,)
            before = datetime.now(UTC) - timedelta(days=1)
            (found,) = sessions_of(blind, [operator.role], before)
            assert (found.pid, "state not visible" in str(found)) == (client.info.backend_pid, True)
            # What is asked cannot be seen, so it may be a new client, and it may be another one.
            settings = operator.config.evolve.model_copy(update={"new_sessions": "state = 'active'"})
            assert found.pid in [one.pid for one in new_clients(blind, settings)]
            assert found.pid in [one.pid for one in other_clients(blind, settings)]
    finally:
        operator.pair.superuser("DROP ROLE evolve_blind")


def test_commands__settings_are_others_than_at_the_start__are_refused(operator):
    operator.run(START)
    declared = f'old_roles = ["{operator.role}"]'
    for now, name in (("old_roles = []", "old_roles"), (f'{declared}\nold_schema = "phase0"', "old_schema")):
        operator.pair.change("handover.toml", declared, now)
        for command in (SWITCH, ROLLBACK):
            with pytest.raises(
                Refused, match=rf"HO655  0001_status started with \[evolve\] {name}: .* another value now"
            ):
                operator.run(command)
        operator.pair.change("handover.toml", now, declared)
    assert operator.run(SWITCH) == "switched"


def test_start__another_evolution__waits_for_its_turn(operator):
    folder = operator.pair.folder / "evolution"
    folder.mkdir()
    (folder / "0000_first.toml").write_text("")
    with pytest.raises(Refused, match=r"HO649  0000_first comes before 0001_status, and its state is none"):
        operator.run(START, index_plan())
    (folder / "0000_first.toml").unlink()
    operator.run(START, index_plan())
    with pytest.raises(Refused, match=r"HO649  0001_status is under way: its state is expanded"):
        operator.run(START, index_plan(), name="0002_other")


def test_start__a_second_time__is_refused_by_the_state(operator):
    operator.run(START, index_plan())
    with pytest.raises(Refused, match=r"HO505  `evolve start` leads from none, rolled_back; the state is expanded"):
        operator.run(START, index_plan())
    with pytest.raises(Refused, match=r"HO505  `evolve contract` leads from switched; .* evolve switch 0001_status"):
        operator.run(CONTRACT)


def test_pause__in_the_middle_of_a_step__stops_it_and_resume_goes_on_when_it_is_lifted(operator):
    def pause(point: str) -> None:
        if point == "start: recycle: begun":
            with operator.pair.process("pause", "--because", "a fire", stderr=subprocess.DEVNULL) as pausing:
                try:
                    pausing.wait()
                finally:  # its signal ends that wait
                    pausing.wait()

    with pytest.raises(StoppedError, match="HO504"):
        operator.run(START, at=pause)
    assert "a fire" in operator.pair.handover("status").stdout
    # What a step asks between batches, for a signal that was lost.
    with (
        operator.context("look") as context,
        pytest.raises(Refused, match=r"HO507  everything is paused by .*: a fire"),
    ):
        context.go_on()
    with pytest.raises(Refused, match="HO507"):
        operator.resume()
    assert operator.pair.handover("pause", "--lift").returncode == 0
    assert operator.resume() == "expanded"


def test_journal__of_an_older_version__gets_the_table_of_the_steps_when_it_is_needed(operator):
    operator.sql("DROP TABLE handover.evolution_steps")
    operator.run(START, index_plan())
    assert operator.sql("SELECT step FROM handover.evolution_steps WHERE done_at IS NOT NULL") == [
        ("start: index jobs_note",)
    ]


def test_plan__in_the_journal_is_another_than_was_written__is_refused(operator):
    operator.run(START, index_plan())
    entries = operator.entries()
    start = next(entry for entry in entries if entry.kind == "run")
    start.body["facts"]["plan"]["remove"][0]["statements"][0]["sql"] = "DROP TABLE public.jobs"
    with pytest.raises(Refused, match=r"HO640  the plan of 0001_status in the journal is not as it was written"):
        plan_of(entries, NAME)


def test_status__in_the_middle__says_what_is_under_way_and_what_to_type(operator):
    with pytest.raises(Killed):
        operator.run(START, kill_at="start: backfill public.jobs: begun")
    text = "\n".join(evolution_lines(operator.entries()))
    assert f"Evolution {NAME}: starting since" in text
    assert "Under way: evolve start; 2 of 7 actions are done." in text
    assert "`start: backfill public.jobs` was begun; the journal does not say whether it was done." in text
    assert "Next: handover resume (or back: handover resume --back)" in text
    told = operator.pair.handover("status", "--json").json()["evolutions"]
    assert (told[0]["state"], told[0]["under_way"]) == ("starting", "evolve start")
    assert operator.pair.handover("resume").stdout.startswith(f"{NAME}: expanded: ")


UNSAFE = {
    "waits without a limit": replace(strong("ALTER TABLE public.jobs ADD x int"), wait_ms=None),
    "holds it as long as the table is large": replace(strong("ALTER TABLE public.jobs ADD x int"), long=True),
    "names no table": replace(strong("ALTER TABLE public.jobs ADD x int"), table=""),
}


@pytest.mark.parametrize("what", UNSAFE)
def test_start__unsafe_statement_in_the_plan__is_refused(operator, what):
    plan = replace(index_plan(), contract=(EvolveStep(name="unsafe", statements=(UNSAFE[what],)),))
    with pytest.raises(
        Refused, match=rf"HO641  .* is not safe to run; nothing was changed:\n *contract: unsafe: .*{what}"
    ):
        operator.run(START, plan)


def test_start__steps_that_cannot_be_told_apart_or_run__are_refused(operator):
    twice = index_step("jobs_note", "note")
    lost = EvolveStep(name="lost", how="batches", work="dance")
    plain = replace(twice, name="plain", statements=(replace(twice.statements[0], sql="CREATE INDEX x ON jobs (id)"),))
    with pytest.raises(Refused) as refused:
        operator.run(START, replace(index_plan(), start=(twice, twice, lost, plain)))
    for line in (
        "start: 2 steps are named 'index jobs_note'",
        "start: lost: no work is named 'dance'",
        "start: plain: it runs alone and is not CONCURRENTLY",
    ):
        assert line in str(refused.value)


def test_other_commands__an_evolution_is_under_way__are_refused(operator):
    operator.run(START)
    for words, what in (
        (["adopt", "--undo"], "undoing the adoption"),
        (["adopt", "--finish"], "retiring tables"),
        (["adopt", "--finish", "--undo"], "bringing back tables"),
        (["init-journal", "--undo", "--apply", "--confirm", operator.pair.database.name], "removing the journal"),
    ):
        ended = operator.pair.handover(*words)
        assert ended.returncode == 3
        assert f"HO652  the evolution {NAME} is under way (its state is expanded): {what} would take" in ended.stderr
    operator.run(SWITCH)
    operator.run(CONTRACT)
    ended = operator.pair.handover("adopt", "--undo")
    assert "HO652  the evolution 0001_status has changed public.jobs for good" in ended.stderr
    assert "does not know them so. Undoing the adoption cannot bring back its schema." in ended.stderr
    assert "HO652" not in operator.pair.handover("adopt", "--finish").stderr
