"""The search paths of the old roles: they find the old shape before the tables, and get back what they had."""

import secrets
from contextlib import contextmanager

import pytest
from psycopg import sql

from handover.errors import Refused

TABLE = "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1)"
BIG = {"kind": "change_type", "table": "t", "column": "a", "type": "bigint", "up": "$1", "down": "$1"}
# What is set for the role before, and its path while both shapes live.
PATHS = {
    "nothing": ("", '"$user", phase1, public'),
    "a schema of its own": ("ALTER ROLE {role} SET search_path = mine, public", "mine, phase1, public"),
    "in this database only": (
        "ALTER ROLE {role} IN DATABASE {database} SET search_path = one, two",
        "phase1, one, two",
    ),
    "behind the tables": (
        "ALTER ROLE {role} SET search_path = public, phase1",
        "phase1, public",
    ),
    "for every role of this database": (
        "ALTER DATABASE {database} SET search_path = public, other",
        "phase1, public, other",
    ),
}


@contextmanager
def role_in(one, setting=""):
    """Make a role that the owner administers; afterwards it is gone."""
    name = f"Evolve-{secrets.token_hex(4)}"  # as roles of people and of clouds are called
    names = {"role": sql.Identifier(name), "database": sql.Identifier(one.database.name)}
    one.session.execute(sql.SQL("CREATE ROLE {role} LOGIN").format(**names))
    try:
        if setting:
            one.session.execute(sql.SQL(setting).format(**names))
        yield name
    finally:
        with one.database.server.connect(one.database.name) as superuser:
            superuser.execute(sql.SQL("DROP OWNED BY {role}").format(**names))
            superuser.execute(sql.SQL("DROP ROLE {role}").format(**names))


def settings_of(one, role):
    query = """
        SELECT d.datname IS NULL, setconfig FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
         WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = %s) ORDER BY 1
    """
    return one.session.execute(query, [role]).fetchall()


def everywhere(one, role):
    """Return what is set for a role in every database."""
    return [row for row in settings_of(one, role) if row[0]]


def path_of(one, role):
    with one.database.server.connect(one.database.name) as session:
        session.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
        rows = settings_of(one, role)
    return rows[0][1][0].removeprefix("search_path=") if rows else ""


@pytest.mark.parametrize("case", PATHS)
@pytest.mark.thinned(to_one_in=3)
def test_paths__of_an_old_role__find_the_old_shape_and_come_back(case, one):
    before, expected = PATHS[case]
    one.execute(TABLE)
    with role_in(one, before) as role:
        one.evolve = f'old_roles = ["{role}"]\n'
        was = settings_of(one, role)
        plan = one.plan(BIG)
        one.run(plan, "start")
        assert path_of(one, role) == expected
        # Other databases of the server have this role as well: nothing is set, or set anew, for all of them.
        assert everywhere(one, role) == [row for row in was if row[0]]
        one.run(plan, "remove")
        assert settings_of(one, role) == was
        one.run(plan, "start", "switch", "contract")
        assert settings_of(one, role) == was


def test_paths__schema_is_there_already__are_left_alone(one):
    one.execute(TABLE)
    with role_in(one, "ALTER ROLE {role} SET search_path = phase1, public") as role:
        one.evolve = f'old_roles = ["{role}"]\n'
        plan = one.plan(BIG)
        assert not [step for step in plan.start if step.name == "search paths of the old roles"]
        assert [step.arguments for step in plan.start if step.work == "recycle"] == [{"roles": [role]}]


def test_paths__of_a_role_that_this_session_may_not_change__are_refused_with_the_statement(one):
    one.execute(TABLE)
    with role_in(one) as role:
        with one.database.server.connect() as superuser:
            superuser.execute(sql.SQL("REVOKE {} FROM owner CASCADE").format(sql.Identifier(role)))
        one.evolve = f'old_roles = ["{role}"]\n'
        expected = (
            rf"HO670  role {role} has the search path .*public, and this session may not change it;.*\n"
            rf".*As a superuser, or with the admin option on {role}: ALTER ROLE \"{role}\" "
            rf"IN DATABASE \"{one.database.name}\" SET search_path = .*, public"
        )
        with pytest.raises(Refused, match=expected):
            one.plan(BIG)


def test_paths__of_a_role_that_is_not_there__are_refused(one):
    one.execute(TABLE)
    one.evolve = 'old_roles = ["nobody_here"]\n'
    with pytest.raises(Refused, match=r"HO660  the server has no role nobody_here\. Correct \[evolve\] old_roles"):
        one.plan(BIG)


def test_views__of_both_shapes__let_in_the_roles_of_the_table(one):
    one.execute(TABLE)
    with role_in(one) as role:
        one.session.execute(sql.SQL("GRANT SELECT, UPDATE (a) ON t TO {}").format(sql.Identifier(role)))
        plan = one.plan(BIG)
        one.run(plan, "start")
        for schema in ("phase1", "phase2"):
            with one.database.server.connect(one.database.name) as session:
                session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
                session.execute(sql.SQL("UPDATE {}.t SET a = a + 1").format(sql.Identifier(schema)))
                assert not session.execute("SELECT has_table_privilege('phase1.t', 'DELETE')").fetchone()[0]
        assert one.rows("t", path="phase1") == [(1, 3)]
        one.run(plan, "remove")
