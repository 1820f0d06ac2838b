"""What stands against an evolution is listed before anything starts, and nothing was changed."""

import secrets

import pytest
from psycopg import sql

from handover.errors import Refused
from handover_testing.evolving import differences

UUID = {"kind": "change_type", "table": "t", "column": "a", "type": "uuid", "up": "$1::uuid", "down": "$1::text"}
BIG = {"kind": "change_type", "table": "t", "column": "n", "type": "bigint", "up": "$1", "down": "$1"}
RENAME = {"kind": "rename_column", "table": "t", "column": "a", "to": "b"}
VALUES = {"kind": "rename_values", "table": "t", "column": "a", "values": {"x": "y"}}
CHECK = {"kind": "add_check", "table": "t", "column": "n", "name": "t_n", "check": "$1 > 0"}
TABLE = "CREATE TABLE t (id int PRIMARY KEY, a varchar(36), n int, d timestamp); "
ROWS = "INSERT INTO t VALUES (1, '00000000-0000-0000-0000-00000000000A', 0), (2, 'x', 5), (3, 'y', NULL), (4, 'x', 5);"
# What makes the tables, the operation, and what the refusal says.
KEPT = {"kind": "add_generated_column", "table": "t", "column": "z", "type": "text", "expression": "lower(a)"}
MINE = "CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
REFUSED = {
    "values that cannot be converted": (
        TABLE + ROWS,
        UUID,
        r"HO661  t\.a has 3 values that cannot be converted: x: invalid input syntax for type uuid: \"x\"; y: .*, and 1"
        r" more; each becomes uuid and comes back\.",
    ),
    "values that come back as others": (
        TABLE + "INSERT INTO t VALUES (1, '00000000-0000-0000-0000-00000000000A')",
        UUID,
        r"HO662  t\.a has 1 value that would come back as another: 0{8}-0000-0000-0000-0{11}A comes back as 0{8}-.*a;",
    ),
    "values that are too long": (
        TABLE + "INSERT INTO t VALUES (1, 'x')",
        {**VALUES, "values": {"x": "x" * 40}},
        r"HO661  t\.a has 1 value that cannot be converted: x: value too long for type character varying\(36\)",
    ),
    "a collision of two keys": (
        TABLE + "CREATE UNIQUE INDEX t_a ON t (a); INSERT INTO t (id, a) VALUES (1, 'x'), (2, 'z'), (3, 'v')",
        {**VALUES, "values": {"x": "y", "z": "y"}},
        r"HO663  t, index t_a would hold 1 key twice in the new shape: y \(2 rows\); it is unique\.",
    ),
    "a collision in a new index": (
        TABLE + ROWS,
        {"kind": "add_index", "table": "t", "name": "t_an", "columns": ["a", "n DESC"], "unique": True},
        r"HO663  t, index t_an would hold 1 key twice in the new shape: x, 5 \(2 rows\)",
    ),
    "rows against a check": (TABLE + ROWS, CHECK, r"HO664  t\.n has 1 row against t_n: 0; every row"),
    "rows without a value": (
        TABLE + ROWS,
        {"kind": "set_not_null", "table": "t", "column": "n"},
        r"HO664  t\.n has 1 row against NOT NULL: NULL;",
    ),
    "rows without a parent": (
        TABLE + ROWS + "CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (5)",
        {"kind": "add_foreign_key", "table": "t", "column": "n", "name": "t_p", "references": "p"},
        r"HO664  t\.n has 1 row that point at no row of p: 0;",
    ),
    "a view on the column": (
        TABLE + "CREATE VIEW v AS SELECT upper(a) FROM t",
        UUID,
        r"HO665  t\.a is used by rule _RETURN on view v;.*\n.*Drop it before, and make it anew after the contract\.",
    ),
    "a materialized view": (
        TABLE + "CREATE MATERIALIZED VIEW v AS SELECT a FROM t",
        UUID,
        r"HO665  t\.a is used by rule _RETURN on materialized view v;",
    ),
    "a generated column": (
        TABLE + "ALTER TABLE t ADD g text GENERATED ALWAYS AS (lower(a)) STORED",
        UUID,
        r"HO665  t\.a is used by default value for column g of table t;",
    ),
    "a policy": (TABLE + "CREATE POLICY p ON t USING (a = 'x')", UUID, r"HO665  t\.a is used by policy p on table t;"),
    "statistics": (TABLE + "CREATE STATISTICS s ON a, n FROM t", UUID, r"HO665  t\.a is used by statistics object s;"),
    "an index on an expression": (
        TABLE + "CREATE INDEX t_low ON t (lower(a))",
        UUID,
        r"HO665  t\.a is in index t_low, which has an expression or a condition on the column;.*\n"
        r".*\(drop_index\) and build another \(add_index\)",
    ),
    "an index with a condition": (
        TABLE + "CREATE INDEX t_part ON t (id) WHERE a IS NOT NULL",
        UUID,
        r"HO665  t\.a is in index t_part, which has an expression or a condition on the column;",
    ),
    "an exclusion": (
        TABLE + "ALTER TABLE t ADD CONSTRAINT t_x EXCLUDE (a WITH =)",
        UUID,
        r"HO665  t\.a is in index t_x, which belongs to an exclusion constraint;",
    ),
    "a constraint that waits for the commit": (
        TABLE + "ALTER TABLE t ADD CONSTRAINT t_u UNIQUE (a) DEFERRABLE",
        UUID,
        r"HO665  t\.a is in index t_u, which belongs to a constraint that waits for the commit;",
    ),
    "a check on the column": (
        TABLE + "ALTER TABLE t ADD CONSTRAINT t_c CHECK (a <> '')",
        UUID,
        r"HO665  t\.a is in check t_c, CHECK .*<> ''::text.*\n.*an operation add_check with name 't_c'",
    ),
    "a trigger of some columns": (
        TABLE + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER t_of BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f()",
        UUID,
        r"HO665  t\.a is used by trigger t_of on table t;",
    ),
    "a trigger for each row": (
        TABLE + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        UUID,
        r"HO665  t, trigger touch fires for each row that the backfill fills; it would act as if people",
    ),
    "a trigger for each statement": (
        TABLE + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER count AFTER UPDATE ON t REFERENCING NEW TABLE AS changed EXECUTE FUNCTION f()",
        UUID,
        r"HO665  t, trigger count fires for each batch of rows that the backfill fills;",
    ),
    "a trigger that fires last": (
        TABLE + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER zzzz BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        UUID,
        r"HO665  t, trigger zzzz fires after the one that keeps both shapes in step;.*\n.*Rename it\.",
    ),
    "a trigger's function that names the column": (
        TABLE + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.a := 1; RETURN NEW; END';"
        "CREATE TRIGGER t_in BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        RENAME,
        r"HO665  t is named, with a column that changes, in the text of f\(\);.*\n.*accepted_functions = \['f\(\)'\]",
    ),
    "a function that names table and column": (
        TABLE + "CREATE FUNCTION g(int) RETURNS text LANGUAGE sql AS 'SELECT a FROM t WHERE id = $1'",
        RENAME,
        r"HO665  t is named, with a column that changes, in the text of g\(integer\);",
    ),
    "a trigger's function that spells the column otherwise": (
        TABLE + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.A := 1; RETURN NEW; END';"
        "CREATE TRIGGER t_in BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
        RENAME,
        r"HO665  t is named, with a column that changes, in the text of f\(\);",
    ),
    "a function that names a table with a blank": (
        'CREATE TABLE "Order Lines" (id int PRIMARY KEY, a text);'
        """CREATE FUNCTION g() RETURNS void LANGUAGE sql AS 'UPDATE "Order Lines" SET A = NULL'""",
        {**RENAME, "table": "Order Lines"},
        r"HO665  Order Lines is named, with a column that changes, in the text of g\(\);",
    ),
    "rows that a policy hides": (
        TABLE + ROWS + "ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        BIG,
        r"HO670  public\.t has row-level security, and policies decide which of its rows owner sees;.*\n"
        r'.*ALTER ROLE "owner" BYPASSRLS; or until the end: ALTER TABLE "public"\."t" NO FORCE ROW LEVEL SECURITY',
    ),
    "rows of a new key's parent that a policy hides": (
        TABLE
        + "CREATE TABLE p (id int PRIMARY KEY); ALTER TABLE p ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        {"kind": "add_foreign_key", "table": "t", "column": "n", "name": "t_p", "references": "p"},
        r"HO670  public\.p has row-level security",
    ),
    "a key that is not validated": (
        TABLE + "ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (n) REFERENCES t NOT VALID",
        BIG,
        r"HO665  t\.n has foreign key t_p, which is not validated;.*\n.*ALTER TABLE t VALIDATE CONSTRAINT t_p",
    ),
    "a key of an extension's type": (
        "CREATE TYPE whole AS (n int); CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE);"
        "CREATE TABLE c (id int PRIMARY KEY, a text REFERENCES t (a))",
        {**UUID, "type": "whole", "up": "ROW(length($1))::whole", "down": "$1::text"},
        r"HO668  c\.a would point at a key of type whole, which an extension made;",
    ),
    "a column that points at two keys, of which one changes": (
        "CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE); CREATE TABLE u (a text PRIMARY KEY);"
        "CREATE TABLE c (id int PRIMARY KEY, a text REFERENCES u CONSTRAINT c_t REFERENCES t (a))",
        UUID,
        r"HO665  c\.a has foreign key c_a_fkey, whose columns would be uuid and text: operator does not exist",
    ),
    "a key to a column that is not there": (
        TABLE + "CREATE TABLE p (id int PRIMARY KEY)",
        {
            "kind": "add_foreign_key",
            "table": "t",
            "column": "n",
            "name": "f",
            "references": "p",
            "references_column": "z",
        },
        r"HO668  public\.t cannot have foreign key f: public\.p has no column z;",
    ),
    "a function of that name": (
        TABLE + "CREATE FUNCTION handover_evolve_t_sync() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        UUID,
        r"HO669  t has function handover_evolve_t_sync already;",
    ),
    "a partitioned child in another schema": (
        TABLE + "CREATE SCHEMA s; CREATE TABLE s.c (id int PRIMARY KEY, n int REFERENCES t) PARTITION BY RANGE (id)",
        {**BIG, "column": "id"},
        r"HO666  c is partitioned; an evolution changes ordinary tables\.",
    ),
    "a child in another schema, with the name of a shared table": (
        TABLE + "CREATE SCHEMA s; CREATE TABLE s.c (id int PRIMARY KEY, n int REFERENCES t); CREATE TABLE c (z int)",
        {**BIG, "column": "id"},
        r"HO669  s\.c has the name of public\.c; tables of public, s change together, so the views of a shape come"
        r" first in each search path, and a client of public\.c would find the wrong one\.\n.*Rename one of them;",
    ),
    "a partitioned table": (
        "CREATE TABLE t (id int PRIMARY KEY, a varchar(36)) PARTITION BY RANGE (id)",
        UUID,
        r"HO666  t is partitioned; an evolution changes ordinary tables\.",
    ),
    "a partition": (
        "CREATE TABLE p (id int PRIMARY KEY, a text) PARTITION BY RANGE (id); CREATE TABLE t PARTITION OF p DEFAULT",
        UUID,
        r"HO666  t is a partition;",
    ),
    "inheritance": (TABLE + "CREATE TABLE c () INHERITS (t)", UUID, r"HO666  t inherits, or is inherited from;"),
    "a view": ("CREATE VIEW t AS SELECT ''::text AS a", RENAME, r"HO666  t is a view;"),
    "a rule": (
        TABLE + "CREATE RULE r AS ON DELETE TO t DO INSTEAD NOTHING",
        UUID,
        r"HO666  t has rules, which turn statements into others;",
    ),
    "a publication": (
        TABLE + "CREATE PUBLICATION p FOR TABLE t",
        UUID,
        r"HO666  t is sent by the publication p;.*\n.*ALTER PUBLICATION p DROP TABLE t",
    ),
    "a default that rewrites": (
        TABLE,
        {"kind": "add_column", "table": "t", "column": "z", "type": "uuid", "default": "gen_random_uuid()"},
        r"HO667  t would be rewritten by a new column; readers and writers would wait",
    ),
    "a stored generated column": (
        TABLE,
        {"kind": "add_column", "table": "t", "column": "z", "type": "text GENERATED ALWAYS AS (lower(a)) STORED"},
        r"HO667  t would be rewritten by a new column;.*\n.*for a computed value use add_generated_column",
    ),
    "a serial": (
        TABLE,
        {"kind": "add_column", "table": "t", "column": "z", "type": "serial"},
        r"HO667  t would be rewritten by a new column;",
    ),
    "a key within a column of a new table": (
        TABLE,
        {"kind": "create_table", "table": "c", "columns": {"t_id": "int references t"}},
        r"HO667  c\.t_id has a foreign key in its definition; the lock that it takes",
    ),
    "a column of a new table that is no SQL": (
        TABLE,
        {"kind": "create_table", "table": "c", "columns": {"t_id": "intt"}},
        r'HO668  c cannot have these columns: type "intt" does not exist',
    ),
    "a right of a role that is not there": (
        TABLE,
        {"kind": "create_table", "table": "c", "columns": {"n": "int"}, "grants": {"unknown": ["SELECT"]}},
        r"HO668  c cannot have grants: there is no role unknown;",
    ),
    "a serial of a new table that others use": (
        TABLE,
        {"kind": "create_table", "table": "c", "columns": {"n": "bigserial"}, "grants": {"original_app": ["INSERT"]}},
        r"HO668  c\.n is a serial, whose sequence the roles of `grants` could not use;.*\n.*AS IDENTITY",
    ),
    "a new table that points nowhere": (
        TABLE,
        {
            "kind": "create_table",
            "table": "c",
            "columns": {"n": "int"},
            "constraints": ["foreign key (n) references z (n)"],
        },
        r"HO668  c cannot have a foreign key: public\.z is not there;",
    ),
    "a value of a dropped column that is no SQL": (
        TABLE,
        {"kind": "drop_column", "table": "t", "column": "n", "down": "'many'"},
        r"HO668  t cannot have these defaults: invalid input syntax for type integer",
    ),
    "a default that is no SQL": (
        TABLE,
        {**BIG, "default": "'many'"},
        r"HO668  t cannot have the new default of n: invalid input syntax for type bigint",
    ),
    "a type that is not there": (
        TABLE,
        {**UUID, "type": "uuuid"},
        r'HO668  t cannot have the new columns: type "uuuid"',
    ),
    "a conversion that is no SQL": (
        TABLE,
        {**UUID, "up": "$1::"},
        r"HO668  t\.a cannot have a conversion: syntax error",
    ),
    "a conversion that depends on the session": (
        TABLE,
        {**UUID, "column": "d", "type": "timestamptz", "up": "$1::timestamptz", "down": "$1::timestamp"},
        r"HO668  t\.d has a conversion \(up\) that does not always give the same result:.*\n.*AT TIME ZONE",
    ),
    "a check that is no SQL": (TABLE, {**CHECK, "check": "$1 >"}, r"HO668  t cannot have check t_n: syntax error"),
    "an index that is no SQL": (
        TABLE,
        {"kind": "add_index", "table": "t", "name": "i", "columns": ["nothing"]},
        r'HO668  t cannot have index i: column "nothing" does not exist',
    ),
    "an expression of another schema": (
        TABLE + "CREATE FUNCTION mine(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT $1'",
        {"kind": "add_generated_column", "table": "t", "column": "z", "type": "text", "expression": "mine(a)"},
        r"HO668  t\.z cannot have that expression: function mine\(character varying\) does not exist",
    ),
    "a trigger between the one that stays and the end": (
        TABLE + MINE + "CREATE TRIGGER zz_tz BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION mine()",
        KEPT,
        r"HO665  t, trigger zz_tz fires after the one that keeps a column from the contract on;.*\n.*Rename it\.",
    ),
    "a second column of a trigger that stays": (
        TABLE + MINE + "CREATE TRIGGER zz_t_kept BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION mine()",
        KEPT,
        r"HO669  t has trigger zz_t_kept already; the contract makes one of that name",
    ),
    "a function of the name of the one that stays": (
        TABLE + "CREATE FUNCTION zz_t_kept() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        KEPT,
        r"HO669  t has function zz_t_kept already; the contract makes one of that name",
    ),
    "a default that changes": (
        "CREATE TABLE t (id int PRIMARY KEY, a varchar(36) DEFAULT gen_random_uuid()::text)",
        UUID,
        r"HO668  t\.a has the default \(gen_random_uuid\(\)\)::text, which is not the same value for ever;",
    ),
    "a schema of that name": (TABLE + "CREATE SCHEMA phase1", UUID, r"HO669  phase1 is a schema already;"),
    "a column of that name": (TABLE + "ALTER TABLE t ADD a_v2 int", UUID, r"HO669  t has column a_v2 already;"),
    "an index of that name": (
        TABLE + "CREATE INDEX i ON t (n)",
        {"kind": "add_index", "table": "t", "name": "i", "columns": ["a"]},
        r"HO669  t has index i already;",
    ),
    "a check of that name, on another column": (
        TABLE + "ALTER TABLE t ADD CONSTRAINT t_n CHECK (id > 0)",
        CHECK,
        r"HO669  t has constraint t_n already;",
    ),
    "no primary key": ("CREATE TABLE t (a varchar(36))", UUID, r"HO680"),
    "no such table": (
        "SELECT 1",
        UUID,
        r"HO660  public\.t is not in one_.*; an evolution changes tables that are there",
    ),
    "no such column": (TABLE, {**UUID, "column": "z"}, r"HO660  t has no column z; it has id, a, n, d\."),
    "no such index": (
        TABLE,
        {"kind": "drop_index", "table": "t", "name": "z"},
        r"HO660  t has no index z; it has t_pkey",
    ),
    "an index of a key": (
        TABLE,
        {"kind": "drop_index", "table": "t", "name": "t_pkey"},
        r"HO660  index t_pkey of t belongs to the constraint t_pkey\.",
    ),
    "a name that is taken": (
        TABLE,
        {**RENAME, "to": "n"},
        r"HO660  t has a column n already, so a cannot get that name",
    ),
    "a column that the old shape does not fill": (
        TABLE,
        {"kind": "add_column", "table": "t", "column": "z", "type": "int", "nullable": False},
        r"HO660  t\.z is NOT NULL without a default, but the old shape does not fill it in\.",
    ),
    "a column that the new shape does not fill": (
        "CREATE TABLE t (id int PRIMARY KEY, a text NOT NULL)",
        {"kind": "drop_column", "table": "t", "column": "a"},
        r"HO660  t\.a is NOT NULL and has no default, so the new shape could insert no row\.",
    ),
}


