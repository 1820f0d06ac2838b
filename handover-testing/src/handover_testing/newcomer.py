"""Small systems that come in: an app ``tasks`` that mirrors the original's, an app ``own``, and whatever a case needs.

The original has ``auth.User`` and a table ``tasks``. A newcomer is written as text, migrations included, because it is
the history that matters: what ``makemigrations`` would write today is not how a project came here.
"""

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from handover.cli import app
from sandbox.postgres import Database, Server
from sandbox.snapshot import changes, snapshot

SETTINGS = """
import os
SECRET_KEY = "k" * 50
ALLOWED_HOSTS = ["*"]
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", {apps}]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = "media"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql",
    **{{name: os.environ.get("DB_" + name, "") for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")}}}}}}
{more}
"""
HEAD = "from django.conf import settings\nfrom django.db import migrations, models\n"
KEY = '("id", models.BigAutoField(primary_key=True))'
USER = '("user", models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tasks"))'
TITLE = '("title", models.CharField(max_length=50))'
TASK = """
class Task(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tasks")
    title = models.CharField(max_length=50)
    {more}
    class Meta:
        db_table = "tasks"
"""
SONG = """
class Song(models.Model):
    name = models.CharField(max_length=9)
    class Meta:
        db_table = "songs"
"""


def task(more: str = "") -> str:
    """Return the model of the shared table, with more fields."""
    return TASK.format(more=more)


def create(name: str, *fields: str, **options: str) -> str:
    """Return a CreateModel."""
    given = ", ".join(f"{key!r}: {value!r}" for key, value in options.items())
    return f"migrations.CreateModel({name!r}, fields=[{', '.join(fields)}], options={{{given}}})"


CREATE_TASK = create("Task", KEY, USER, TITLE, db_table="tasks")
CREATE_SONG = create("Song", KEY, '("name", models.CharField(max_length=9))', db_table="songs")


