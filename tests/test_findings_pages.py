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
