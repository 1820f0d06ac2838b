"""A key changes its type together with the tables of other schemas and other owners that point at it."""

import secrets

import pytest
from psycopg import errors, sql

from handover.errors import Refused
from handover.evolve.dependents import dependents
from handover_testing.evolving import differences

SHARED = """
    CREATE TABLE public.p (id varchar(36) PRIMARY KEY, t text);
    INSERT INTO public.p SELECT md5(n::text)::uuid::text, 'p' || n FROM generate_series(1, 9) n
"""
# The backend's own tables, in its own schema: the second points at the first, by the same key.
OWN = """
    CREATE TABLE own.c (n int PRIMARY KEY, p varchar(36) NOT NULL UNIQUE
        CONSTRAINT c_p REFERENCES public.p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
    CREATE INDEX c_np ON own.c (n, p);
    CREATE TABLE own.d (n int PRIMARY KEY, c varchar(36) CONSTRAINT d_c REFERENCES own.c (p) ON DELETE SET NULL);
    INSERT INTO own.c SELECT row_number() OVER (), id FROM public.p;
    INSERT INTO own.d SELECT n, p FROM own.c
"""
AFTER = {
    "p": "CREATE TABLE public.p (id uuid PRIMARY KEY, t text)",
    "c": """CREATE TABLE own.c (n int PRIMARY KEY, p uuid NOT NULL UNIQUE
        CONSTRAINT c_p REFERENCES public.p ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
    CREATE INDEX c_np ON own.c (n, p)""",
    "d": "CREATE TABLE own.d (n int PRIMARY KEY, c uuid CONSTRAINT d_c REFERENCES own.c (p) ON DELETE SET NULL)",
}
KEY = {"kind": "change_type", "table": "p", "column": "id", "type": "uuid", "up": "$1::uuid", "down": "$1::text"}
WRITES = (
    "INSERT INTO p (id, t) VALUES ('00000000-0000-0000-0000-00000000000{0}', 'new')",
    "INSERT INTO c (n, p) VALUES (20{0}, '00000000-0000-0000-0000-00000000000{0}')",
    "INSERT INTO d (n, c) VALUES (20{0}, '00000000-0000-0000-0000-00000000000{0}')",
    "UPDATE c SET n = n + 100 WHERE p = '00000000-0000-0000-0000-00000000000{0}'",
    "DELETE FROM p WHERE id = '00000000-0000-0000-0000-00000000000{0}'",
    "DELETE FROM d WHERE n = 20{0} AND c IS NULL",
)
ORPHANS = (
    "INSERT INTO c (n, p) VALUES (100, '00000000-0000-0000-0000-000000000000')",
    "INSERT INTO d (n, c) VALUES (100, '00000000-0000-0000-0000-000000000000')",
)
GRANT = "GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON p TO {}"
STAGES = ("start", "switch", "back", "remove", "start", "switch", "contract")


@pytest.fixture
def backend(one):
    """The role of the backend: its tables stand in a schema of its own; the administrator is a member of it."""
    name = f"own_{secrets.token_hex(4)}"
    role = sql.Identifier(name)
    with one.database.server.connect(one.database.name) as superuser:
        superuser.execute(sql.SQL("CREATE ROLE {} LOGIN; GRANT {} TO owner WITH ADMIN OPTION").format(role, role))
        superuser.execute(sql.SQL("CREATE SCHEMA own AUTHORIZATION {}").format(role))
    one.execute(SHARED)
    one.session.execute(sql.SQL(GRANT).format(role))
    one.session.execute(sql.SQL("SET ROLE {}").format(role))
    one.execute(OWN)
    one.execute("RESET ROLE")
    one.session.execute(sql.SQL("ALTER ROLE {} SET search_path = own, public").format(role))
    one.evolve = f'old_roles = ["{name}"]\nkept_rights = ["{name}"]\n'
    yield name
    with one.database.server.connect(one.database.name) as superuser:
        superuser.execute(sql.SQL("DROP OWNED BY {} CASCADE; DROP ROLE {}").format(role, role))


def whole(one):
    """Return what the catalog says about the tables of both schemas."""
    return one.catalog("p"), one.catalog("c", "d", schema="own")


def as_backend(one, role, statement, path):
    """Run a statement as the backend does, with a search path of its own."""
    one.session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    try:
        return one.execute(statement, path=path)
    finally:
        one.execute("RESET ROLE", "SET search_path = public")


def paths(one):
    """Return the paths by which the backend reaches its tables at this moment."""
    query = "SELECT nspname || ', own, public' FROM pg_namespace WHERE nspname LIKE 'phase%'"
    return ["own, public", *(path for (path,) in one.execute(query))]


