"""An operator with a shell: the original's database, a role of this test's own, and the real command."""

import json
import secrets
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from handover.adoption.adopt import AskedBackend, asking_backend
from handover.cli import app
from handover.config.config import load_config
from handover.probe.client import Probe
from handover_testing.fixtures import parent, python
from handover_testing.newcomer import Done
from sandbox import house
from sandbox.postgres import Database
from sandbox.snapshot import snapshot

__all__ = ["parent", "python"]


@dataclass
class Operator:
    """A person who runs ``handover adopt`` as the owner of one database."""

    database: Database
    role: str
    config: Path
    environment: dict[str, str]
    patch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]
    gone: str = ""

    def adopt(self, *arguments: str) -> Done:
        """Run ``handover adopt``."""
        return self.run(*self.arguments(*arguments))

    def run(self, *arguments: str) -> Done:
        """Run the command line in this process: a process of its own takes a second to start."""
        self.captured.readouterr()
        for variable in ("HANDOVER_DATABASE_URL", "BACKEND_DATABASE_PASSWORD"):
            self.patch.setenv(variable, self.environment[variable])
        with pytest.raises(SystemExit) as ended:
            app(list(arguments))
        printed = self.captured.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    def arguments(self, *arguments: str) -> list[str]:
        return ["adopt", "--config", str(self.config), *arguments]

    def undo(self) -> Done:
        return self.adopt("--undo", "--apply", "--confirm", self.database.name)

    def snapshot(self) -> dict[str, list]:
        return snapshot(self.database.url("owner"), self.role)

    def as_owner(self, *statements: str) -> None:
        with psycopg.connect(self.database.url("owner")) as connection:
            for statement in statements:
                connection.execute(statement)

    def as_superuser(self, *statements: str) -> None:
        with self.database.server.connect(self.database.name) as connection:
            for statement in statements:
                connection.execute(statement)

    def as_backend(self) -> psycopg.Connection:
        """Connect as the adopted role does: its search_path is a setting of the role."""
        url = psycopg.conninfo.conninfo_to_dict(self.database.url("owner"))
        return psycopg.connect(**{**url, "user": self.role, "password": self.environment["BACKEND_DATABASE_PASSWORD"]})


class AskedOnce:
    """The backend's dialogue, in which each question is asked once: it knows no database, so it answers the same again.

    Showing all of its migrations as SQL takes it half a second.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe, self._answers = probe, {}

    def ask(self, do: str, **arguments: object) -> object:
        question = json.dumps([do, arguments], sort_keys=True)
        if question not in self._answers:
            self._answers[question] = json.dumps(self._probe.ask(do, **arguments))
        return json.loads(self._answers[question])


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AskedBackend]:
    """The backend's dialogue, begun once: its interpreter takes two seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDIA_ROOT", str(tmp_path_factory.mktemp("media")))
        config = load_config(house.ROOT / "handover.toml")
        with asking_backend(config) as asked:
            yield replace(asked, probe=AskedOnce(asked.probe))


@pytest.fixture
def operator(original_database, asked, python, tmp_path, monkeypatch, capsys) -> Iterator[Operator]:
    monkeypatch.setattr("handover.cli.adopt.asking_backend", lambda _: nullcontext(asked))
    role = f"backend_{secrets.token_hex(4)}"
    config = tmp_path / "handover.toml"
    config.write_text(pair_with(role, python))
    environment = {
        **house.handover_environment(original_database.server, original_database.name),
        "BACKEND_DATABASE_PASSWORD": secrets.token_urlsafe(),
    }
    yield Operator(original_database, role, config, environment, monkeypatch, capsys)
    with original_database.server.connect(original_database.name) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
            connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(role)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def pair_with(role: str, python: list[str]) -> str:
    """Return this repository's pair as seen from another folder, with a role and an interpreter of its own."""
    text = (house.ROOT / "handover.toml").read_text()
    for old, new in {
        'path = "original"': f'path = "{house.ROOT}/original"',
        'path = "backend"': f'path = "{house.ROOT}/backend"',
        'python = [".venv/bin/python"]': f"python = {json.dumps(python)}",
        'role = "backend_app"': f'role = "{role}"',
    }.items():
        assert old in text
        text = text.replace(old, new)
    return text
