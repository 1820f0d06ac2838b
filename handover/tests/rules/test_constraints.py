"""What a model's statement says and what PostgreSQL prints of it mean the same, however different they look."""

# ruff: noqa: E501 - a statement is read best on one line

import pytest

from handover.rules.constraints import _both
from handover.schema.catalog import read_catalog, snapshot
from handover.schema.definition import definition
from handover.schema.expressions import normalized, read_expressions
from handover.schema.subject import Subject

TABLE = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE things (id bigint PRIMARY KEY, word varchar(20) NOT NULL, number integer NOT NULL, other integer, at timestamptz,
 day date, span tstzrange, nums int4range, tags varchar(10)[], data jsonb, flag boolean, dec numeric(5,2), f float8,
 d interval, u uuid, room varchar(5));
"""
CHECKS = {
    # As Django writes it → what means something else.
    """("word" IN ('a', 'b', 'c'))""": """("word" IN ('a', 'b', 'd'))""",
    """(("number" > ("other") OR NOT ("word" = 'zz')))""": """(("number" < ("other") OR NOT ("word" = 'zz')))""",
    """("number" BETWEEN  -5 AND 500)""": """("number" BETWEEN  5 AND 500)""",
    """(("word"::text LIKE 'a%' OR UPPER("word"::text) LIKE UPPER('%b%')))""": """(("word"::text LIKE 'a%' OR "word"::text LIKE UPPER('%b%')))""",
    """(("dec" >= 0 AND "dec" <= 100.5))""": """(("dec" > 0 AND "dec" <= 100.5))""",
    """("at" >= '2000-01-01 00:00:00+00:00'::timestamptz)""": """("at" >= '2000-01-01 00:00:00+01:00'::timestamptz)""",
    """((("data" -> 'a') = '1'::jsonb OR "data" ? 'b'))""": """((("data" -> 'b') = '1'::jsonb OR "data" ? 'b'))""",
    """((CASE WHEN "tags" IS NULL THEN NULL ELSE coalesce(array_length("tags", 1), 0) END <= 3 OR "tags" @> (ARRAY['x'])::varchar(10)[3]))""": """((CASE WHEN "tags" IS NULL THEN NULL ELSE coalesce(array_length("tags", 1), 0) END <= 4 OR "tags" @> (ARRAY['x'])::varchar(10)[3]))""",
    """(("other" IS NULL OR "other" >  -1))""": """(("other" IS NULL OR "other" >  1))""",
    """("f" >  -0.5)""": """("f" > 0.5)""",
    """(("d" IS NULL OR "d" > '1 00:00:00'))""": """(("d" IS NULL OR "d" > '2 00:00:00'))""",
    """(("u" IS NULL OR NOT ("u" = '00000000000000000000000000000000'::uuid AND "u" IS NOT NULL)))""": """(("u" IS NULL OR NOT ("u" = '00000000000000000000000000000001'::uuid AND "u" IS NOT NULL)))""",
    """(("nums" IS NULL OR lower("nums") >= 0))""": """(("nums" IS NULL OR upper("nums") >= 0))""",
    """(("flag" OR NOT "flag"))""": """(("flag" OR "flag"))""",
    """("number" > "other")""": """("other" > "number")""",
    """("room" LIKE '% AND (OR%')""": """("room" LIKE '% OR (AND%')""",
}
INDEXES = {
    """("word") WHERE "flag\"""": """("word") WHERE NOT "flag\"""",
    """("word") WHERE (NOT ("word" = 'x') AND "number" >= 10)""": """("word") WHERE (NOT ("word" = 'x') OR "number" >= 10)""",
    """((LOWER("word")) DESC, "number")""": """((LOWER("word")), "number")""",
    """((LOWER("word")), "number" DESC NULLS LAST)""": """((LOWER("word")), "number" DESC)""",
    """((("number" + "other")))""": """((("number" - "other")))""",
    """((COALESCE("other", 0)))""": """((COALESCE("other", 1)))""",
    """((EXTRACT(YEAR FROM "day")))""": """((EXTRACT(MONTH FROM "day")))""",
    """((("number")::varchar(10)))""": """((("number")::varchar(11)))""",
    """((UPPER(TRIM("word"))))""": """((UPPER(RTRIM("word"))))""",
    """((CASE WHEN "number" > 3 THEN 1 ELSE 0 END))""": """((CASE WHEN "number" > 3 THEN 0 ELSE 1 END))""",
    """("word" COLLATE "C")""": """("word" COLLATE "POSIX")""",
    """((SUBSTRING("word", 1, 3)))""": """((SUBSTRING("word", 1, 4)))""",
    """((LEFT("word", 2)))""": """((RIGHT("word", 2)))""",
}
EXCLUSIONS = {
    """USING GIST ("span" WITH &&, "number" WITH =) WHERE ("number" > 0)""": """USING GIST ("span" WITH &&, "number" WITH <>) WHERE ("number" > 0)""",
    """USING GIST ((daterange("day", "day", '[]')) WITH &&) DEFERRABLE INITIALLY DEFERRED""": """USING GIST ((daterange("day", "day", '[)')) WITH &&) DEFERRABLE INITIALLY DEFERRED""",
}
STATEMENTS = {
    **{f'ALTER TABLE "things" ADD CONSTRAINT "c" CHECK {a}': f'ALTER TABLE "things" ADD CONSTRAINT "c" CHECK {b}' for a, b in CHECKS.items()},
    **{f'CREATE INDEX "c" ON "things" {a}': f'CREATE INDEX "c" ON "things" {b}' for a, b in INDEXES.items()},
    **{f'ALTER TABLE "things" ADD CONSTRAINT "c" EXCLUDE {a}': f'ALTER TABLE "things" ADD CONSTRAINT "c" EXCLUDE {b}' for a, b in EXCLUSIONS.items()},
    'CREATE INDEX "c" ON "things" USING gin ((UPPER("word")) gin_trgm_ops)': 'CREATE INDEX "c" ON "things" USING gin ((LOWER("word")) gin_trgm_ops)',
}  # fmt: skip


