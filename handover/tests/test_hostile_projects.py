"""A project whose models, texts, migrations and folders have hostile names: each is shown, and none acts."""

import json
from copy import deepcopy
from pathlib import Path

import pytest

from handover_testing.hostile import NAMES, acting_characters, made_markup, markdown_markup

# Classes may have any name when they are made by a call; texts may be anything.
MODELS = """
NAMES = {names!r}


def refuse(message):
    def check(value):
        raise ValueError(message)

    check.__qualname__ = check.__name__ = message
    return check


def of_class(name):
    made = type(name, (), {{"__call__": lambda self, value: None, "__repr__": lambda self: name}})
    return made()


for number, name in enumerate(NAMES):
    meta = type("Meta", (), {{"app_label": "dance", "db_table": f"made_{{number}}", "verbose_name": name,
                            "verbose_name_plural": name, "permissions": [(name[:90], name)], "db_table_comment": name}})
    field = models.CharField(name, max_length=90, default=name, help_text=name, db_comment=name,
                             error_messages={{"invalid": name}}, choices=[(name, [(name, name)])],
                             validators=[RegexValidator(".", message=name, code=name), refuse(name), of_class(name)])
    type(name, (models.Model,), {{"__module__": __name__, "Meta": meta, "said": field, "__str__": lambda self: name}})
"""
MIGRATION = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("dance", {before!r})]
    operations = [migrations.RunSQL({text!r}, migrations.RunSQL.noop)]
"""
FOLDER = "b'; $(touch owned) \x1b[2J\n<img src=x onerror=owned()> [x](javascript:owned())"
VERBS = {
    "all": ("check", "--all"),
    "json": ("check", "--json"),
    "html": ("check", "--html"),
    "sarif": ("check", "--sarif"),
    "markdown": ("document",),
    "strategy": ("document", "--strategy"),
    "doctor": ("doctor",),
}
QUICK = ("json", "html")
EVERY = [pytest.param(verb, marks=() if verb in QUICK else pytest.mark.full) for verb in VERBS]


@pytest.fixture
def hostile(pair):
    """The pair with a backend that is hostile wherever a text is its own."""
    pair.let_read("owner")
    projects = deepcopy(pair.stage.pair)
    backend = projects["backend"]
    backend.settings |= {"SESSION_COOKIE_NAME": repr(NAMES["terminal"])}
    for option in ("verbose_name", "help_text", "default"):
        backend.models["Task"].fields["status"].options[option] = repr(NAMES["lines"] + NAMES["picture"])
    pair.stage.write(pair.folder, projects)
    with (pair.folder / "backend/apps/dance/models.py").open("a") as models:
        models.write(MODELS.format(names=list(NAMES.values())))
    write_migrations(pair.folder / "backend/apps/dance/migrations")
    (pair.folder / "backend").rename(pair.folder / FOLDER)
    pair.change("handover.toml", 'path = "backend"', f"path = {json.dumps(FOLDER)}")
    return pair


def migrations() -> list[str]:
    """Return names of migrations: no file has a slash, no module a dot."""
    names = enumerate(NAMES.values(), 2)
    return [f"{number:04}_{name}".replace("/", "").replace(".", "") for number, name in names]


def write_migrations(folder: Path) -> None:
    before = "0001_initial"
    for number, (one, name) in enumerate(zip(migrations(), NAMES.values(), strict=True), 2):
        (folder / f"{one}.py").write_text(MIGRATION.format(before=before, text=f"SELECT {number}; {name}"))
        before = one


@pytest.mark.parametrize("verb", EVERY)
def test_verb__hostile_project__shows_its_names_and_obeys_none(hostile, verb):
    ended = hostile.handover(*VERBS[verb])
    assert ended.returncode in (0, 1, 4), ended.stderr
    assert "Traceback" not in ended.stderr
    assert acting_characters(ended.stdout + ended.stderr) == set()
    assert verb == "html" or "\n✅ Yes, all is well" not in ended.stdout
    if verb == "html":
        assert made_markup(ended.stdout) == []
        assert "owned()" in ended.stdout
    if verb in ("markdown", "strategy"):
        assert markdown_markup(ended.stdout) == []
    if verb == "json":
        # It started, and was compared.
        assert ended.codes() == ["HO182", "HO010", "HO112", "HO173"]
        shown = json.dumps(ended.json(), ensure_ascii=False)
        assert [n for n in migrations() if json.dumps(n, ensure_ascii=False)[1:-1] not in shown] == []
    assert not list(hostile.folder.rglob("owned"))
