"""What clients of the old shape are known to ask is tried through the views, before anything starts."""

import re
import tempfile
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from handover.errors import Refused
from handover.evolve.recorded import require_statements
from handover_testing.evolving import Evolving
from sandbox.fixtures import FAST, roomy_place
from sandbox.postgres import Database, Server

TABLES = """
    CREATE TABLE t (id int PRIMARY KEY, name text, a int); CREATE TABLE c (id int PRIMARY KEY, t_id int REFERENCES t);
    CREATE SCHEMA mine; CREATE TABLE mine.notes (id int PRIMARY KEY, t_id int)
"""
BIG = {"kind": "change_type", "table": "t", "column": "id", "type": "bigint", "up": "$1", "down": "$1"}
# As Django writes `annotate(Count("c"))` for a model that it manages.
BY_KEY = "SELECT t.id, t.name, count(c.id) FROM t LEFT JOIN c ON c.t_id = t.id GROUP BY t.id HAVING count(c.id) > {}"
BY_ALL = BY_KEY.replace("GROUP BY t.id", "GROUP BY t.id, t.name")
OWN = "SELECT n.id FROM notes n JOIN t ON t.id = n.t_id WHERE t.a = {}"
GOOD = (BY_ALL, OWN, "UPDATE t SET a = {} WHERE id = 3", "SELECT id FROM t ORDER BY a LIMIT {}")
# A statement of the old shape that a view does not take, and what is told.
BAD = {
    BY_KEY: r'fails through the views: column "t\.name" must appear in the GROUP BY.*\n.*group by every selected col',
    "TRUNCATE c, t": r"TRUNCATE does not work on a view;",
    "SELECT id FROM public.t WHERE a > {}": r"names the schema of public\.t, so it gets round the views;.*\n.*Leave",
    'SELECT id FROM "public"."t" WHERE a > {}': r"names the schema of public\.t, so it gets round the views;",
    "SELECT t.ctid FROM t WHERE a > {}": r"fails through the views: column t\.ctid does not exist;",
    "INSERT INTO t VALUES ({}) ON CONFLICT ON CONSTRAINT t_pkey DO NOTHING": r"fails through the views: constraint ",
}
NOT_THERE = "pg_stat_statements is not in this database: the statements that the systems make are not known"


@pytest.fixture(scope="module")
def recording():
    """A server that records statements."""
    settings = {**FAST, "shared_preload_libraries": "pg_stat_statements"}
    with tempfile.TemporaryDirectory(prefix="sandbox-", dir=roomy_place()) as place:
        Path(place).chmod(0o711)
        with Server(Path(place) / "postgres", settings=settings) as server:
            yield server


@pytest.fixture
def recorded(recording, tmp_path, monkeypatch):
    """A database whose clients' statements are recorded: ``old`` has a search path, ``carries`` sets its own."""
    recording.create_database("recorded")
    made = Evolving(tmp_path, Database("recorded", recording), 'old_roles = ["old"]\ncarrying_roles = ["carries"]\n')
    monkeypatch.setenv("HANDOVER_DATABASE_URL", made.database.url("owner"))
    with closing(made), recording.connect("recorded") as superuser:
        made.execute(TABLES)
        superuser.execute("CREATE EXTENSION pg_stat_statements; CREATE ROLE old; CREATE ROLE carries")
        superuser.execute(
            "GRANT old, carries TO owner WITH ADMIN OPTION; ALTER ROLE old SET search_path = mine, public"
        )
        superuser.execute("GRANT ALL ON ALL TABLES IN SCHEMA public, mine TO old, carries")
        superuser.execute("GRANT USAGE ON SCHEMA public, mine TO old, carries")
        yield made
    recording.drop_database("recorded")
    with recording.connect() as superuser:
        superuser.execute("DROP ROLE old, carries")


def ask(made, *statements, role="old"):
    """Make statements as a client does."""
    with made.database.server.connect("recorded") as client, client.transaction(force_rollback=True):
        client.execute(f"SET SESSION AUTHORIZATION {role}".encode())
        client.execute("SET search_path = mine, public")
        for statement in statements:
            client.execute(statement.format(7).encode())


def looked_at(made):
    return require_statements(made.config, made.plan(BIG))


def test_recorded__statements_that_views_take__are_tried_and_nothing_is_left(recorded):
    before = recorded.everything()
    ask(recorded, *GOOD)
    ask(recorded, *GOOD[:2], role="carries")
    ask(recorded, BY_KEY, role="owner")  # not a client
    assert looked_at(recorded) == ["tried through the views: 6 statements of old clients"]
    assert recorded.everything() == before


def test_recorded__statements_that_views_do_not_take__are_each_refused_until_they_are_accepted(recorded):
    for number, statement in enumerate(BAD):
        ask(recorded, statement, role=("old", "carries")[number % 2])
    with pytest.raises(Refused) as refused:
        looked_at(recorded)
    said = str(refused.value)
    assert len(refused.value.findings) == len(BAD)
    for number, expected in enumerate(BAD.values()):
        assert re.search(rf"HO673  statement -?\d+ of {('old', 'carries')[number % 2]}, .* {expected}", said), expected
    accepted = re.findall(r"accepted_statements = \['(-?\d+)'\]", said)
    assert len(accepted) == len(BAD)
    del recorded.config
    recorded.evolve += f"accepted_statements = {accepted}\n"
    assert looked_at(recorded) == ["tried through the views: 0 statements of old clients"]


def test_recorded__statements_that_cannot_be_looked_at__are_told(recorded):
    ask(recorded, "SELECT id FROM t WHERE now() > now() - INTERVAL '{}'", BY_KEY)
    with recorded.database.server.connect("recorded") as superuser:
        superuser.execute("REVOKE pg_monitor FROM owner")
        told = looked_at(recorded)
        superuser.execute("GRANT pg_monitor TO owner")
    assert told == [
        "tried through the views: 0 statements of old clients",
        "statements of old are recorded and may not be seen: GRANT pg_read_all_stats TO owner",
    ]
    with pytest.raises(Refused, match=r"HO673 .* of old, SELECT t\.id"):
        looked_at(recorded)
    with recorded.database.server.connect("recorded") as superuser:
        superuser.execute("SELECT pg_stat_statements_reset()")
    ask(recorded, "SELECT id FROM t WHERE now() > now() - INTERVAL '{}'")
    assert re.fullmatch(r"statement -?\d+ of old cannot be planned at all: syntax error at .*", looked_at(recorded)[1])


def test_declared__a_statement_groups_by_the_key_alone__is_refused(one):
    one.execute(TABLES)
    one.evolve = f'old_roles = ["owner"]\nstatements = ["{BY_ALL.format("$1")}"]\n'
    tried, not_known = looked_at(one)
    assert tried == "tried through the views: 1 statement of old clients"
    assert not_known.startswith(NOT_THERE)
    del one.config
    one.evolve = f'old_roles = ["owner"]\nstatements = ["{BY_KEY.format("$1")}"]\n'
    with pytest.raises(Refused, match=r"HO673  statement number 1 of \[evolve\] statements of owner, .*GROUP BY"):
        looked_at(one)
    with pytest.raises(psycopg.errors.UndefinedTable):
        one.execute("SELECT FROM phase1.t")
