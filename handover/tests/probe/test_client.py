import sys
from pathlib import Path

import pytest

from handover.config.config import System
from handover.errors import ConfigurationError, ProbeError, RaisedError
from handover.probe.client import interpreter, probe


def system(folder: Path, settings: str = "", python: tuple[str, ...] = (sys.executable,), **more: object) -> System:
    folder.joinpath("some_settings.py").write_text(
        f"SECRET_KEY = 'x'\nUSE_TZ = True\nINSTALLED_APPS = []\n{settings}\n{DATABASE}"
    )
    return System(path=folder, python=python, settings="some_settings", **more)


DATABASE = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'none'}}"


def test_probe__system_prints_while_it_starts__answers_stay_readable(tmp_path):
    with probe("it", system(tmp_path, "print('hello from settings')"), tmp_path) as it:
        answer = it.ask("describe")
    assert answer["models"] == answer["migrations"] == []


def test_probe__system_asks_for_input_while_it_starts__finds_none(tmp_path):
    """Requests to the agent are no input of the system."""
    read = "[sys.stdin.read(), os.read(0, 9).decode(), subprocess.check_output('cat', text=True)]"
    reads = f"import os, subprocess, sys\nREAD = {read}"
    with probe("it", system(tmp_path, reads), tmp_path) as it:
        assert it.ask("describe", names=["READ"])["settings"]["named"] == {"READ": "['', '', '']"}
    asks = system(tmp_path, "input('Your name? ')")
    with pytest.raises(RaisedError, match="EOFError"), probe("it", asks, tmp_path):
        pass


def test_probe__system_writes_to_descriptor_1__answers_stay_readable(tmp_path):
    writes = "import os, subprocess\nos.write(1, b'hello')\nsubprocess.run(['echo', 'hello'], check=True)"
    with probe("it", system(tmp_path, writes), tmp_path) as it:
        assert it.ask("describe")["models"] == []


def test_probe__system_exits_while_it_starts__is_an_error(tmp_path):
    leaves = system(tmp_path, "import sys; sys.exit('not today')")
    with pytest.raises(RaisedError, match="SystemExit: not today"), probe("it", leaves, tmp_path):
        pass


def test_probe__settings_do_not_import__quotes_the_error_and_its_place(tmp_path):
    broken = system(tmp_path, "import no_such_module")
    match = r"it does not start:\n.*No module named 'no_such_module'\nat .*some_settings.py, line \d+: import no_such"
    with pytest.raises(RaisedError, match=match), probe("it", broken, tmp_path):
        pass


def test_probe__interpreter_missing__says_what_to_correct(tmp_path):
    missing = system(tmp_path, python=("no-such-python",))
    refusal = pytest.raises(ProbeError, match=r"it could not be started with 'no-such-python'.*Correct `python`")
    with refusal, probe("it", missing, tmp_path):
        pass


def test_probe__interpreter_ends_at_once__says_its_status(tmp_path):
    ends = system(tmp_path, "import os; os._exit(7)")
    refusal = pytest.raises(ProbeError, match="the interpreter of it ended with status 7 and gave no answer")
    with refusal, probe("it", ends, tmp_path):
        pass


def test_probe__program_that_is_no_python__says_its_status(tmp_path):
    false = system(tmp_path, python=("false",))
    refusal = pytest.raises(ProbeError, match="the interpreter of it ended with status 1 and gave no answer")
    with refusal, probe("it", false, tmp_path):
        pass


def test_probe__answer_is_cut__is_no_answer(tmp_path):
    """The interpreter dies while it replies: half an answer must never count as one."""
    cut = system(tmp_path, python=(str(program(tmp_path, "printf '{\"ok\": tr'")),))
    refusal = pytest.raises(ProbeError, match="ended with status 0 in the middle of its answer")
    with refusal, probe("it", cut, tmp_path):
        pass


def test_probe__something_else_writes_to_its_output__is_an_error(tmp_path):
    banner = system(tmp_path, python=(str(program(tmp_path, "echo Welcome to vm")),))
    refusal = pytest.raises(ProbeError, match=r"answered 'start' with something that is no answer: b'Welcome to vm'")
    with refusal, probe("it", banner, tmp_path):
        pass


def test_probe__no_answer_in_time__is_ended(tmp_path):
    hangs = system(tmp_path, "import threading; threading.Event().wait()")
    refusal = pytest.raises(ProbeError, match=r"it did not answer 'start' within 1 s and was ended")
    with refusal, probe("it", hangs, tmp_path, within_s=1):
        pass


def test_probe__no_answer_in_the_time_of_handover_toml__is_ended(tmp_path):
    hangs = system(tmp_path, "import threading; threading.Event().wait()", answer_within_s=0.5)
    refusal = pytest.raises(ProbeError, match=r"within 0.5 s and was ended.*raise answer_within_s in handover.toml")
    with refusal, probe("it", hangs, tmp_path):
        pass


def test_probe__killed_in_between__is_an_error(tmp_path):
    with probe("it", system(tmp_path), tmp_path) as it:
        it._process.kill()
        with pytest.raises(ProbeError, match="ended with status -9 and gave no answer"):
            it.ask("describe")