@pytest.fixture(scope="module")
def surveyed(evolving):
    with evolving("one") as made, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDOVER_DATABASE_URL", made.database.url("owner"))
        yield made


@pytest.mark.thinned(to_one_in=15)
@pytest.mark.parametrize("case", REFUSED)
def test_plan__something_stands_against_it__is_refused_and_nothing_is_changed(case, surveyed):
    before, operation, expected = REFUSED[case]
    with surveyed.session.transaction(force_rollback=True):
        surveyed.execute(before)
        catalog = surveyed.everything()
        with pytest.raises(Refused, match=expected) as refused:
            surveyed.plan(operation)
        assert refused.value.exit_code == 3
        assert differences(catalog, surveyed.everything()) == {}


def test_plan__new_table_points_at_a_name_in_quotes_or_capitals__locks_that_table(surveyed):
    with surveyed.session.transaction(force_rollback=True):
        surveyed.execute(TABLE + 'CREATE TABLE "Order Lines" (id int PRIMARY KEY)')
        keys = ['FOREIGN KEY (n) REFERENCES "Order Lines" (id)', "FOREIGN KEY (m) REFERENCES/* t */Public . T(ID)"]
        made = surveyed.plan(
            {"kind": "create_table", "table": "c", "columns": {"n": "int", "m": "int"}, "constraints": keys}
        )
        locked = [one.table for step in made.start for one in step.statements if "REFERENCES" in one.sql]
        assert locked == ["public.Order Lines", "public.t"]
        for statement in (one.sql for step in made.start for one in step.statements):
            surveyed.execute(statement)


