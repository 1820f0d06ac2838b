"""The contract takes the rights of the old roles on the changed tables; what it could not take is told before."""

import secrets
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from handover.errors import Refused
from handover.evolve.taken_rights import check_taken_rights
from handover_testing.evolve_operator import START
from handover_testing.handmade_plan import NAME

TABLES = "CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE other (id int); INSERT INTO t VALUES (1, 1)"
BIG = {"kind": "change_type", "table": "t", "column": "a", "type": "bigint", "up": "$1", "down": "$1"}
VALUES = """
[[operations]]
kind = "rename_values"
table = "jobs"
column = "status"
values = { started = "pending" }
"""
OVERRIDES = [word for g in ("stable", "decommissioned", "users-moved", "no-rollback") for word in ("--override", g)]
# By what a role would keep a right: statements of a superuser, and the reason that is told.
LASTING = {
    "ownership": ("ALTER TABLE t OWNER TO {role}", "it owns the table"),
    "membership in the owner": (
        "GRANT {group} TO {role}; ALTER TABLE t OWNER TO {group}",
        "it is a member of {group}, which owns",
    ),
    "another role": ("GRANT {group} TO {role}; GRANT DELETE ON t TO {group}", "it is a member of {group}"),
    "another role's column": ("GRANT {group} TO {role}; GRANT UPDATE (a) ON t TO {group}", "it is a member of {group}"),
    "everyone": ("GRANT SELECT ON t TO PUBLIC", "PUBLIC has it"),
    "a role for all data": ("GRANT pg_write_all_data TO {role}", "it is a member of pg_write_all_data"),
    "another's grant": (
        "GRANT SELECT ON t TO {group} WITH GRANT OPTION; SET ROLE {group}; GRANT SELECT ON t TO {role}; RESET ROLE",
        "{group} granted it, who does not own the table",
    ),
    "its own grant": (
        "GRANT SELECT ON t TO {role} WITH GRANT OPTION; SET ROLE {role}; GRANT SELECT ON t TO {group}; RESET ROLE",
        "it granted rights to {group}",
    ),
    "superuser": ("ALTER ROLE {role} SUPERUSER", "it is a superuser"),
}


@contextmanager
def old_role(one, given="", also=""):
    """Make an old role and a group, and run statements as a superuser; afterwards both are gone."""
    role, group = (f"rights_{secrets.token_hex(4)}" for _ in range(2))
    names = {"role": sql.Identifier(role), "group": sql.Identifier(group)}
    one.session.execute(sql.SQL("CREATE ROLE {role} LOGIN; CREATE ROLE {group}").format(**names))
    one.evolve = f'old_roles = ["{role}"]\n{also.format(role=role)}'
    try:
        if given:
            with one.database.server.connect(one.database.name) as superuser:
                superuser.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {role}, {group}").format(**names))
                superuser.execute(sql.SQL(given).format(**names))
        yield role, group
    finally:
        with one.database.server.connect(one.database.name) as superuser:
            superuser.execute(sql.SQL("DROP OWNED BY {role}, {group} CASCADE").format(**names))
            superuser.execute(sql.SQL("DROP ROLE {role}, {group}").format(**names))


def may(one, role, table, right):
    return one.session.execute("SELECT has_any_column_privilege(%s, %s, %s)", [role, table, right]).fetchone()[0]


def test_contract__rights_of_an_old_role__are_taken_on_the_changed_table_alone(one):
    one.execute(TABLES)
    with old_role(one) as (role, group):
        one.execute(f"GRANT ALL ON t, other TO {role}; GRANT UPDATE (a) ON t TO {role}; GRANT SELECT ON t TO {group}")
        plan = one.plan(BIG)
        check_taken_rights(one.session, plan)
        one.run(plan, "start", "switch")
        assert may(one, role, "t", "SELECT")
        one.run(plan, "contract")
        assert [right for right in ("SELECT", "INSERT", "UPDATE") if may(one, role, "t", right)] == []
        assert not one.session.execute("SELECT has_table_privilege(%s, 't', 'DELETE')", [role]).fetchone()[0]
        assert (may(one, role, "other", "SELECT"), may(one, group, "t", "SELECT")) == (True, True)
        assert one.problems == []


def test_contract__role_that_keeps_its_rights__has_them_afterwards(one):
    one.execute(TABLES)
    with old_role(one, LASTING["everyone"][0], 'kept_rights = ["{role}"]\n') as (role, _):
        one.execute(f"GRANT SELECT ON t TO {role}")
        plan = one.plan(BIG)
        check_taken_rights(one.session, plan)
        one.run(plan, "start", "switch", "contract")
        assert may(one, role, "t", "SELECT")


@pytest.mark.parametrize("by", LASTING)
@pytest.mark.thinned(to_one_in=3)
def test_start__right_that_the_contract_could_not_take__is_told_with_its_reason(one, by):
    given, reason = LASTING[by]
    one.execute(TABLES)
    with old_role(one) as (role, group):
        plan = one.plan(BIG)
        check_taken_rights(one.session, plan)
        with one.database.server.connect(one.database.name) as superuser:
            names = {"role": sql.Identifier(role), "group": sql.Identifier(group)}
            superuser.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {role}, {group}").format(**names))
            superuser.execute(sql.SQL(given).format(**names))
        with pytest.raises(Refused) as refused:
            check_taken_rights(one.session, plan)
    said = f"HO672  the role {role} would keep rights on public.t after the contract: {reason.format(group=group)}"
    assert said in str(refused.value)
    assert str(refused.value).count("HO672") == 1


@pytest.mark.full
def test_contract__by_the_command_line__is_refused_while_rights_would_stay_or_new_clients_need_them(operator):
    folder = operator.pair.folder / "evolution"
    folder.mkdir()
    (folder / f"{NAME}.toml").write_text(VALUES)
    contract = ("evolve", "contract", "--apply", "--confirm", NAME)
    operator.sql("GRANT SELECT ON jobs TO pg_monitor")  # which no one is a member of
    assert operator.pair.handover(*START.split(), "--apply", *OVERRIDES, "--because", "a trial").returncode == 0
    assert operator.pair.handover("evolve", "switch", "--apply").returncode == 0
    operator.sql("GRANT DELETE ON jobs TO PUBLIC")
    with operator.connect("client", application_name="new client") as client:
        said = operator.pair.handover(*contract).stderr
        assert (
            f"HO646  the role {operator.role} would keep rights on public.jobs after the contract: PUBLIC has" in said
        )
        expected = f"loses its rights, and a client of the new shape uses it: pid {client.info.backend_pid} "
        assert expected in said
    operator.sql("REVOKE DELETE ON jobs FROM PUBLIC")
    done = operator.pair.handover(*contract)
    assert done.stdout.startswith(f"{NAME}: contracted: "), done.stderr
    with operator.connect("client") as client, pytest.raises(psycopg.errors.InsufficientPrivilege):
        client.execute("DELETE FROM jobs")
