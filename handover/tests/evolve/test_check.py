"""While an evolution is under way, the check compares each system with the shape that it sees."""

import pytest

from handover.journal.evidence import recording
from handover.proof.groups import concurrent_writes
from handover.proof.target import ProofTarget

UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
EVOLUTION = f"""
[[operations]]
kind = "rename_values"
table = "dance_tasks"
column = "status"
values = {{ started = "pending" }}

[[operations]]
kind = "change_type"
table = "dance_tasks"
column = "task_id"
type = "uuid"
up = "CASE WHEN $1 ~ '{UUID}' THEN $1::uuid ELSE md5($1)::uuid END"
down = "$1::text"
mapped = "$1 !~ '{UUID}'"
"""
GATES = ("stable", "decommissioned", "users-moved", "no-rollback")
OVERRIDES = [word for gate in GATES for word in ("--override", gate)] + ["--because", "a trial"]
SYSTEMS = ("drift_original", "drift_backend")


@pytest.fixture
def expanded(operator):
    """Both systems see the old shape, by a search path that holds for this database alone."""
    folder = operator.pair.folder / "evolution"
    folder.mkdir()
    (folder / "0001_tasks.toml").write_text(EVOLUTION)
    # Another test's role, which belongs to one of the pair's; roles are of the whole server.
    carrying = ", ".join(f'"{role}"' for role in SYSTEMS)
    operator.pair.change(
        "handover.toml",
        'other_roles = ["owner"]',
        f'other_roles = ["owner", "drift_login"]\ncarrying_roles = [{carrying}]',
    )
    for role in SYSTEMS:
        see(operator, role, "phase1")
    started = operator.pair.handover("evolve", "start", "--apply", *OVERRIDES)
    assert started.returncode == 0, started.stderr
    for role in SYSTEMS:
        operator.pair.superuser(
            f"GRANT USAGE ON SCHEMA phase1, phase2 TO {role};"
            f"GRANT ALL ON ALL TABLES IN SCHEMA phase1 TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA phase2 TO {role}"
        )
    return operator


def see(operator, role, schema):
    name = operator.pair.database.name
    operator.pair.superuser(f"ALTER ROLE {role} IN DATABASE {name} SET search_path = {schema}, public")


def switched(operator):
    ended = operator.pair.handover("evolve", "switch", "--apply")
    assert ended.returncode == 0, ended.stderr


def test_check__both_systems_see_the_old_shape_of_a_switched_table__is_clean_and_still_sees_a_fault(expanded):
    switched(expanded)
    ended = expanded.pair.check("--json")
    assert (ended.returncode, ended.codes()) == (0, [])
    assert "dance_tasks" in ended.stdout
    expanded.sql("DROP INDEX dance_user_status_idx")
    ended = expanded.pair.check("--json")
    assert ended.returncode == 4
    (found,) = ended.json()["findings"]
    assert (found["code"], found["place"]) == ("HO018", "phase1.dance_tasks (user_id, status)")
    assert found["todo"].startswith("An evolution changes this table: contract it or roll it back first")


def test_check__the_systems_see_different_shapes__has_no_verdict(expanded):
    see(expanded, "drift_backend", "phase2")
    ended = expanded.pair.check()
    assert ended.returncode == 1
    assert (
        "HO006  an evolution is under way, and the two systems expect different shapes of public.dance_tasks"
        in ended.stderr
    )


@pytest.mark.full
def test_prove__the_systems_see_different_shapes__says_that_nothing_was_compared_there(expanded, tmp_path):
    see(expanded, "drift_backend", "phase2")
    reading = ("prove", "--i-mean-production", "--group", "read-across")
    ended = expanded.pair.handover(*reading)
    assert ended.returncode == 1, ended.stderr
    told = " ".join(ended.stdout.split())
    assert "The evolution 0001_tasks is expanded: public.dance_tasks have both shapes" in told
    assert "an evolution is under way, and the two systems see different shapes of it" in told, ended.stdout
    config = expanded.config
    target = ProofTarget(config, expanded.pair.database.url("owner"), True, "small", 0, lambda _: None)
    with recording(config.model_copy(update={"root": tmp_path}), "prove") as recorder:
        outcome = concurrent_writes.prove(target, recorder)
    assert "dance_tasks: an evolution is under way" in outcome.failures[0].finding.todo
    for role in SYSTEMS:
        see(expanded, role, "phase1")
    assert "different shapes" not in expanded.pair.handover(*reading).stdout


@pytest.mark.full
def test_check__both_systems_see_the_new_shape__is_told_only_what_their_models_do_not_know(expanded):
    for role in SYSTEMS:
        see(expanded, role, "phase2")
    switched(expanded)
    # The old models: the type, the values, and an index for LIKE that a uuid has not. Nothing about keys or NULL.
    assert sorted(expanded.pair.check("--json").codes()) == ["HO012", "HO160", "HO220"]


@pytest.mark.full
def test_check__a_system_uses_the_table_itself__is_told_about_the_trigger(expanded):
    for role in SYSTEMS:
        see(expanded, role, "public")
    found = next(one for one in expanded.pair.check("--json").json()["findings"] if one["code"] == "HO163")
    assert "is the trigger of an evolution, and the systems use the table itself" in str(found)