@pytest.fixture(scope="module")
def things(postgres):
    """A database with a table of every kind of column."""
    postgres.create_database("things_to_compare")
    with postgres.connect("things_to_compare") as connection:
        connection.execute(TABLE)
    yield "things_to_compare"
    postgres.drop_database("things_to_compare")


def compared(postgres, database: str, made: str, said: str) -> tuple[str, str]:
    """Make one thing, and compare what a model says with it."""
    with postgres.connect(database) as connection:
        connection.execute(made)
    try:
        with snapshot(postgres.url("postgres", database)) as connection:
            catalog = read_catalog(connection)
            table = catalog.tables["public", "things"]
            found = next((c for c in table.constraints if c.name == "c"), None) or next(
                i for i in table.indexes if i.name == "c"
            )
            parts = [definition(said), definition(found.definition)]
            expressions = read_expressions(connection, {table.key: [text for part in parts for text in part.texts()]})
            subject = Subject(None, catalog, (), expressions=expressions)
            assert len(expressions) == len({text for part in parts for text in part.texts()})
            return _both(subject, table, said, found.definition)
    finally:
        with postgres.connect(database) as connection:
            connection.execute("DROP INDEX c" if "CREATE INDEX" in made else "ALTER TABLE things DROP CONSTRAINT c")


def test_definitions__made_as_the_model_says__are_equal_and_another_is_not(things, postgres):
    differ = {s: both for s in STATEMENTS for both in [compared(postgres, things, s, s)] if both[0] != both[1]}
    assert differ == {}
    equal = {
        o: both for s, o in STATEMENTS.items() for both in [compared(postgres, things, s, o)] if both[0] == both[1]
    }
    assert equal == {}


def test_definitions__parts_of_and_and_values_of_in_are_in_another_order__are_equal(things, postgres):
    made = (
        """ALTER TABLE things ADD CONSTRAINT c CHECK (number > 1 AND word IN ('b', 'a') AND (flag OR other IS NULL))"""
    )
    said = (
        """ALTER TABLE things ADD CONSTRAINT c CHECK ((other IS NULL OR flag) AND word IN ('a', 'b') AND number > 1)"""
    )
    one, other = compared(postgres, things, made, said)
    assert one == other


def test_expressions__one_cannot_be_read__the_others_are(things, postgres):
    with snapshot(postgres.url("postgres", things)) as connection:
        found = read_expressions(connection, {("public", "things"): ['"number" > 1', '"no_such" > 1']})
        assert list(found) == [(("public", "things"), '"number" > 1')]
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_usual__texts_that_look_like_sql__stay_whole():
    assert normalized("((room ~~ ') AND ('::text) AND (a > 1))") == "((a > 1) AND (room ~~ ') AND ('::text))"
