"""The foreign key is there at every stage: after each step an orphan is refused, of either shape."""

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
ORPHAN = "INSERT INTO c (n, p) VALUES (100, '00000000-0000-0000-0000-000000000000')"
LOSE = "DELETE FROM p WHERE id IN (SELECT p FROM c LIMIT 1)"
STAGES = ("start", "switch", "back", "switch", "contract")


def test_foreign_key__after_each_step__refuses_orphans(one):
    one.execute(TABLES)
    plan = one.plan(KEY)
    tried = 0
    for part in STAGES:
        for step in plan.part(part):
            one.step(step)
            for path in paths(one):
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
