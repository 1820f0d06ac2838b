"""Verbs that read and write rows, on a pair whose models have hostile tables, columns, defaults and rows."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from handover_testing import browser
from handover_testing.drifts.projects import Model, f
from handover_testing.drifts.shapes import DANCE, KEY, Shape
from handover_testing.drifts.stage import Stage, build
from handover_testing.hostile import USABLE, acting_characters, made_markup, plague
from handover_testing.night import Kept
from handover_testing.sections import section
from sandbox.snapshot import changes, snapshot

# Two rows each: one that the database fills, one that is given.
ROWS = "INSERT INTO {table} ({name}) VALUES (DEFAULT), ({other})"


def table_of(name: str) -> str:
    return f"m{name}"[:62].encode()[:63].decode(errors="ignore")


def hostile_model(number: int, name: str) -> Model:
    text = repr(name)
    fields = {
        "id": KEY,
        "said": f(
            "CharField",
            max_length="80",
            db_column=text,
            db_default=text,
            default=text,
            choices=f"[({text}, {text})]",
            verbose_name=text,
            help_text=text,
        ),
    }
    return Model(f"Odd{number}", fields, {"db_table": repr(table_of(name)), "verbose_name": text})


def hostile_shape(names: dict[str, str]) -> Shape:
    project = DANCE.project.copy()
    rows = [DANCE.rows]
    for number, name in enumerate(names.values()):
        project.models[f"Odd{number}"] = hostile_model(number, name)
        parts = {"table": sql.Identifier(table_of(name)), "name": sql.Identifier(name)}
        values = {"other": sql.Literal(f"{name}!")}
        rows.append(sql.SQL(ROWS).format(**parts, **values).as_string() + ";")
    return Shape("hostile", project, "\n".join(rows))


@pytest.fixture(scope="module")
def hostile_stage(parent, postgres, tmp_path_factory) -> Stage:
    return build(hostile_shape(USABLE), tmp_path_factory.mktemp("hostile"), postgres, parent)


@pytest.fixture(scope="module")
def stage(hostile_stage) -> Stage:
    """The pair of this module, for every fixture that starts from a stage."""
    return hostile_stage


@pytest.fixture(scope="module")
def kept(postgres, tmp_path_factory) -> Iterator[Kept]:
    found = Kept(postgres, tmp_path_factory.mktemp("kept_hostile"))
    yield found
    for database in found.names.values():
        postgres.drop_database(database)


@pytest.fixture
def plagued(pair):
    """The pair, with names that no model can have in its database as well."""
    with psycopg.connect(pair.database.url("owner")) as connection:
        plague(connection, "dance_tasks", "progress")
    return pair


def check_output(ended, *codes: int) -> None:
    assert ended.returncode in codes, ended.stderr + ended.stdout
    assert acting_characters(ended.stdout + ended.stderr) == set()
    assert "Traceback" not in ended.stderr


def check_unharmed(pair) -> None:
    with psycopg.connect(pair.database.url("owner")) as connection:
        assert connection.execute("SELECT to_regclass('victims') IS NOT NULL").fetchone() == (True,)
    assert not Path("/tmp/owned").exists()  # noqa: S108 - what a payload would make


def test_backup_and_restore__hostile_names__are_equal_to_the_last_row(plagued):
    server, again = plagued.database.server, f"again_{secrets.token_hex(4)}"
    made = plagued.handover("backup", "--apply", "--untried")
    check_output(made, 0)
    (backup,) = (plagued.folder / ".handover/backups").glob("2*")
    server.create_database(again)
    try:
        words = ("--media", str(plagued.folder / "again"), "--apply", "--confirm", again)
        done = plagued.handover("restore", str(backup), "--into", "AGAIN", *words, AGAIN=server.url("owner", again))
        check_output(done, 0)
        assert "restored, and equal." in done.stdout
        before, after = (snapshot(server.url("owner", name), "owner") for name in (plagued.database.name, again))
        different = changes(before, after)
        assert set(different) == {"database"}, different  # its name
    finally:
        server.drop_database(again)
    check_unharmed(plagued)


def only(pair, *kept: str) -> None:
    """Map only these models."""
    path = pair.folder / "handover.toml"
    head, *models = path.read_text().split("[[models]]")
    models[-1], _, prove = models[-1].partition("[prove]")
    wanted = [model for model in models if any(f'.{name}"' in model for name in kept)]
    path.write_text("[[models]]".join([head, *wanted]) + "[prove]" + prove)


@pytest.mark.full
@pytest.mark.parametrize("group", ["read-across", "concurrent-writes"])
def test_prove__every_hostile_table__reads_and_writes_every_row(plagued, group):
    if group == "concurrent-writes":
        only(plagued, "Task", *(f"Odd{number}" for number in range(4)))
    check_proof(plagued, group)


def check_proof(pair, group: str) -> None:
    done = pair.handover("prove", "--json", "--group", group)
    check_output(done, 0)
    assert {one["green"] for one in done.json()["groups"].values()} == {True}
    check_unharmed(pair)


NIGHT = (
    ("init-journal", "--apply"),
    ("cutover", "begin", "--apply"),
    ("check", "--all"),
    ("watch", "--once"),
    ("gates",),
    ("cutover", "plan"),
    ("status",),
    ("doctor",),
)


@pytest.fixture
def told(story, plagued) -> str:
    """The page of a night on these systems; every verb before it obeyed no name."""
    story.set_record("www", 30, "127.0.0.2")
    because = "".join(USABLE.values()).replace("\0", "")
    story.declare(section(window_s=0.3))
    for command in NIGHT:
        check_output(story.handover(*command), 0, 1, 4)
    check_output(story.handover("sign", "--as", "DevOps", "--because", because), 0, 3)
    check_output(story.handover("pause", "--because", because), 0, 3)
    page = story.pair.folder / "report.html"
    check_output(story.handover("report", "--out", str(page)), 0)
    check_unharmed(story.pair)
    return page.read_text()


def test_night__hostile_names__the_report_shows_them_and_no_payload_made_an_element(told):
    assert made_markup(told) == []
    assert acting_characters(told) == set()
    assert "owned()" in told
    if browser.is_installed():
        check_in_the_browser(told)


def check_in_the_browser(page: str) -> None:
    """No script of a payload ran, and nothing was fetched."""
    fetched: list[str] = []
    with browser.page() as at:
        at.add_init_script("window.owned = () => { window.wasOwned = true }")
        at.on("request", lambda request: fetched.append(request.url))
        at.goto("about:blank")
        at.set_content(page)
        at.wait_for_load_state("load")
        assert at.evaluate("window.wasOwned") is None
    assert [url for url in fetched if not url.startswith(("about:", "data:"))] == []