def test_plan__table_of_another_role__is_refused(one):
    with one.database.server.connect(one.database.name) as superuser:
        superuser.execute(TABLE)
        superuser.execute("GRANT SELECT ON t TO owner")
    expected = (
        r"HO670  public\.t belongs to postgres; only its owner may change it, and owner has not that role's rights\.\n"
        r".*GRANT postgres TO owner"
    )
    with pytest.raises(Refused, match=expected):
        one.plan(UUID)


def test_plan__table_that_another_server_writes__is_refused(one):
    one.execute(TABLE)
    url = one.database.server.url("postgres", one.database.name)
    with one.database.server.connect(one.database.name) as superuser:
        superuser.execute("CREATE PUBLICATION p FOR TABLE t")
        options = "create_slot = false, slot_name = NONE, enabled = false, copy_data = false"
        connection = sql.Literal(url).as_string()
        superuser.execute(f"CREATE SUBSCRIPTION s CONNECTION {connection} PUBLICATION p WITH ({options})".encode())
        superuser.execute("DROP PUBLICATION p")
        try:
            with pytest.raises(Refused, match=r"HO666  t receives rows of another server by a subscription;"):
                one.plan(UUID)
        finally:
            superuser.execute("DROP SUBSCRIPTION s")


def test_plan__owner_of_a_child_may_not_read_the_parent__is_refused_with_the_grant(one):
    owner = f"evolve_{secrets.token_hex(4)}"
    one.execute("CREATE TABLE t (id int PRIMARY KEY, a text UNIQUE)", f"CREATE ROLE {owner}")
    one.execute("CREATE TABLE c (id int PRIMARY KEY, a text REFERENCES t (a))", f"GRANT {owner} TO CURRENT_USER")
    with one.database.server.connect(one.database.name) as superuser:
        superuser.execute(f"GRANT CREATE ON SCHEMA public TO {owner}; ALTER TABLE c OWNER TO {owner}".encode())
        try:
            expected = (
                rf"HO670  public\.c belongs to {owner}, which may not read t;.*\n"
                rf'.*GRANT SELECT ON "public"\."t" TO "{owner}"'
            )
            with pytest.raises(Refused, match=expected):
                one.plan(UUID)
        finally:
            superuser.execute(f"DROP OWNED BY {owner} CASCADE; DROP ROLE {owner}".encode())


def test_plan__new_table_without_grants__says_that_only_its_owner_may_use_it(one):
    new = {"kind": "create_table", "table": "c", "columns": {"n": "int"}}
    note = "c: without `grants` only its owner may use it, but for default privileges"
    assert note in one.plan(new).notes
    granted = one.plan({**new, "grants": {"original_app": ["SELECT"]}})
    assert note not in granted.notes
    assert 'GRANT SELECT ON "public"."c" TO "original_app"' in [one.sql for one in granted.start[0].statements]
