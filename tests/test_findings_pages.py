# ruff: noqa: S608 - the statements are those of the pages
"""The committed pages of findings are the generated ones, and what they advise can be typed."""

import ast
import re
import tomllib

import psycopg
import pytest

from handover.check.pages import pages
from handover.codes import CODES
from sandbox import house
from tests.test_night_pages import options_of

REFERENCE = house.ROOT / "docs" / "reference"
# Parsed and never run: PL/pgSQL reads every statement of a block before it begins.
PARSED = "DO $page$ BEGIN RETURN; {} END $page$"


def blocks(language: str) -> list[tuple[str, str]]:
    """Return the code of every block in one language, with the code of its page."""
    block = re.compile(rf"^```{language}\n(.+?)\n```$", re.MULTILINE | re.DOTALL)
    return [(name, text) for name, code in sorted(CODES.items()) for text in block.findall(code.text)]


def syntax_error(connection: psycopg.Connection, statements: str) -> str | None:
    try:
        connection.execute(PARSED.format(statements))
    except psycopg.errors.SyntaxError as error:
        return str(error)
    return None


@pytest.fixture(scope="module")
def connection(postgres):
    with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as it:
        yield it


def test_sql_of_pages__is_what_postgresql_reads(connection):
    found = blocks("sql")
    assert len(found) > 60
    wrong = {name: said for name, text in found if (said := syntax_error(connection, text))}
    assert wrong == {}
    assert all(text.rstrip().endswith(";") for _, text in found)


def test_syntax_error__a_statement_with_a_slip__is_seen(connection):
    assert syntax_error(connection, "ALTER TABEL users ADD name text;")
    assert syntax_error(connection, "CREATE INDEX CONCURRENTLY ON users USING btree email;")


# What the UPDATE of a page does to the rows of one column: its type, the rows before and the rows after. The last row
# is NULL everywhere, because a condition that forgets NULL is the usual mistake.
UPDATED: dict[str, tuple[str, list[str | None], list[str | None]]] = {
    "HO220": ("text", ["shipped", "new", None], ["sent", "new", None]),
    "HO221": ("float8", ["NaN", "Infinity", "-Infinity", "2.5", None], [None, None, None, "2.5", None]),
    "HO222": ("jsonb", ["null", "{}", "[1]", None], ["{}", "{}", "[1]", None]),
    "HO225": ("text", ["/home/old/a.mp4", "videos/b.mp4", "", None], ["recordings/a.mp4", "videos/b.mp4", "", None]),
    "HO227": ("text", ["Ana@x.org", "eva@x.org", "", None], ["ana@x.org", "eva@x.org", "", None]),
    "HO231": ("text", ["a", "", None], ["a", "", ""]),
    "HO232": ("timestamptz", ["infinity", "2024-05-01", "20000-01-01", "0044-03-15 BC", None],
              [None, "2024-05-01", "20000-01-01", "0044-03-15 BC", None]),
    "HO234": ("integer", ["-3", "0", "5", None], ["-3", "0", "5", None]),
    "HO237": ("jsonb", ["[]", "[1]", "{}", "null", None], ["{}", "[1]", "{}", "null", None]),
    "HO238": ("text", ["", "a", None], ["Untitled", "a", None]),
}  # fmt: skip
UPDATE = re.compile(r"^UPDATE (\w+) SET (\w+) = [^;]+;", re.MULTILINE)
# Deletes of rows that no system reads as data: entries of a migration history, each named by its key.
OF_HISTORY = re.compile(r"DELETE FROM public\.django_migrations WHERE app = '\w+' AND name = '\w+';")


def changing(verb: str) -> dict[str, str]:
    """Return the SQL of each page that has a statement with this verb."""
    return {name: text for name, text in blocks("sql") if re.search(rf"^{verb} ", text, re.MULTILINE)}


def test_updates_of_pages__are_all_tried_on_rows():
    assert changing("UPDATE").keys() == UPDATED.keys()


