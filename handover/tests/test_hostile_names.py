"""Names and texts of a database and of a project that try to be SQL, markup, or commands of a terminal stay names."""

import io
import json
import re
from copy import deepcopy
from xml.etree import ElementTree

import psycopg
import pytest
from psycopg import sql

from handover.adoption.run import psql_script
from handover.adoption.statements import AdoptionStep, Code
from handover.cli.console import PlainConsole, print_json
from handover.document.markdown import code, words
from handover.wording import identifier, literal, one_line, printable
from handover_testing.hostile import LONGEST, NAMES, acting_characters, made_markup, markdown_markup, plague

TABLE = "dance_tasks"


@pytest.fixture
def plagued(pair):
    """The pair, with hostile tables, columns, constraints, indexes, defaults, comments, labels, schemas and choices."""
    with pair.database.server.connect(pair.database.name) as connection:
        plague(connection, TABLE, "progress")
        connection.execute(sql.SQL("ALTER TABLE {} OWNER TO owner").format(sql.Identifier(TABLE)))
    pair.let_read("owner")
    projects = deepcopy(pair.stage.pair)
    field = projects["backend"].models["Task"].fields["status"]
    field.options["choices"] = repr([(name, name) for name in NAMES.values()])
    field.options["verbose_name"] = repr(NAMES["tag"] + NAMES["terminal"])
    pair.stage.write(pair.folder, projects)
    return pair


def test_names__are_names_of_postgresql():
    assert {len(name.encode()) <= LONGEST and "\0" not in name for name in NAMES.values()} == {True}
    assert any(len(name.encode()) == LONGEST for name in NAMES.values())


def test_check__hostile_names__every_output_shows_them_and_obeys_none(plagued):
    ended = {name: plagued.check(*words) for name, words in OUTPUTS.items()}
    for name, output in ended.items():
        assert output.returncode == 4, output.stderr
        assert acting_characters(output.stdout + output.stderr) == set(), name
        assert name == "html" or "\n✅ Yes, all is well" not in output.stdout, name
    shown = ended["json"].stdout
    places = json.dumps([f["place"] + f["is"] for f in json.loads(shown)["findings"]], ensure_ascii=False)
    for name, text in NAMES.items():
        assert json.dumps(text, ensure_ascii=False)[1:-1] in places, name
    assert json.loads(ended["sarif"].stdout)["runs"]
    assert ElementTree.fromstring(ended["junit"].stdout).get("tests")  # noqa: S314 - of our own
    assert made_markup(ended["html"].stdout) == []
    # The texts are there, as texts.
    assert "&lt;script&gt;owned()&lt;/script&gt;" in ended["html"].stdout
    run_advice(plagued, json.loads(shown)["findings"])


OUTPUTS = {
    "short": (),
    "whole": ("--all",),
    "json": ("--json",),
    "sarif": ("--sarif",),
    "junit": ("--junit",),
    "html": ("--html",),
}


ADVICE = re.compile(r"ALTER TABLE .*?(?:DROP NOT NULL|DROP CONSTRAINT .*);", re.DOTALL)


def run_advice(plagued, findings) -> None:
    """Run the advised statements: each does what it says to the thing that it names, and to nothing else."""
    with plagued.database.server.connect(plagued.database.name) as connection:
        ran = 0
        for finding in findings:
            for statement in re.findall(
                r"ALTER TABLE .*?(?:DROP NOT NULL|DROP CONSTRAINT .*);", finding["todo"], re.DOTALL
            ):
                if any(name in statement.replace('""', '"') for name in NAMES.values()):
                    connection.execute(statement.encode())
                    ran += 1
        assert ran >= len(NAMES)
        assert connection.execute("SELECT to_regclass('victims') IS NOT NULL").fetchone() == (True,)
        found = "SELECT count(*) FROM pg_attribute WHERE attrelid = %s::regclass AND attnotnull AND attname = ANY(%s)"
        assert connection.execute(found, [TABLE, list(NAMES.values())]).fetchone() == (0,)


@pytest.mark.full
def test_document__hostile_names__are_code_or_words(plagued):
    for options in ((), ("--strategy",)):
        shown = plagued.handover("document", *options)
        assert shown.returncode == 0, shown.stderr
        assert markdown_markup(shown.stdout) == [], options
        assert acting_characters(shown.stdout) == set(), options
    values = plagued.handover("document", "--json").json()
    assert {f"public.{name}" for name in NAMES.values()} <= {
        name if name.startswith("public.") else f"public.{name}" for name in values["tables"]
    }


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_identifier_and_literal__any_name__are_that_name_in_the_database(postgres, name):
    with postgres.connect("postgres") as connection:
        row = connection.execute(f"SELECT {literal(name)}, 1 AS {identifier(name)}".encode())
        assert row.fetchone()[0] == name
        assert row.description[1].name == name


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_outputs__any_name__act_on_nothing(name, capsys):
    assert acting_characters(printable(name)) == set()
    assert "\n" not in one_line(name)
    assert markdown_markup(f"{code(name)} {words(name)}") == []
    print_json({"name": name})
    printed = capsys.readouterr().out
    assert acting_characters(printed) == set()
    assert json.loads(printed) == {"name": name}
    file = io.StringIO()
    PlainConsole(file=file, markup=False, highlight=False, soft_wrap=True).print(name)
    assert acting_characters(file.getvalue()) == set()


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_adopt_sql__any_name__its_comments_hold_no_statement(postgres, name):
    code = Code((name, name), name, (), (("x", "y"),), alone=True, history='"x"."django_migrations"')
    step = AdoptionStep(name, (sql.SQL("SELECT {} AS {}").format(sql.Literal(name), sql.Identifier(name)),))
    script = psql_script(((step,), (AdoptionStep(name, (), code),)), heading=name, notes=(name,))
    statements = [statement.as_string() + ";" for statement in step.statements]
    rest = script.replace(statements[0], "")
    head, block = rest.split("\nDO ")
    known = ("--", "\\set ON_ERROR_STOP", "\\prompt '", "BEGIN;", "COMMIT;", "SET LOCAL")
    assert [line for line in head.splitlines() if line and not line.startswith(known)] == []
    with postgres.connect("postgres") as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):  # it is one statement, and it was understood
            connection.execute(f"DO {block}".encode())
        assert connection.execute("SELECT to_regclass('victims')").fetchone() == (None,)


@pytest.mark.parametrize(
    ("page", "markdown"),
    [
        ("<td><img src=x onerror=owned()></td>", "| <img src=x> |"),
        ("<a href='javascript:owned()'>", "[x](javascript:1)"),
    ],
)
def test_outputs__markup_was_made__is_seen(page, markdown):
    """The negative control of the checks above."""
    assert made_markup(page)
    assert markdown_markup(markdown)
    assert acting_characters("\x1b[2J \u202e") == {"\x1b", "\u202e"}