@dataclass(frozen=True)
class Done:
    """How a command ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class App:
    """One app: its models, and its migrations as (operations, dependencies, code before them)."""

    models: str
    migrations: list[str | tuple[str, ...]] = field(default_factory=list)
    after: tuple[str, ...] = ()
    head: str = ""
    atomic: bool = True

    def write(self, folder: Path, name: str) -> None:
        package = folder / name
        (package / "migrations").mkdir(parents=True)
        for place in (package, package / "migrations"):
            (place / "__init__.py").touch()
        (package / "models.py").write_text(f"{HEAD}\n{dedent(self.models)}")
        before = [f'("{other}", "{last}")' for other, last in (one.split(".") for one in self.after)]
        for number, operations in enumerate(self.migrations, 1):
            listed = [operations] if isinstance(operations, str) else list(operations)
            needs = [f'("{name}", "{number - 1:04}_step")'] if number > 1 else before
            user = ["migrations.swappable_dependency(settings.AUTH_USER_MODEL)"] if number == 1 else []
            lines = [
                HEAD,
                dedent(self.head),
                "class Migration(migrations.Migration):",
                f"    atomic = {self.atomic}",
                f"    dependencies = [{', '.join([*user, *needs])}]",
                "    operations = [",
                *(indent(f"{one},", " " * 8) for one in listed),
                "    ]",
            ]
            (package / f"migrations/{number:04}_step.py").write_text("\n".join([*lines, ""]))


@dataclass
class Newcomer:
    """A system on disk that someone adopts into a copy of the original's database."""

    folder: Path
    database: Database
    role: str
    python: list[str]
    patch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]

    def write(self, new_fields: tuple[str, ...] = (), backend: str = "", settings: str = "", **apps: App) -> None:
        """Write the system and the pair's ``handover.toml``."""
        for name, one in apps.items():
            one.write(self.folder / "backend", name)
        names = ", ".join(repr(name) for name in apps)
        (self.folder / "backend/settings.py").write_text(SETTINGS.format(apps=names, more=settings))
        url = conninfo_to_dict(self.database.url("owner"))
        place = {"HOST": url["host"], "PORT": url["port"], "NAME": url["dbname"], "USER": self.role, "PASSWORD": "pw"}
        environment = ", ".join(f"DB_{key} = {json.dumps(value)}" for key, value in place.items())
        original = environment.replace(json.dumps(self.role), '"original_app"')
        text = f"""
            [original]
            path = "original"
            python = {json.dumps(self.python)}
            settings = "settings"
            environment = {{ {original} }}
            [backend]
            path = "backend"
            python = {json.dumps(self.python)}
            settings = "settings"
            role = {json.dumps(self.role)}
            environment = {{ {environment} }}
            {backend}
            [[models]]
            original = "tasks.models.Task"
            backend = "tasks.models.Task"
            table = "tasks"
            new_fields = {json.dumps(list(new_fields))}
        """
        (self.folder / "handover.toml").write_text(dedent(text))

    def run(self, *arguments: str) -> Done:
        """Run ``handover`` in this process."""
        self.captured.readouterr()
        self.patch.setenv("HANDOVER_DATABASE_URL", self.database.url("owner"))
        self.patch.setenv("BACKEND_DATABASE_PASSWORD", "pw")
        with pytest.raises(SystemExit) as ended:
            app([*arguments, "--config", str(self.folder / "handover.toml")])
        printed = self.captured.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    def adopt(self, *arguments: str) -> Done:
        return self.run("adopt", *arguments)

    def apply(self) -> Done:
        """Adopt, and expect it to work."""
        done = self.adopt("--apply")
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def undo(self) -> Done:
        return self.adopt("--undo", "--apply", "--confirm", self.database.name)

    def snapshot(self) -> dict[str, list[Any]]:
        return snapshot(self.database.url("owner"), self.role)

    def sql(self, statement: str, *, role: str = "") -> list[tuple[Any, ...]]:
        """Run a statement as the owner, or with the rights and the search_path of the role that came in."""
        with psycopg.connect(self.database.url("owner")) as connection:
            if role:
                connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
                connection.execute("SET search_path = backend, public")
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def backend(self, statement: str) -> list[tuple[Any, ...]]:
        return self.sql(statement, role=self.role)

    def python_says(self, code: str) -> str:
        """Run code in the system's own interpreter, connected as it will be, and return what it prints."""
        url = conninfo_to_dict(self.database.url("owner"))
        place = {"HOST": url["host"], "PORT": url["port"], "NAME": url["dbname"], "USER": self.role, "PASSWORD": "pw"}
        environment = {f"DB_{key}": str(value) for key, value in place.items()} | {"DJANGO_SETTINGS_MODULE": "settings"}
        start = "import sys; sys.path.insert(0, ''); import django; django.setup()\n"
        argv = [*self.python, "-c", start + dedent(code)]
        done = subprocess.run(
            argv, cwd=self.folder / "backend", env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def without_a_trace(self) -> Iterator[None]:
        """Expect that the database is afterwards as it was before."""
        before = self.snapshot()
        yield
        left = changes(before, self.snapshot())
        assert left == {}, left


def build_original(server: Server, name: str, folder: Path, python: list[str]) -> None:
    """Make the original's database by its own migrations, with two people and a task."""
    App(task(), [CREATE_TASK]).write(folder, "tasks")
    (folder / "settings.py").write_text(SETTINGS.format(apps='"tasks"', more=""))
    server.create_database(name, owner="owner")
    url = conninfo_to_dict(server.url("owner", name))
    environment = {"DJANGO_SETTINGS_MODULE": "settings", "DB_HOST": str(url["host"]), "DB_PORT": str(url["port"])}
    environment |= {"DB_NAME": name, "DB_USER": "owner", "DB_PASSWORD": str(url["password"])}
    code = "import sys; sys.path.insert(0, ''); from django.core.management import execute_from_command_line as run; "
    migrate = [*python, "-c", code + "run(['manage.py', 'migrate', '-v0'])"]
    subprocess.run(migrate, cwd=folder, env=environment, check=True)
    with psycopg.connect(server.url("owner", name)) as connection:
        connection.execute(
            "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff,"
            " is_active, date_joined) SELECT '!', false, n, '', '', '', false, true, '2026-01-01Z'"
            " FROM unnest('{ana,leo}'::text[]) n"
        )
        connection.execute("INSERT INTO tasks (user_id, title) SELECT id, username FROM auth_user")
        # A list of rights that was never touched and one that is back to the same are written in two ways.
        connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO original_app")


@contextmanager
def newcomer(
    database: Database, folder: Path, python: list[str], patch: pytest.MonkeyPatch, captured: Any
) -> Iterator[Newcomer]:
    """Give a place for a system to come in; its role is gone afterwards."""
    App(task(), [CREATE_TASK]).write(folder / "original", "tasks")
    (folder / "original/settings.py").write_text(SETTINGS.format(apps='"tasks"', more=""))
    one = Newcomer(folder, database, f"newcomer_{secrets.token_hex(4)}", python, patch, captured)
    yield one
    with database.server.connect(database.name) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [one.role]).rowcount:
            connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(one.role)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(one.role)))


FILL = """
def fill(apps, editor):
    apps.get_model("own", "Song").objects.create(name="first")
"""
RUN = "migrations.RunPython(fill, migrations.RunPython.noop)"
SMALL_SONG = create(
    "Song", '("id", models.AutoField(primary_key=True))', '("name", models.CharField(max_length=9))', db_table="songs"
)
BIGGER = 'migrations.AlterField("song", "id", models.BigAutoField(primary_key=True))'


def own(*steps: str, head: str = "", models: str = SONG, atomic: bool = True) -> App:
    return App(models, list(steps), after=("tasks.0001_step",), head=head, atomic=atomic)


TASKS = App(task(), [CREATE_TASK])