def test_probe__over_a_shell__is_quoted_once_more(tmp_path):
    """What ssh does: join its arguments with spaces and give them to a shell on the other machine."""
    ssh = program(tmp_path, 'shift; exec sh -c "$*"', name="ssh")
    remote = system(tmp_path, python=(str(ssh), "vm", sys.executable))
    assert interpreter(remote, tmp_path)[-1].startswith("'")
    with probe("it", remote, tmp_path) as it:
        assert it.ask("describe")["settings"]["time_zone"] == "America/Chicago"


def test_probe__environment__reaches_the_settings_and_takes_references(tmp_path, monkeypatch):
    monkeypatch.setenv("ZONE_OF_IT", "Europe/Madrid")
    it = system(tmp_path, "import os; TIME_ZONE = os.environ['ZONE']", environment={"ZONE": "${ZONE_OF_IT}"})
    with probe("it", it, tmp_path) as dialogue:
        assert dialogue.ask("describe")["settings"]["time_zone"] == "Europe/Madrid"
    monkeypatch.delenv("ZONE_OF_IT")
    with pytest.raises(ConfigurationError, match="ZONE_OF_IT is not set; it holds the value of ZONE"):
        it.variables()


def program(folder: Path, text: str, name: str = "program") -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_describe__asked__connects_to_no_database(tmp_path):
    """The agent refuses connections: a fact that needs one stays empty."""
    package = tmp_path / "shop"
    package.mkdir()
    for name in ("__init__.py", "models.py"):
        package.joinpath(name).touch()
    package.joinpath("models.py").write_text(CHOICES_FROM_ROWS)
    with probe("it", system(tmp_path, "INSTALLED_APPS = ['shop']"), tmp_path) as it:
        (model,) = it.ask("describe")["models"]
    assert model["fields"][1]["choices"].startswith("rows#")
    assert model["fields"][1]["choices"].endswith(": they are read from the database")


CHOICES_FROM_ROWS = """
from django.db import connection, models

def rows():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        return cursor.fetchall()

class Item(models.Model):
    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=9, choices=rows)
"""


def test_describe__secrets__are_only_comparable(tmp_path):
    secret = "hunter2-hunter2"
    with probe("it", system(tmp_path, f"SECRET_KEY = {secret!r}"), tmp_path) as it:
        one, same, other = (it.ask("describe", key=key) for key in ("k", "k", "another"))
    assert secret not in str(one)
    keys = [answer["settings"]["secret_key"] for answer in (one, same, other)]
    assert keys[0] == keys[1] != keys[2]


def test_describe__operations__name_the_table_they_are_about_even_when_they_remove_it(tmp_path):
    package = tmp_path / "shop"
    migrations = package / "migrations"
    migrations.mkdir(parents=True)
    for file in (package / "__init__.py", migrations / "__init__.py", package / "models.py"):
        file.touch()
    migrations.joinpath("0001_initial.py").write_text(MIGRATION)
    with probe("it", system(tmp_path, "INSTALLED_APPS = ['shop']"), tmp_path) as it:
        (migration,) = it.ask("describe")["migrations"]
        chosen = [["shop", "0001_initial", list(range(6))]]
        (rendered,) = it.ask("render", migrations=chosen, shared=[], deletable=[])["migrations"]
    found = [(o["kind"], o["table"], o["column"], o["null"], o["sql"]) for o in migration["operations"]]
    assert found == [
        ("CreateModel", "shop_item", None, None, True),
        ("AddField", "shop_item", "note", True, True),
        ("AddField", "shop_item", "size", False, True),
        ("RenameModel", "shop_item", None, None, True),
        ("RunPython", None, None, None, True),  # it does nothing
        ("DeleteModel", "shop_thing", None, None, True),
    ]
    assert 'ALTER TABLE "shop_item" ADD COLUMN "size" integer DEFAULT 3 NOT NULL;' in rendered["sql"]
    assert rendered["code"] == []


MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    operations = [
        migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True))]),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.AddField("item", "note", models.TextField(null=True))],
            state_operations=[migrations.AddField("item", "note", models.TextField(null=True))],
        ),
        migrations.AddField("item", "size", models.IntegerField(default=3)),
        migrations.RenameModel("Item", "Thing"),
        migrations.RunPython(migrations.RunPython.noop),
        migrations.DeleteModel("Thing"),
    ]
"""


def test_load__agent_was_started_to_describe__refuses(tmp_path):
    refusal = pytest.raises(
        RaisedError, match="started to describe; only an agent that was started to act loads chapters"
    )
    with probe("it", system(tmp_path), tmp_path) as it, refusal:
        it.ask("load", name="act", source="ANSWERS = {}")


def test_load__agent_was_started_to_act__answers_what_the_chapter_teaches(tmp_path):
    with probe("it", system(tmp_path), tmp_path, act_on={"NAME": "elsewhere"}) as it:
        source = "def where(request):\n from django.db import connection\n return connection.settings_dict['NAME']\n"
        it.ask("load", name="where", source=source + "ANSWERS = {'where': where}")
        assert it.ask("where") == "elsewhere"
