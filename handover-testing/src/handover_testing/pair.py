"""A small pair with its own database, and an operator who runs ``handover`` on it."""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from handover.cli import app
from handover_testing.drifts.stage import Stage
from sandbox.postgres import Database, binaries
from sandbox.postgres.account import Account


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str

    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.stdout)

    def codes(self, part: str = "findings") -> list[str]:
        """The codes of a part of ``check --json``."""
        return [finding["code"] for finding in self.json()[part]]


@dataclass
class Pair:
    """Two systems on disk and a database that they share."""

    folder: Path
    stage: Stage
    database: Database
    patch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]

    def handover(self, *arguments: str, role: str = "owner", **environment: str) -> Ended:
        """Run the command line in this process; the systems run in interpreters of their own."""
        self.patch.setenv("HANDOVER_DATABASE_URL", self.database.url(role))
        for name, value in environment.items():
            self.patch.setenv(name, value)
        return self.ended(*arguments)

    def ended(self, *arguments: str) -> Ended:
        """Run the command line in the environment that is."""
        self.captured.readouterr()
        with pytest.raises(SystemExit) as ended:
            app([*arguments, "--config", str(self.folder / "handover.toml")])
        printed = self.captured.readouterr()
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    @contextmanager
    def process(self, *arguments: str, url: str = "", **pipes: int) -> Iterator[subprocess.Popen[str]]:
        """Run the command line as a process of its own, until the block ends; ``url`` is of its database."""
        environment = os.environ | {"HANDOVER_DATABASE_URL": url or self.database.url("owner")}
        program = [sys.executable, "-c", "from handover.cli import app; app()"]
        command = [*program, *arguments, "--config", str(self.folder / "handover.toml")]
        with subprocess.Popen(command, env=environment, text=True, **pipes) as started:
            try:
                yield started
            finally:
                started.kill()

    def check(self, *arguments: str, **more: str) -> Ended:
        return self.handover("check", *arguments, **more)

    def superuser(self, sql: str) -> None:
        with self.database.server.connect(self.database.name) as connection:
            connection.execute(sql.encode())

    @contextmanager
    def narrow(self, database: str = "") -> Iterator[str]:
        """Yield the URL of a role with the owner's rights and without its attributes: it makes no role, no database.

        The owner itself keeps them, since other tests on the server use it at the same time.
        """
        name, password = f"narrow_{secrets.token_hex(4)}", secrets.token_hex(8)
        self.superuser(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE owner")
        try:
            url = self.database.server.url("owner", database or self.database.name)
            yield re.sub("//owner:[^@]+@", f"//{name}:{password}@", url)
        finally:
            self.superuser(f"DROP ROLE {name}")

    def let_read(self, role: str) -> None:
        for what in ("TABLES", "SEQUENCES"):
            self.superuser(f"GRANT SELECT ON ALL {what} IN SCHEMA public TO {role}")

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def toml(stage: Stage, database: str, python: list[str]) -> str:
    """Return the pair's ``handover.toml``."""
    lines = []
    for side in ("original", "backend"):
        environment = ", ".join(f'{k} = "{v}"' for k, v in stage.environment(side, database).items())
        lines += [
            f"[{side}]",
            f'path = "{side}"',
            f"python = {json.dumps(python)}",
            'settings = "settings"',
            f"environment = {{ {environment} }}",
            'schema = "public"' if side == "backend" else "",
        ]
    label = stage.shape.project.label
    for name, model in stage.shape.project.models.items():
        lines += ["[[models]]", f'original = "{label}.models.{name}"', f'backend = "apps.{label}.models.{name}"']
        lines.append(f"table = {json.dumps(model.table)}")
    lines += ["[prove]", f"pg_bin = {json.dumps(str(binaries.programs(Account.current())))}"]
    return "\n".join([*lines, ""])
