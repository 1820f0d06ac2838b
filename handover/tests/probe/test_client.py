import sys
from pathlib import Path

import pytest

from handover.config import System
from handover.errors import ProbeError
from handover.probe.client import probe


def system(folder: Path, settings: str = "", python: tuple[str, ...] = (sys.executable,)) -> System:
    folder.joinpath("some_settings.py").write_text(
        f"SECRET_KEY = 'x'\nUSE_TZ = True\nINSTALLED_APPS = []\n{settings}\n"
    )
    return System(path=folder, python=python, settings="some_settings")


def test_probe__system_prints_while_it_starts__answers_stay_readable(tmp_path):
    with probe("it", system(tmp_path, "print('hello from settings')"), tmp_path) as it:
        assert it.ask("describe") == {"models": [], "migrations": []}


def test_probe__settings_do_not_import__quotes_the_traceback(tmp_path):
    with (
        probe("it", system(tmp_path, "import no_such_module"), tmp_path) as it,
        pytest.raises(ProbeError, match=r"it could not answer 'describe'.*\n(.*\n)*.*No module named 'no_such_module'"),
    ):
        it.ask("describe")


def test_probe__interpreter_missing__says_what_to_correct(tmp_path):
    missing = system(tmp_path, python=("no-such-python",))
    refusal = pytest.raises(ProbeError, match=r"it could not be started with 'no-such-python'.*Correct `python`")
    with refusal, probe("it", missing, tmp_path):
        pass


def test_probe__interpreter_ends_at_once__says_its_status(tmp_path):
    with (
        probe("it", system(tmp_path, "import os; os._exit(7)"), tmp_path) as it,
        pytest.raises(ProbeError, match="the interpreter of it ended with status 7 and gave no answer"),
    ):
        it.ask("describe")


def test_probe__program_that_is_no_python__says_its_status(tmp_path):
    with (
        probe("it", system(tmp_path, python=("false",)), tmp_path) as it,
        pytest.raises(ProbeError, match="the interpreter of it ended with status 1 and gave no answer"),
    ):
        it.ask("describe")


def test_describe__operations__name_the_table_they_are_about_even_when_they_remove_it(tmp_path):
    package = tmp_path / "shop"
    migrations = package / "migrations"
    migrations.mkdir(parents=True)
    for file in (package / "__init__.py", migrations / "__init__.py", package / "models.py"):
        file.touch()
    migrations.joinpath("0001_initial.py").write_text(MIGRATION)
    with probe("it", system(tmp_path, "INSTALLED_APPS = ['shop']\n" + DATABASE), tmp_path) as it:
        (migration,) = it.ask("describe")["migrations"]
        (lines,) = it.ask("render", migrations=[["shop", "0001_initial"]])["sql"]
    found = [(o["kind"], o["table"], o["column"], o["null"], o["sql"]) for o in migration["operations"]]
    assert found == [
        ("CreateModel", "shop_item", None, None, True),
        ("AddField", "shop_item", "note", True, True),
        ("AddField", "shop_item", "size", False, True),
        ("RenameModel", "shop_item", None, None, True),
        ("RunPython", None, None, None, False),
        ("DeleteModel", "shop_thing", None, None, True),
    ]
    assert 'ALTER TABLE "shop_item" ADD COLUMN "size" integer DEFAULT 3 NOT NULL;' in lines


DATABASE = "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'none'}}"
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