@pytest.mark.parametrize("name", UPDATED)
def test_update_of_a_page__changes_the_rows_it_is_about_and_no_other(connection, name):
    type_, before, after = UPDATED[name]
    update = UPDATE.search(changing("UPDATE")[name])
    assert update
    table, column = update.groups()
    with connection.transaction(force_rollback=True):
        connection.execute(f"CREATE TEMPORARY TABLE {table} (id serial, {column} {type_}) ON COMMIT DROP")
        for value in before:
            connection.execute(f"INSERT INTO {table} ({column}) VALUES (%s::{type_})", [value])
        connection.execute(update.group())
        held = connection.execute(f"SELECT {column}::text FROM {table} ORDER BY id").fetchall()
        wanted = [connection.execute(f"SELECT %s::{type_}::text", [value]).fetchone() for value in after]
    assert held == wanted


def test_deletes_of_pages__are_tried_on_rows_or_name_one_migration():
    deleting = changing("DELETE")
    assert deleting.pop("HO229")
    assert [name for name, text in deleting.items() if not OF_HISTORY.fullmatch(text)] == []


def test_delete_of_orphans__a_row_that_points_at_nothing__stays(connection):
    select, delete, _ = changing("DELETE")["HO229"].split(";\n")
    tables = re.search(r"DELETE FROM (\w+) AS .*\.(\w+) IS NOT NULL .* FROM (\w+) AS", delete, re.DOTALL)
    assert tables
    table, key, target = tables.groups()
    with connection.transaction(force_rollback=True):
        connection.execute(f"CREATE TEMPORARY TABLE {target} (id integer) ON COMMIT DROP")
        connection.execute(f"CREATE TEMPORARY TABLE {table} (id integer, {key} integer) ON COMMIT DROP")
        connection.execute(f"INSERT INTO {target} VALUES (1)")
        connection.execute(f"INSERT INTO {table} VALUES (1, 1), (2, NULL), (3, 9)")
        assert connection.execute(select).fetchall() == [(3, 9)]
        connection.execute(delete)
        assert connection.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() == [(1, 1), (2, None)]


def test_select_of_times__finds_every_time_that_python_cannot_hold(connection):
    select, _ = changing("UPDATE")["HO232"].split(";\n", 1)
    with connection.transaction(force_rollback=True):
        connection.execute("CREATE TEMPORARY TABLE shop_orders (id integer, placed_at timestamptz) ON COMMIT DROP")
        times = ["2024-05-01", "infinity", "-infinity", "0044-03-15 BC", "20000-01-01", None]
        for number, time in enumerate(times):
            connection.execute("INSERT INTO shop_orders VALUES (%s, %s::timestamptz)", [number, time])
        found = connection.execute(f"SELECT id FROM ({select}) AS page ORDER BY id").fetchall()
    assert found == [(1,), (2,), (3,), (4,)]


def test_python_of_pages__is_python():
    for name, text in blocks("python"):
        assert ast.parse(text), name


def test_toml_of_pages__is_toml():
    for name, text in blocks("toml"):
        assert tomllib.loads(text), name


def test_commands_of_pages__exist_with_their_options():
    lines = [line for _, text in blocks("console") for line in text.splitlines()]
    assert all(line.startswith("$ ") for line in lines)
    named = [line.removeprefix("$ handover ") for line in lines if line.startswith("$ handover ")]
    assert len(named) > 15
    for line in named:
        words = line.split()
        assert {word for word in words if word.startswith("--")} <= options_of(words), line


def test_pages__as_committed__are_what_script_findings_writes():
    committed = {str(path.relative_to(REFERENCE)): path.read_text() for path in (REFERENCE / "findings").glob("*.md")}
    committed["handover-findings.md"] = (REFERENCE / "handover-findings.md").read_text()
    differing = sorted(name for name, text in pages().items() if committed.get(name) != text)
    assert differing == [], "run script/findings"
    assert sorted(committed.keys() - pages().keys()) == []
