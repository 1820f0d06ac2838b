"""Tables as they are found in old databases: every kind of key, type, name and right, through every stage."""

import pytest

from handover_testing.staged_kinds import StagedKind, through_all_stages

A, B = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
TO_UUID = {"kind": "change_type", "type": "uuid", "up": "$1::uuid", "down": "$1::text"}
TO_BIG = {"kind": "change_type", "type": "bigint", "up": "$1", "down": "$1"}
TO_TEXT = {"kind": "change_type", "type": "text", "up": "$1::text", "down": "$1::int"}
HOSTILE = """We"ird 'Täble' $1 %s; --"""
COLUMN = """or"der $1 %s 'x'"""
LONG = "x" * 61
QUOTED, QUOTED_COLUMN = ('"' + name.replace('"', '""') + '"' for name in (HOSTILE, COLUMN))


def alike(before, old_type, new_type):
    """Return what makes the tables before and after: one text with the type that differs."""
    fresh = before.partition("INSERT INTO")[0]
    return {"before": before.replace("{type}", old_type), "after": fresh.replace("{type}", new_type)}


KINDS = {
    "hostile names": StagedKind(
        **alike(f"""CREATE TABLE {QUOTED} ("select" int PRIMARY KEY, {QUOTED_COLUMN} {{type}} DEFAULT 5 NOT NULL,
                    "user" text, "Date" date);
                CREATE UNIQUE INDEX "in""dex" ON {QUOTED} ({QUOTED_COLUMN}, "user");
                ALTER TABLE {QUOTED} ALTER {QUOTED_COLUMN} SET STATISTICS 500,
                    ALTER {QUOTED_COLUMN} SET (n_distinct = 9);
                COMMENT ON COLUMN {QUOTED}.{QUOTED_COLUMN} IS 'it''s "here" \\ $1 %s';
                INSERT INTO {QUOTED} VALUES (1, 1, 'a'), (2, 2, NULL)""",
            "int",
            "bigint",
        ),
        operations=({**TO_BIG, "table": HOSTILE, "column": COLUMN},),
        tables=(HOSTILE,),
        old=f'INSERT INTO {QUOTED} ("select") VALUES (3)',
        new=f'INSERT INTO {QUOTED} ("select") VALUES (4); UPDATE {QUOTED} SET {QUOTED_COLUMN} = 7 WHERE "select" = 1',
        query=f'SELECT "select", {QUOTED_COLUMN} FROM {QUOTED} ORDER BY 1',
        shown=([(1, 7), (2, 2), (3, 5), (4, 5)],) * 2,
    ),
    "names that are as long as can be": StagedKind(
        **alike(f"""CREATE TABLE {LONG}_a ({LONG}_c {{type}} CONSTRAINT {LONG}_p PRIMARY KEY, {LONG}_d {{type}});
                CREATE TABLE {LONG}_b ({LONG}_c {{type}} CONSTRAINT {LONG}_q PRIMARY KEY
                    CONSTRAINT {LONG}_f REFERENCES {LONG}_a, {LONG}_d {{type}});
                INSERT INTO {LONG}_a VALUES (1, 1); INSERT INTO {LONG}_b VALUES (1, 1)""",
            "int",
            "bigint",
        ),
        operations=(
            {**TO_BIG, "table": f"{LONG}_a", "column": f"{LONG}_c"},
            {**TO_BIG, "table": f"{LONG}_a", "column": f"{LONG}_d"},
            {**TO_BIG, "table": f"{LONG}_b", "column": f"{LONG}_d"},
        ),
        tables=(f"{LONG}_a", f"{LONG}_b"),
    ),
    "an identity that takes no value of others": StagedKind(
        **alike("""CREATE TABLE o_always (id {type} GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text);
               GRANT SELECT, INSERT ON o_always TO PUBLIC; GRANT USAGE ON SEQUENCE o_always_id_seq TO original_app;
               INSERT INTO o_always (t) VALUES ('a'), ('b')""",
            "int",
            "bigint",
        ),
        operations=({**TO_BIG, "table": "o_always", "column": "id"},),
        tables=("o_always",),
        old="INSERT INTO o_always (t) VALUES ('old'); UPDATE o_always SET t = 'A' WHERE id = 1",
        new="INSERT INTO o_always (t) VALUES ('new'); UPDATE o_always SET t = 'B' WHERE id = 2",
        query="SELECT id, t FROM o_always ORDER BY 1",
        shown=([(1, "A"), (2, "B"), (3, "old"), (4, "new")],) * 2,
    ),
    "tables that point at each other": StagedKind(
        **alike("""CREATE TABLE o_one (id {type} PRIMARY KEY, two {type});
               CREATE TABLE o_two (id {type} PRIMARY KEY, one {type} CONSTRAINT o_two_one REFERENCES o_one);
               ALTER TABLE o_one ADD CONSTRAINT o_one_two FOREIGN KEY (two) REFERENCES o_two DEFERRABLE;
               INSERT INTO o_one VALUES (1, NULL); INSERT INTO o_two VALUES (1, 1); UPDATE o_one SET two = 1""",
            "int",
            "bigint",
        ),
        operations=({**TO_BIG, "table": "o_one", "column": "id"}, {**TO_BIG, "table": "o_two", "column": "id"}),
        tables=("o_one", "o_two"),
        old="INSERT INTO o_one VALUES (2, 1)",
        new="INSERT INTO o_two VALUES (3, 2)",
        query="SELECT * FROM o_one JOIN o_two ON one = o_one.id ORDER BY 1",
        shown=([(1, 1, 1, 1), (2, 1, 3, 2)],) * 2,
    ),
    "a key of a key of a key": StagedKind(
        **alike("""CREATE TABLE o_top (id {type} PRIMARY KEY);
               CREATE TABLE o_middle (top {type} PRIMARY KEY REFERENCES o_top ON DELETE CASCADE);
               CREATE TABLE o_leaf (n int PRIMARY KEY, middle {type} REFERENCES o_middle ON DELETE CASCADE,
                   CONSTRAINT o_leaf_once UNIQUE (middle));
               INSERT INTO o_top VALUES ('00000000-0000-0000-0000-00000000000a');
               INSERT INTO o_middle SELECT * FROM o_top;
               INSERT INTO o_leaf SELECT 1, top FROM o_middle""",
            "text",
            "uuid",
        ),
        operations=({**TO_UUID, "table": "o_top", "column": "id"},),
        tables=("o_top", "o_middle", "o_leaf"),
        old=f"INSERT INTO o_top VALUES ('{B}'); INSERT INTO o_middle VALUES ('{B}')",
        new=f"INSERT INTO o_leaf VALUES (2, '{B}'); DELETE FROM o_top WHERE id = '{A}'",
        query="SELECT n, middle::text FROM o_leaf",
        shown=([(2, B)],) * 2,
    ),
    "a foreign key of two columns": StagedKind(
        **alike("""CREATE TABLE o_box (id int PRIMARY KEY, tenant int, code {type},
                   CONSTRAINT o_box_code UNIQUE (tenant, code));
               CREATE TABLE o_item (id int PRIMARY KEY, tenant int, box {type}, CONSTRAINT o_item_box
                   FOREIGN KEY (tenant, box) REFERENCES o_box (tenant, code) MATCH FULL ON UPDATE CASCADE);
               INSERT INTO o_box VALUES (1, 7, '10'); INSERT INTO o_item VALUES (1, 7, '10'), (2, NULL, NULL)""",
            "text",
            "bigint",
        ),
        operations=(
            {"kind": "change_type", "table": "o_box", "column": "code", "type": "bigint", "up": "$1::bigint",
             "down": "$1::text"},
        ),
        tables=("o_box", "o_item"),
        old="UPDATE o_box SET code = '11'",
        new="UPDATE o_box SET code = code + 1; INSERT INTO o_box VALUES (2, 7, 5); INSERT INTO o_item VALUES (3, 7, 5)",
        query="SELECT id, box::text FROM o_item ORDER BY 1",
        shown=([(1, "12"), (2, None), (3, "5")],) * 2,
    ),
    "values of an enumeration": StagedKind(
        before="""CREATE TYPE o_mood AS ENUM ('glad', 'sad', 'happy');
                  CREATE TABLE o_enum (id int PRIMARY KEY, mood o_mood NOT NULL DEFAULT 'glad');
                  INSERT INTO o_enum VALUES (1, 'glad'), (2, 'sad')""",
        after="""CREATE TYPE o_mood AS ENUM ('glad', 'sad', 'happy');
                 CREATE TABLE o_enum (id int PRIMARY KEY, mood o_mood NOT NULL DEFAULT 'happy')""",
        operations=({"kind": "rename_values", "table": "o_enum", "column": "mood", "values": {"glad": "happy"}},),
        tables=("o_enum",),
        old="INSERT INTO o_enum VALUES (3, 'glad')",
        new="INSERT INTO o_enum VALUES (4, 'happy')",
        query="SELECT id, mood::text FROM o_enum ORDER BY 1",
        shown=(
            [(1, "glad"), (2, "sad"), (3, "glad"), (4, "glad")],
            [(1, "happy"), (2, "sad"), (3, "happy"), (4, "happy")],
        ),
    ),
    "a type without an equality": StagedKind(
        **alike("CREATE TABLE o_json (id int PRIMARY KEY, j {type}); INSERT INTO o_json VALUES (1, '[1, 2]')",
                "json", "jsonb"),
        operations=(
            {"kind": "change_type", "table": "o_json", "column": "j", "type": "jsonb", "up": "$1::jsonb",
             "down": "$1::text::json"},
        ),
        tables=("o_json",),
        old="""UPDATE o_json SET j = '{"a": 1}'""",
        new="""UPDATE o_json SET j = j || '{"b": 2}'""",
        query="SELECT j::text FROM o_json",
        shown=([('{"a": 1, "b": 2}',)],) * 2,
    ),
    "a collation, a partial index, one that counts NULL as a value": StagedKind(
        **alike("""CREATE TABLE o_text (id int PRIMARY KEY, t {type} COLLATE "C", n int, UNIQUE NULLS NOT DISTINCT (t));
               CREATE INDEX o_text_part ON o_text USING btree (t COLLATE "POSIX" text_pattern_ops, n DESC NULLS LAST)
                   INCLUDE (id) WITH (fillfactor = 70) WHERE n > 0;
               INSERT INTO o_text VALUES (1, 'a', 1), (2, NULL, 2)""",
            "varchar(20)",
            "text",
        ),
        operations=({"kind": "change_type", "table": "o_text", "column": "t", "type": 'text COLLATE "C"', "up": "$1",
                     "down": "$1"},),
        tables=("o_text",),
        old="UPDATE o_text SET t = t || '!'",
        new="UPDATE o_text SET t = t || '?'",
        query="SELECT id, t FROM o_text ORDER BY 1",
        shown=([(1, "a!?"), (2, None)],) * 2,
    ),
    "rights on columns, with the right to give them on": StagedKind(
        **alike("""CREATE TABLE o_rights (id int PRIMARY KEY, a {type}, b {type});
               GRANT SELECT (a, b), UPDATE (a) ON o_rights TO original_app WITH GRANT OPTION;
               GRANT SELECT ON o_rights TO PUBLIC; INSERT INTO o_rights VALUES (1, 1, 1)""",
            "int",
            "bigint",
        ),
        operations=({**TO_BIG, "table": "o_rights", "column": "a"}, {**TO_BIG, "table": "o_rights", "column": "b"}),
        tables=("o_rights",),
    ),
    "times, blanks, lists, numbers": StagedKind(
        before="""CREATE TABLE o_types (id int PRIMARY KEY, d timestamp, c char(5), l text[],
                      n numeric(8, 2) DEFAULT 1.5);
                  INSERT INTO o_types VALUES (1, '2024-07-01 12:00', 'ab', ARRAY['1', NULL], 2.25),
                      (2, NULL, NULL, NULL, 1.5)""",
        after="""CREATE TABLE o_types (id int PRIMARY KEY, d timestamptz, c text, l int[],
                     n numeric(9, 3) DEFAULT 1.50)""",
        operations=(
            {"kind": "change_type", "table": "o_types", "column": "d", "type": "timestamptz",
             "up": "$1 AT TIME ZONE 'Europe/Madrid'", "down": "$1 AT TIME ZONE 'Europe/Madrid'"},
            {"kind": "change_type", "table": "o_types", "column": "c", "type": "text", "up": "$1::text", "down": "$1"},
            {"kind": "change_type", "table": "o_types", "column": "l", "type": "int[]", "up": "$1::int[]",
             "down": "$1::text[]"},
            {"kind": "change_type", "table": "o_types", "column": "n", "type": "numeric(9, 3)", "up": "$1",
             "down": "$1", "default": "1.50"},
        ),
        tables=("o_types",),
        old="UPDATE o_types SET c = 'x', n = n + 1 WHERE id = 2",
        new="INSERT INTO o_types (id, l) VALUES (3, '{7}')",
        query="SELECT id, trim(c::text), l::text, n::float FROM o_types ORDER BY 1",
        shown=([(1, "ab", "{1,NULL}", 2.25), (2, "x", None, 2.5), (3, None, "{7}", 1.5)],) * 2,
    ),
    "a key with a default that is another each time": StagedKind(
        before="""CREATE TABLE o_random (id varchar(36) DEFAULT gen_random_uuid()::text PRIMARY KEY, t text);
                  INSERT INTO o_random (t) VALUES ('a')""",
        after="CREATE TABLE o_random (id uuid DEFAULT gen_random_uuid() PRIMARY KEY, t text)",
        operations=({**TO_UUID, "table": "o_random", "column": "id", "default": "gen_random_uuid()"},),
        tables=("o_random",),
        old="INSERT INTO o_random (t) VALUES ('old')",
        new="INSERT INTO o_random (t) VALUES ('new')",
        query="SELECT t, count(DISTINCT id) FROM o_random GROUP BY 1 ORDER BY 1",
        shown=([("a", 1), ("new", 1), ("old", 1)],) * 2,
    ),
    "a new type, a new key, a check and NOT NULL of one column": StagedKind(
        before="""CREATE TABLE o_parent (id int PRIMARY KEY); INSERT INTO o_parent VALUES (1), (5);
                  CREATE TABLE o_child (id int PRIMARY KEY, parent text);
                  INSERT INTO o_child VALUES (1, '1'), (2, NULL)""",
        after="""CREATE TABLE o_parent (id bigint PRIMARY KEY);
                 CREATE TABLE o_child (id int PRIMARY KEY, parent bigint NOT NULL CONSTRAINT o_child_parent REFERENCES
                     o_parent DEFERRABLE INITIALLY DEFERRED CONSTRAINT o_positive CHECK (parent > 0))""",
        operations=(
            {**TO_BIG, "table": "o_parent", "column": "id"},
            {**TO_BIG, "table": "o_child", "column": "parent", "up": "$1::bigint", "down": "$1::text"},
            {"kind": "set_not_null", "table": "o_child", "column": "parent", "fill": "5"},
            {"kind": "add_check", "table": "o_child", "column": "parent", "name": "o_positive", "check": "$1 > 0",
             "repair": "-$1"},
            {"kind": "add_foreign_key", "table": "o_child", "column": "parent", "name": "o_child_parent",
             "references": "o_parent"},
        ),
        tables=("o_parent", "o_child"),
        old="INSERT INTO o_child VALUES (3, NULL), (4, '-1')",
        new="INSERT INTO o_child VALUES (5, 5)",
        query="SELECT id, parent::text FROM o_child ORDER BY 1",
        shown=(
            [(1, "1"), (2, None), (3, None), (4, "-1"), (5, "5")],
            [(1, "1"), (2, "5"), (3, "5"), (4, "1"), (5, "5")],
        ),
    ),
    "a column that follows from a renamed and a changed one": StagedKind(
        before="CREATE TABLE o_kept (id int PRIMARY KEY, a text, lower text); INSERT INTO o_kept VALUES (1, '5', 'X')",
        after="""
            CREATE TABLE o_kept (id int PRIMARY KEY, a int, name text, mixed text);
            CREATE FUNCTION zz_o_kept_kept() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER zz_o_kept_kept BEFORE INSERT OR UPDATE ON o_kept
                FOR EACH ROW EXECUTE FUNCTION zz_o_kept_kept()""",
        operations=(
            {"kind": "rename_column", "table": "o_kept", "column": "lower", "to": "name"},
            {**TO_BIG, "table": "o_kept", "column": "a", "type": "int", "up": "$1::int", "down": "$1::text"},
            {"kind": "add_generated_column", "table": "o_kept", "column": "mixed", "type": "text",
             "expression": "lower(name) || (a + 1)"},
        ),
        tables=("o_kept",),
        old="INSERT INTO o_kept VALUES (2, '6', 'Y')",
        new="UPDATE o_kept SET a = 9 WHERE id = 2",
        query="SELECT * FROM o_kept ORDER BY 1",
        shown=([(1, "5", "X"), (2, "9", "Y")], [(1, 5, "X", "x6"), (2, 9, "Y", "y10")]),
    ),
    "underscores that could be one name": StagedKind(
        **alike(
            """CREATE TABLE o_a (id int PRIMARY KEY, b_c {type}, b {type});
               CREATE TABLE o_a_b (id int PRIMARY KEY, c {type});
               INSERT INTO o_a VALUES (1, 1, 1); INSERT INTO o_a_b VALUES (1, 1)""",
            "int",
            "bigint",
        ),
        operations=(
            {**TO_BIG, "table": "o_a", "column": "b_c"},
            {**TO_BIG, "table": "o_a", "column": "b"},
            {**TO_BIG, "table": "o_a_b", "column": "c"},
        ),
        tables=("o_a", "o_a_b"),
    ),
    "a counted key that becomes a random one": StagedKind(
        before="""CREATE TABLE o_count (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, t text);
                  CREATE TABLE o_serial (id serial PRIMARY KEY);
                  INSERT INTO o_count (t) VALUES ('a'); INSERT INTO o_serial DEFAULT VALUES""",
        after="""CREATE TABLE o_count (id text PRIMARY KEY, t text); CREATE TABLE o_serial (id text PRIMARY KEY)""",
        operations=(
            {**TO_TEXT, "table": "o_count", "column": "id"},
            {**TO_TEXT, "table": "o_serial", "column": "id"},
        ),
        tables=("o_count", "o_serial"),
        old="INSERT INTO o_count (t) VALUES ('old')",
        new="INSERT INTO o_count (id, t) VALUES ('77', 'new')",
        query="SELECT id::text, t FROM o_count ORDER BY 1",
        shown=([("1", "a"), ("2", "old"), ("77", "new")],) * 2,
    ),
    "a new table that points at a new key": StagedKind(
        before=f"CREATE TABLE o_song (id text PRIMARY KEY); INSERT INTO o_song VALUES ('{A}')",
        after="""CREATE TABLE o_song (id uuid PRIMARY KEY);
                 CREATE TABLE o_like (n int PRIMARY KEY, song uuid, CONSTRAINT o_like_song FOREIGN KEY (song)
                     REFERENCES o_song (id) ON DELETE CASCADE)""",
        operations=(
            {**TO_UUID, "table": "o_song", "column": "id"},
            {"kind": "create_table", "table": "o_like", "columns": {"n": "int PRIMARY KEY", "song": "uuid"},
             "constraints": ["CONSTRAINT o_like_song FOREIGN KEY (song) REFERENCES o_song (id) ON DELETE CASCADE"]},
        ),
        tables=("o_song", "o_like"),
    ),
    "values whose text depends on the session": StagedKind(
        before="""CREATE TABLE o_text (id int PRIMARY KEY, number float8, bytes bytea);
                  INSERT INTO o_text VALUES (1, 0.12345678901234566, '\\x01')""",
        after="CREATE TABLE o_text (id int PRIMARY KEY, number text, bytes text)",
        operations=(
            {"kind": "change_type", "table": "o_text", "column": "number", "type": "text", "up": "$1::text",
             "down": "$1::float8"},
            {"kind": "change_type", "table": "o_text", "column": "bytes", "type": "text", "up": "$1::text",
             "down": "$1::bytea"},
        ),
        tables=("o_text",),
        old="""SET extra_float_digits = -3; SET bytea_output = escape;
               INSERT INTO o_text VALUES (2, 0.98765432109876543, '\\x02');
               RESET extra_float_digits; RESET bytea_output""",
        new="INSERT INTO o_text VALUES (3, '0.5', '\\x03')",
        query="SELECT id, number::text, bytes::text FROM o_text ORDER BY 1",
        shown=(
            [(1, "0.12345678901234566", "\\x01"), (2, "0.9876543210987654", "\\x02"), (3, "0.5", "\\x03")],
        ) * 2,
    ),
    "rows that a policy hides": StagedKind(
        **alike("""CREATE TABLE o_policy (id {type} PRIMARY KEY, who text);
               ALTER TABLE o_policy ENABLE ROW LEVEL SECURITY;
               CREATE POLICY mine ON o_policy USING (who = current_user);
               GRANT SELECT, INSERT ON o_policy TO original_app;
               INSERT INTO o_policy VALUES (1, 'owner'), (2, 'original_app')""",
            "int",
            "bigint",
        ),
        operations=({**TO_BIG, "table": "o_policy", "column": "id"},),
        tables=("o_policy",),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def live(evolving):
    """The database in which evolutions run."""
    with evolving("odd") as made:
        yield made


@pytest.fixture(scope="module")
def fresh(evolving):
    """The database in which the new shapes are made afresh."""
    with evolving("odd_fresh") as made:
        yield made


@pytest.mark.thinned(to_one_in=10)
@pytest.mark.parametrize("name", KINDS)
def test_stages__odd_table__goes_back_without_a_trace_and_contracts_to_a_fresh_one(name, live, fresh, monkeypatch):
    monkeypatch.setenv("HANDOVER_DATABASE_URL", live.database.url("owner"))
    through_all_stages(KINDS[name], live, fresh)
