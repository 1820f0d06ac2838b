"""Describing a system writes nothing, and acting reaches one database, whatever the project does by itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from handover.config.config import System
from handover.errors import RaisedError
from handover.probe.client import probe

SETTINGS = """
import os
SECRET_KEY = "x"
USE_TZ = True
INSTALLED_APPS = ["diary"]
POSTGRES = {name: os.environ[name] for name in ("HOST", "PORT", "USER", "PASSWORD")}
POSTGRES["ENGINE"] = "django.db.backends.postgresql"
DATABASES = {
    "default": {**POSTGRES, "NAME": os.environ["NAME"]},
    "replica": {**POSTGRES, "NAME": os.environ["NAME"]},
    "other": {**POSTGRES, "NAME": os.environ["OTHER"]},
    "small": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["FOLDER"] + "/small.sqlite3"},
}
"""
MODELS = """
from django.db import models

class Page(models.Model):
    id = models.BigAutoField(primary_key=True)
    text = models.TextField()
"""
# Every way to a connection that Django offers; the result of each goes into a file.
READY = """
import json, os, threading
from django.apps import AppConfig
from django.db import OperationalError, connection, connections, transaction

def by_model(alias):
    from diary.models import Page
    Page.objects.using(alias).create(text="ready")

def by_cursor(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("INSERT INTO diary_page (text) VALUES ('ready')")

def by_raw_connection(alias):
    wrapper = connections[alias]
    made = wrapper.get_new_connection(wrapper.get_connection_params())
    made.cursor().execute("INSERT INTO diary_page (text) VALUES ('ready')")
    made.commit()

def by_own_wrapper(alias):
    own = type(connections[alias])(connections[alias].settings_dict, alias)
    own.ensure_connection()
    with own.cursor() as cursor:
        cursor.execute("INSERT INTO diary_page (text) VALUES ('ready')")

def by_transaction(alias):
    with transaction.atomic(alias):
        by_cursor(alias)

def by_command(alias):
    from django.core.management import call_command
    call_command("createcachetable", "pages_cache", database=alias, verbosity=0)

WAYS = (by_model, by_cursor, by_raw_connection, by_own_wrapper, by_transaction, by_command)

def tried(said):
    for alias in connections:
        for way in WAYS:
            try:
                way(alias)
                said.append(["wrote", alias, way.__name__])
            except OperationalError as error:
                said.append(["refused", alias, way.__name__])
            except Exception as error:
                said.append([type(error).__name__ + str(error), alias, way.__name__])

class Config(AppConfig):
    name = "diary"
    def ready(self):
        said = []
        tried(said)
        thread = threading.Thread(target=tried, args=[said])
        thread.start()
        thread.join()
        with open(os.environ["FOLDER"] + "/said.json", "w") as file:
            json.dump(said, file)
"""
UNGUARDED = """
from django.apps import AppConfig

class Config(AppConfig):
    name = "diary"
    def ready(self):
        from diary.models import Page
        self.pages = list(Page.objects.values_list("text", flat=True))
"""
DRIVER = """
import os, psycopg
from django.apps import AppConfig

class Config(AppConfig):
    name = "diary"
    def ready(self):
        where = {n.lower(): os.environ[n] for n in ("HOST", "PORT", "USER", "PASSWORD")}
        with psycopg.connect(dbname=os.environ["NAME"], **where) as connection:
            connection.execute("INSERT INTO diary_page (text) VALUES ('ready')")
"""
TABLE = "CREATE TABLE diary_page (id bigserial PRIMARY KEY, text text NOT NULL); ALTER TABLE diary_page OWNER TO owner"


@pytest.fixture
def databases(postgres):
    """Give three databases with an empty diary each: the system's own, a second one of it, and a copy of the first."""
    names = ("diary_of_one", "diary_of_another", "diary_copied")
    for name in names:
        postgres.create_database(name)
        with postgres.connect(name) as connection:
            connection.execute(TABLE)
    yield names
    for name in names:
        postgres.drop_database(name)


@pytest.fixture
def diary(databases, postgres, tmp_path):
    """Give a system that writes to every database when it starts."""
    return written(tmp_path, postgres, databases, READY)


def written(folder: Path, postgres, databases, apps: str, **more: object) -> System:
    package = folder / "diary"
    package.mkdir()
    for name, text in (("__init__.py", ""), ("models.py", MODELS), ("apps.py", apps)):
        package.joinpath(name).write_text(text)
    folder.joinpath("diary_settings.py").write_text(SETTINGS)
    where = conninfo_to_dict(postgres.url("owner", databases[0]))
    environment = {
        "NAME": databases[0],
        "OTHER": databases[1],
        "HOST": str(where["host"]),
        "PORT": str(where["port"]),
        "USER": str(where["user"]),
        "PASSWORD": str(where.get("password", "")),
        "FOLDER": str(folder),
    }
    return System(path=folder, python=(sys.executable,), settings="diary_settings", environment=environment, **more)


def pages(postgres, name: str) -> list[str]:
    with postgres.connect(name) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM diary_page ORDER BY id")]


def said(folder: Path) -> list[list[str]]:
    """Return the result of each way, in both threads."""
    return json.loads((folder / "said.json").read_text())


def test_describing__system_writes_while_it_starts__finds_no_database_and_goes_on(diary, databases, postgres, tmp_path):
    with probe("it", diary, tmp_path) as it:
        models = it.ask("describe")["models"]
    assert [model["label"] for model in models] == ["diary.Page"]
    ways = said(tmp_path)
    assert {what for what, _, _ in ways} == {"refused"}
    assert len(ways) == len(("this thread", "another")) * len(("default", "replica", "other", "small")) * 6
    assert [pages(postgres, name) for name in databases] == [[], [], []]
    assert not (tmp_path / "small.sqlite3").exists()


def test_describing__the_same_system_by_itself__would_have_written_by_every_way(diary, databases, postgres, tmp_path):
    environment = os.environ | diary.variables() | {"DJANGO_SETTINGS_MODULE": "diary_settings"}
    subprocess.run([sys.executable, "-c", "import django; django.setup()"], cwd=tmp_path, env=environment, check=True)
    wrote = [tuple(way[1:]) for way in said(tmp_path) if way[0] == "wrote"]
    assert {alias for alias, _ in wrote} == {"default", "replica", "other", "small"}
    assert {way for _, way in wrote} == {
        "by_model", "by_cursor", "by_raw_connection", "by_own_wrapper", "by_transaction", "by_command"
    }  # fmt: skip
    assert pages(postgres, databases[0])
    assert (tmp_path / "small.sqlite3").exists()


WRITE = """
def write(request):
    from django.db import connections
    from diary.models import Page
    found = {}
    for alias in connections:
        try:
            Page.objects.using(alias).create(text="acted on " + alias)
            found[alias] = "written"
        except Exception as error:
            found[alias] = str(error)
    return found

ANSWERS = {"write": write}
"""


def test_acting__on_a_copy__reaches_only_that_and_only_when_asked(diary, databases, postgres, tmp_path):
    own, other, copy = databases
    with probe("it", diary, tmp_path, act_on={"NAME": copy}) as it:
        it.load_source("write", WRITE)
        found = it.ask("write")
    assert {what for what, _, _ in said(tmp_path)} == {"refused"}
    assert found["default"] == found["replica"] == "written"
    refusal = "handover: the alias {} leads to another database than the one to act on"
    assert (found["other"], found["small"]) == (refusal.format("other"), refusal.format("small"))
    assert [pages(postgres, name) for name in (own, other)] == [[], []]
    assert pages(postgres, copy) == ["acted on default", "acted on replica"]
    assert not (tmp_path / "small.sqlite3").exists()


@pytest.mark.parametrize("option", ["dbname", "service"])
def test_acting__options_lead_to_the_systems_own_database__reaches_the_copy(
    diary, databases, postgres, tmp_path, option
):
    settings = tmp_path / "diary_settings.py"
    settings.write_text(
        f"{settings.read_text()}\nDATABASES['default']['OPTIONS'] = {{{option!r}: os.environ['NAME']}}\n"
    )
    with probe("it", diary, tmp_path, act_on={"NAME": databases[2]}) as it:
        it.load_source("write", WRITE)
        assert it.ask("write")["default"] == "written"
    assert pages(postgres, databases[0]) == []
    assert pages(postgres, databases[2])


def test_acting__on_its_own_databases__reaches_them_all(diary, databases, postgres, tmp_path):
    with probe("it", diary, tmp_path, act_on={}) as it:
        it.load_source("write", WRITE)
        found = it.ask("write")
    assert [found[alias] for alias in ("default", "replica", "other")] == ["written"] * 3
    assert pages(postgres, databases[1]) == ["acted on other"]


def test_describing__system_does_not_start_without_its_rows__says_what_lets_it(databases, postgres, tmp_path):
    it = written(tmp_path, postgres, databases, UNGUARDED)
    with (
        pytest.raises(
            RaisedError,
            match=r"OperationalError: handover: looking at a system connects it to no database.*reads_at_start",
        ),
        probe("it", it, tmp_path),
    ):
        pass


def test_describing__system_may_read_while_it_starts__reads_and_cannot_write(databases, postgres, tmp_path):
    it = written(tmp_path, postgres, databases, UNGUARDED, reads_at_start=True)
    with postgres.connect(databases[0]) as connection:
        connection.execute("INSERT INTO diary_page (text) VALUES ('there')")
    with probe("it", it, tmp_path) as agent:
        assert [model["label"] for model in agent.ask("describe")["models"]] == ["diary.Page"]


def test_describing__system_that_may_read_writes__is_refused_by_postgresql(diary, databases, postgres, tmp_path):
    reading = diary.model_copy(update={"reads_at_start": True})
    with probe("it", reading, tmp_path) as it:
        it.ask("describe")
    ways = said(tmp_path)
    assert "wrote" not in {what for what, _, _ in ways}
    refused = {what for what, alias, _ in ways if alias != "small"}
    assert all("read-only transaction" in what for what in refused), refused
    assert [pages(postgres, name) for name in databases] == [[], [], []]
    assert not (tmp_path / "small.sqlite3").exists()


def test_describing__system_writes_by_the_driver_itself__is_refused_by_postgresql(databases, postgres, tmp_path):
    it = written(tmp_path, postgres, databases, DRIVER)
    refusal = pytest.raises(RaisedError, match="cannot execute INSERT in a read-only transaction")
    with refusal, probe("it", it, tmp_path):
        pass
    assert pages(postgres, databases[0]) == []


def test_describing__at_a_folder__leaves_it_as_it_was(diary, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    with probe("it", diary, tmp_path) as it:
        it.ask("describe")
    assert sorted(tmp_path.rglob("*")) == sorted([*before, tmp_path / "said.json"])
