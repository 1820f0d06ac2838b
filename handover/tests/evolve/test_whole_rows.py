"""What uses whole rows of a changed table is found before the start: PostgreSQL would refuse no DROP for it."""

import pytest

from handover.errors import Refused

BIG = {"kind": "change_type", "table": "t", "column": "a", "type": "bigint", "up": "$1", "down": "$1"}
# What is made, and how it is called in the refusal.
USES = {
    "CREATE TABLE kept (n int, row t)": "column row of table kept",
    "CREATE TABLE lists (rows t[])": "column rows of table lists",
    "CREATE FUNCTION every() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t'": "function every()",
    "CREATE FUNCTION of_one(t) RETURNS int LANGUAGE sql AS 'SELECT 1'": "function of_one(t)",
    "CREATE FUNCTION texts() RETURNS SETOF text BEGIN ATOMIC SELECT r::text FROM t r; END": "function texts()",
    "CREATE VIEW reports AS SELECT row_to_json(r) AS row FROM t r": "rule _RETURN on view reports",
    "CREATE TABLE other (n int)": "",
    "CREATE POLICY mine ON other USING (EXISTS (SELECT FROM t r WHERE r::text <> ''))": "policy mine on table other",
    # Neither of these sees a column.
    "CREATE VIEW number AS SELECT count(*) FROM t": "",
    "CREATE FUNCTION size() RETURNS bigint BEGIN ATOMIC SELECT count(*) FROM t; END": "",
}


def test_plan__whole_rows_are_used__is_refused_with_each_use(one):
    one.execute("CREATE TABLE t (id int PRIMARY KEY, a int, CHECK (t IS NOT NULL))", *USES)
    with pytest.raises(Refused) as refused:
        one.plan(BIG)
    found = {line.split(" is used by ")[1].split(", with whole rows")[0] for line in lines(refused)}
    assert found == {what for what in USES.values() if what}
    assert "what it keeps would lose the values of the columns that change" in str(refused.value)


def test_plan__functions_of_whole_rows_are_accepted__is_made(one):
    one.evolve = 'accepted_functions = ["every()"]\n'
    one.execute("CREATE TABLE t (id int PRIMARY KEY, a int)", list(USES)[2])
    assert one.plan(BIG).start


def lines(refused) -> list[str]:
    return [line for line in str(refused.value).splitlines() if ", with whole rows of it" in line]