def test_key__own_tables_of_another_schema_point_at_it__writes_and_keys_hold_at_every_step(one, backend):
    before = whole(one)
    tried = 0
    plan = one.plan(KEY)
    assert plan.tables == ("public.p", "own.c", "own.d")
    for part in STAGES:
        if part == "start":
            plan = one.plan(KEY)
        for step in plan.part(part):
            one.step(step)
            for number, path in enumerate(paths(one)):
                for statement in WRITES:
                    as_backend(one, backend, statement.format(number), path)
                for statement in ORPHANS:
                    with pytest.raises(errors.ForeignKeyViolation):
                        as_backend(one, backend, statement, path)
                    tried += 1
        if part == "remove":
            assert [differences(*both) for both in zip(before, whole(one), strict=True)] == [{}, {}]
    assert tried > 200
    assert one.problems == []
    assert one.execute("SELECT count(*), count(DISTINCT c.p), min(pg_typeof(d.c)::text) FROM p JOIN own.c ON p = id"
                       " JOIN own.d ON d.c = c.p") == [(9, 9, "uuid")]  # fmt: skip
    after = whole(one)
    as_fresh(one, backend)
    assert [differences(*both) for both in zip(after, whole(one), strict=True)] == [{}, {}]


def as_fresh(one, role):
    """Make the tables anew, as a fresh database of the new shape has them."""
    with one.database.server.connect(one.database.name) as superuser:
        superuser.execute("DROP TABLE own.d, own.c, public.p CASCADE")
    one.execute(AFTER["p"])
    one.session.execute(sql.SQL(GRANT).format(sql.Identifier(role)))
    one.session.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    one.execute(AFTER["c"], AFTER["d"])
    one.execute("RESET ROLE")


def test_key__own_tables_of_another_schema_point_at_it__each_shape_is_found_by_its_path(one, backend):
    plan = one.plan(KEY)
    (moved,) = [step for step in plan.start if step.name == "search paths of the old roles"]
    assert moved.statements[0].sql.endswith('SET search_path = "phase1", own, public')
    one.run(plan, "start", "switch")
    kind = "SELECT min(pg_typeof(p)::text), count(*) FROM c"
    assert as_backend(one, backend, kind, "phase1, own, public") == [("character varying", 9)]
    assert as_backend(one, backend, kind, "phase2, own, public") == [("uuid", 9)]
    with pytest.raises(errors.InsufficientPrivilege, match="schema phase1"):
        as_backend(one, backend, "CREATE TABLE z ()", "phase1, own, public")
    found = [one.step(step, switched=True) for step in plan.validate]
    assert [(one_["rows"], one_["differing_count"]) for one_ in found] == [(9, 0)] * 3


def test_validate__an_own_row_points_elsewhere_in_the_new_shape__is_named(one, backend):
    plan = one.plan(KEY)
    one.run(plan, "start")
    with one.database.server.connect(one.database.name) as superuser:
        superuser.execute("SET session_replication_role = replica; ALTER TABLE own.d DISABLE TRIGGER USER")
        superuser.execute("UPDATE own.d SET c_v2 = gen_random_uuid() WHERE n = 7")
    found = {step.arguments["table"]: one.step(step) for step in plan.validate}
    assert {table: evidence["differing_count"] for table, evidence in found.items()} == {
        "public.p": 0, "own.c": 0, "own.d": 1,
    }  # fmt: skip
    assert found["own.d"]["differing"][0]["key"] == {"n": "7"}


# What is taken away, and what the refusal says; {role} is the backend's.
LACKS = {
    "REVOKE {role} FROM owner CASCADE": r"HO670  own\.c belongs to {role}; only its owner may change it, and owner has"
    r" not that role's rights\.\n.*GRANT {role} TO owner",
    "REVOKE CREATE ON SCHEMA own FROM {role}": r"HO670  own\.c belongs to {role}, which may not create in schema own;"
    r'.*\n.*GRANT CREATE, USAGE ON SCHEMA "own" TO "{role}"',
    "REVOKE SELECT ON p FROM {role}": r"HO670  own\.c belongs to {role}, which may not read p;.*\n"
    r'.*GRANT SELECT ON "public"\."p" TO "{role}"',
    "REVOKE USAGE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO owner": r"HO670  own\.c belongs to"
    r' {role}, which may not read p;.*\n.*GRANT USAGE ON SCHEMA "public" TO "{role}"',
}


@pytest.mark.parametrize("taken", LACKS)
def test_key__a_right_on_an_own_table_is_missing__is_refused_with_the_grant(taken, one, backend):
    with one.database.server.connect(one.database.name) as superuser:
        superuser.execute(taken.format(role=backend).encode())
    with pytest.raises(Refused, match=LACKS[taken].format(role=backend)):
        one.plan(KEY)
    with one.database.server.connect(one.database.name) as superuser:
        superuser.execute(f"GRANT {backend} TO owner WITH ADMIN OPTION".encode())


def test_key__from_a_schema_whose_name_needs_quotes__is_the_evolution_s_own_at_its_end(one):
    one.execute(
        "CREATE TABLE p (id varchar(36) PRIMARY KEY)",
        'CREATE SCHEMA "Own 1"; CREATE TABLE "Own 1".c (n int PRIMARY KEY, p varchar(36) REFERENCES p)',
    )
    plan = one.plan(KEY)
    one.run(plan, "start")
    for drops in (plan.remove_drops, plan.contract_drops):
        assert drops
        assert list(dependents(one.session, one.config.evolve, plan, drops)) == []
