"""After each step both shapes can write, and the foreign key refuses an orphan of either shape."""

import pytest
from psycopg import errors

TABLES = """
    CREATE TABLE p (id varchar(36) PRIMARY KEY);
    INSERT INTO p SELECT md5(n::text)::uuid::text FROM generate_series(1, 9) n;
    CREATE TABLE c (n int PRIMARY KEY,
        p varchar(36) NOT NULL CONSTRAINT c_p REFERENCES p DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO c SELECT row_number() OVER (), id FROM p
"""
KEY = {"kind": "change_type", "table": "p", "column": "id", "type": "uuid", "up": "$1::uuid", "down": "$1::text"}
# pgroll put a check before its trigger, and every insert failed for seconds.
WRITES = (
    "INSERT INTO p (id) VALUES ('00000000-0000-0000-0000-00000000000{0}')",
    "INSERT INTO c (n, p) VALUES (20{0}, '00000000-0000-0000-0000-00000000000{0}')",
    "UPDATE c SET n = n + 100 WHERE p = '00000000-0000-0000-0000-00000000000{0}'",
    "DELETE FROM c WHERE n = 30{0}",
    "DELETE FROM p WHERE id = '00000000-0000-0000-0000-00000000000{0}'",
)
ORPHAN = "INSERT INTO c (n, p) VALUES (100, '00000000-0000-0000-0000-000000000000')"
LOSE = "DELETE FROM p WHERE id IN (SELECT p FROM c LIMIT 1)"
STAGES = ("start", "switch", "back", "switch", "contract")


def test_writes__after_each_step__are_taken_and_orphans_refused(one):
    one.execute(TABLES)
    plan = one.plan(KEY)
    tried = 0
    for part in STAGES:
        for step in plan.part(part):
            one.step(step)
            for number, path in enumerate(paths(one)):
                for statement in WRITES:
                    one.execute(statement.format(number), path=path)
                for statement in (ORPHAN, LOSE):
                    with pytest.raises(errors.ForeignKeyViolation):
                        one.execute(statement, path=path)
                    tried += 1
    assert tried > 60
    assert one.execute("SELECT conname, convalidated, condeferred FROM pg_constraint WHERE contype = 'f'") == [
        ("c_p", True, True)
    ]
    assert one.execute("SELECT pg_typeof(p)::text, count(*) FROM c GROUP BY 1") == [("uuid", 9)]


def paths(one):
    """Return the paths by which clients reach the tables at this moment."""
    query = "SELECT nspname || ', public' FROM pg_namespace WHERE nspname LIKE 'phase%'"
    return ["public", *(path for (path,) in one.execute(query))]
