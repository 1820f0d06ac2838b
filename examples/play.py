"""Plays one example on a PostgreSQL of its own: ``python examples/play.py NAME``.

Shows every command and what it prints, and ends with status 0 when each step did what it should. Each example is a
folder with two Django projects, a ``handover.toml`` and SQL files: ``original.sql`` (the rows of the original),
``backend.sql`` (what the backend writes when it is in) and ``after.sql`` (what the original deletes then).
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from handover.config.config import load_config
from sandbox import house
from sandbox.postgres import Server
from sandbox.snapshot import changes, snapshot

HERE = Path(__file__).resolve().parent
HANDOVER = ("-c", "from handover.cli import app; app()")
DIFFERENT, REFUSED = 4, 3


@dataclass(frozen=True)
class Example:
    """How one example is played.

    Attributes
    ----------
    prove
        Which groups of proofs are run; none where proofs add nothing.
    refused
        Whether the adoption is refused.
    way_round
        Another file like ``handover.toml``, which is adopted after the refusal.
    schema
        Where the shared tables are.
    by_hand
        Whether the backend is taken in by hand after the refusal, by ``by-hand.sql``, and out by ``out-again.sql``.
    checked
        Whether ``handover check`` is shown: not where the pair differs on purpose.
    django
        The version of Django of the original, in an environment of its own; empty: the one that the backend has.
    """

    prove: tuple[str, ...] = ()
    refused: bool = False
    way_round: str = ""
    schema: str = "public"
    by_hand: bool = False
    checked: bool = True
    django: str = ""


EXAMPLES = {
    "plain": Example(prove=("read-across",)),
    "custom-user": Example(prove=("identity",)),
    "two-versions": Example(django="4.2", prove=("read-across",)),
    "another-schema": Example(refused=True, by_hand=True, schema="shop"),
    "unadoptable": Example(refused=True, way_round="way-round.toml"),
    "strategy": Example(prove=("read-across",), checked=False),
}


class FailedError(Exception):
    """A step did not do what it should."""


@dataclass(frozen=True)
class Play:
    """One example on one database of a server."""

    name: str
    server: Server
    media: Path
    home: Path = HERE

    @property
    def example(self) -> Example:
        """How it is played; another pair than the examples is played as the simplest of them."""
        return EXAMPLES.get(self.name, Example()) if self.home == HERE else Example()

    @property
    def folder(self) -> Path:
        """Where the example lies."""
        return self.home / self.name

    @property
    def file(self) -> Path:
        """The ``handover.toml`` with which the backend is taken in."""
        return self.folder / (self.example.way_round or "handover.toml")

    @property
    def database(self) -> str:
        """The name of its database."""
        return self.name.replace("-", "_")

    def play(self) -> None:
        """Make the original's database; check; take the backend in, let both work, take it out."""
        self.make_original()
        self._check(DIFFERENT)
        if self.example.refused:
            self.handover("adopt", status=REFUSED)
        if self.example.by_hand:
            self._in_and_out_by_hand()
        else:
            self._in_and_out(self.file.name)

    def make_original(self) -> None:
        """Make the original's database: its migrations, its rows, the rights of its role."""
        show(f"{self.name}: the original's migrations and rows")
        self.server.create_database(self.database)
        schema = self.example.schema
        self.execute("owner", f"CREATE SCHEMA IF NOT EXISTS {schema}")
        self.django("original", "owner", "migrate", "-v0")
        if (self.folder / "original.sql").exists():
            self.execute("owner", self._sql("original.sql"))
        self.execute("owner", f"GRANT USAGE ON SCHEMA {schema} TO original_app")
        self.execute("owner", f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO original_app")

    def take_in(self) -> None:
        """Make the original's database, and take the backend in."""
        self.make_original()
        if self.example.by_hand:
            self._in_by_hand()
        else:
            self.handover("adopt", "--apply", file=self.file.name)

    def _in_and_out(self, file: str) -> None:
        before = self._snapshot()
        self.handover("adopt", file=file)
        self.handover("adopt", "--apply", file=file)
        self._check(file=file)
        self.django(str(load_config(self.folder / file).backend.path), "backend_app", "migrate", "--check")
        for group in self.example.prove:
            self.handover("prove", "--group", group, file=file)
        self._work()
        self.handover("adopt", "--undo", "--apply", "--confirm", self.database, file=file)
        self._nothing_left(before)

    def _in_and_out_by_hand(self) -> None:
        before = self._snapshot()
        self._in_by_hand()
        self.django("backend", "backend_app", "migrate", "--check")
        self._check()
        self._work()
        show("out-again.sql")
        self.execute("owner", self._sql("out-again.sql"))
        self._nothing_left(before)

    def _in_by_hand(self) -> None:
        show("the way round: by-hand.sql")
        self.execute("owner", self._sql("by-hand.sql").replace(":'password'", f"'{self._password('backend_app')}'"))
        self.django("backend", "backend_app", "migrate", "--fake", "shop", "0001_initial")

    def _check(self, status: int = 0, file: str = "handover.toml") -> None:
        if self.example.checked:
            self.handover("check", status=status, file=file)

    def _work(self) -> None:
        """Let the backend write, and the original delete what the backend's rows point at."""
        if not (self.folder / "backend.sql").exists():
            return
        self.execute("backend_app", self._sql("backend.sql"))
        self.execute("original_app", self._sql("after.sql"))
        show("backend.sql: the backend wrote; after.sql: the original deleted")

    def _snapshot(self) -> dict[str, list[Any]]:
        return snapshot(self.server.url("owner", self.database), "backend_app")

    def _nothing_left(self, before: dict[str, list[Any]]) -> None:
        """End the play when anything differs but the rows that the two SQL files change."""
        worked = "".join(self._sql(name) for name in ("backend.sql", "after.sql"))
        left = [part for part in changes(before, self._snapshot()) if part.removeprefix("rows of ") not in worked]
        if left:
            raise FailedError(f"the undo left {', '.join(sorted(left))}")
        show("no trace of the backend is left")

    def handover(self, *arguments: str, status: int = 0, file: str = "handover.toml") -> None:
        """Run the toolkit as a stranger would, in the example's folder."""
        show(f"handover {' '.join(arguments)}")
        config = ["--config", file] if file != "handover.toml" else []
        self._run([sys.executable, *HANDOVER, *arguments, *config], self.folder, self.environment, status)

    def django(self, side: str, role: str, *arguments: str, shown: str = "", **settings: str) -> None:
        """Run a command of one system's own ``manage.py``, as a database role, with more of the environment."""
        python = str(django_environment(self.example.django)) if side == "original" else sys.executable
        login = {"DB_USER": role, "DB_PASSWORD": self._password(role)} | settings
        show(shown or f"{side}: manage.py {' '.join(arguments)}")
        self._run([python, "manage.py", *arguments], self.folder / side, self.environment | login, 0)

    def execute(self, role: str, statements: str) -> None:
        """Run statements as one of the roles."""
        with psycopg.connect(self.server.url(role, self.database)) as connection:
            connection.execute(statements.encode())

    @property
    def environment(self) -> dict[str, str]:
        """What both systems and ``handover`` read."""
        place = conninfo_to_dict(self.server.url("owner", self.database))
        return {
            **{name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
            "DB_HOST": str(place["host"]),
            "DB_PORT": str(place["port"]),
            "DB_NAME": self.database,
            "MEDIA_ROOT": str(self.media),
            "HANDOVER_DATABASE_URL": self.server.url("owner", self.database),
            "BACKEND_DATABASE_PASSWORD": self._password("backend_app"),
            "ORIGINAL_PASSWORD": self._password("original_app"),
        }

    def _password(self, role: str) -> str:
        return str(conninfo_to_dict(self.server.url(role, self.database))["password"])

    def _sql(self, name: str) -> str:
        file = self.folder / name
        return file.read_text() if file.exists() else ""

    @staticmethod
    def _run(command: list[str], folder: Path, environment: Mapping[str, str], status: int) -> None:
        done = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode != status:
            raise FailedError(f"{' '.join(command)} ended with status {done.returncode}; it must end with {status}")


def django_environment(version: str) -> Path:
    """Return an interpreter that has a version of Django; uv installs it once, into ``.local``."""
    if not version:
        return Path(sys.executable)
    folder = house.LOCAL / "examples" / f"django-{version}"
    python = folder / "bin" / "python"
    done = folder / "installed-2"
    if not done.exists():
        show(f"Django {version} is installed into an environment of its own")
        own = house.LOCAL / "uv" / "bin" / "uv"
        uv = str(own) if own.exists() else "uv"
        packages = [f"django=={version}.*", "psycopg[binary]", "gunicorn"]
        for command in (
            [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", str(python), *packages],
        ):
            subprocess.run(command, check=True)
        done.touch()
    return python


def show(line: str) -> None:
    """Say what comes."""
    sys.stdout.write(f"\n== {line}\n")
    sys.stdout.flush()


def main(act: Callable[[Play], None] = Play.play, about: str = "Play one of the examples") -> int:
    """Play the example that the command line names, on a server that is gone afterwards."""
    parser = argparse.ArgumentParser(description=f"{about} on a PostgreSQL of its own.")
    parser.add_argument("name", choices=EXAMPLES)
    name = parser.parse_args().name
    with tempfile.TemporaryDirectory(prefix="example-") as place:
        Path(place).chmod(0o711)  # the server may run as another user
        media = Path(place) / "media"
        media.mkdir()
        with Server(Path(place) / "postgres") as server:
            try:
                act(Play(name, server, media))
            except FailedError as error:
                print(error, file=sys.stderr)  # noqa: T201
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
