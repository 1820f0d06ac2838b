"""A stage: the clean pair of one shape on disk and in a database, and what the check finds on it after a drift."""

import json
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from handover.check.merging import merged
from handover.check.run import apply_rules
from handover.config.config import Backend, Config, Dns, ModelPair, System
from handover.finding import Finding
from handover.schema.catalog import read_catalog, read_roles, snapshot
from handover.schema.models import Description
from handover.schema.rows import read_rows
from handover.schema.subject import DescribedSystem, Subject, search_path_of
from handover.schema.twins import expressions_of
from handover.side import Side
from handover_testing.drifts.fork_server import ForkServer
from handover_testing.drifts.projects import PINNED, Project
from handover_testing.drifts.shapes import Shape
from sandbox import template
from sandbox.postgres import Server

ROLES = {"original": "drift_original", "backend": "drift_backend"}
PASSWORD = "drift"
COMMANDS = ("makemigrations", "migrate")


@dataclass
class Seen:
    """What the check found, and what Django's own commands did."""

    findings: tuple[Finding, ...]
    said: dict[Side, dict[str, Any]]


class Stage:
    """One shape, ready to be changed; made by :func:`build`."""

    def __init__(self, shape: Shape, folder: Path, server: Server, parent: ForkServer) -> None:
        self.shape, self.folder, self.server, self.parent = shape, folder, server, parent
        self.database = f"drift_{shape.name}"
        self.migrations = folder / "migrations"
        self.media = folder / "media"
        original, backend = shape.pair()
        self.pair: dict[Side, Project] = {"original": original, "backend": backend}

    def environment(self, side: Side, database: str) -> dict[str, str]:
        """Return what a side's settings read."""
        where = conninfo_to_dict(self.server.url("owner", database))
        names = {
            "NAME": database,
            "HOST": where["host"],
            "PORT": where["port"],
            "USER": ROLES[side],
            "PASSWORD": PASSWORD,
        }
        return {**{f"DB_{name}": str(value) for name, value in names.items()}, "MEDIA_ROOT": str(self.media)}

    def owner_environment(self, database: str) -> dict[str, str]:
        """Return what settings read that may alter tables."""
        password = str(conninfo_to_dict(self.server.url("owner", database))["password"])
        return {**self.environment("original", database), "DB_USER": "owner", "DB_PASSWORD": password}

    def config(self, folder: Path, projects: dict[Side, Project]) -> Config:
        """Return the pair as a ``handover.toml`` would name it."""
        systems = {
            side: {"path": folder / side, "python": ("python3",), "settings": "settings", "connections": 10}
            for side in Side
        }
        return Config(
            root=folder,
            original=System.model_validate(systems["original"]),
            backend=Backend.model_validate(systems["backend"] | {"schema": "public", "role": ROLES["backend"]}),
            dns=Dns(zone="compas.test", record="www"),
            models=tuple(
                ModelPair(
                    original=f"{self.pair['original'].module}.models.{name}",
                    backend=f"{self.pair['backend'].module}.models.{name}",
                    table=model.table,
                    new_fields=self._new_fields(projects, name),
                )
                for name, model in self.shape.project.models.items()
                if "db_table" in model.meta
            ),
        )

    def _new_fields(self, projects: dict[Side, Project], name: str) -> tuple[str, ...]:
        model = projects["backend"].models.get(name)
        known = self.shape.project.models[name].fields
        return tuple(n for n in (model.fields if model else ()) if n.startswith("new_") and n not in known)

    def write(self, folder: Path, projects: dict[Side, Project], change: Callable[[Path], None] | None = None) -> None:
        """Write both systems below a folder; ``change`` may then change files."""
        for side, project in projects.items():
            project.write(folder / side, self.migrations)
            (folder / side / "pinned.py").write_text(PINNED)
        if change:
            change(folder)

    def described(self, folder: Path, side: Side, database: str, commands: Iterable[str] = ()) -> dict[str, Any]:
        """Ask a side in a forked child."""
        return self.parent.ask(folder / side, self.environment(side, database), "settings", commands=list(commands))

    def looked(self, config: Config, described: dict[Side, dict[str, Any]], database: str) -> tuple[Finding, ...]:
        """Apply the rules to descriptions and a database; a side without description is told as the check tells it."""
        descriptions = {
            side: Description.model_validate(d["describe"]) for side, d in described.items() if d.get("describe")
        }
        lost = [
            Finding(
                code="HO104",
                where="settings",
                found="does not start",
                expected="nothing of it was compared",
                todo=d["error"],
                hurts=side,
            )
            for side, d in described.items()
            if not d.get("describe")
        ]
        with snapshot(self.server.url("owner", database)) as connection:
            return merged([*lost, *found(config, descriptions, connection, self.database)])


def found(
    config: Config, descriptions: dict[Side, Description], connection: psycopg.Connection[Any], database: str
) -> list[Finding]:
    """Return what the rules find on descriptions and a database."""
    catalog = read_catalog(connection)
    catalog.server["database"] = database  # a clone stands for the pair's own
    databases = [d.settings.database for d in descriptions.values()]
    read_roles(connection, catalog, [name for d in databases for name in (d.role, d.acts_as)])
    sides = tuple(DescribedSystem(name, d, search_path_of(d, catalog)) for name, d in descriptions.items())
    rows, unread = read_rows(connection, catalog, ("public",))
    expressions = expressions_of(connection, catalog, sides)
    return [*unread, *apply_rules(Subject(config, catalog, sides, rows, expressions=expressions))]


def build(shape: Shape, folder: Path, server: Server, parent: ForkServer) -> Stage:
    """Write the clean pair, and make its database by its own migrations; kept on the server as a template."""
    stage = Stage(shape, folder, server, parent)
    (stage.media / "videos").mkdir(parents=True)
    (stage.media / "videos" / "there.mp4").touch()
    add_roles(server)
    _migrations(stage)
    stage.database = template.ensure(server, stage.database, lambda name: _database(stage, name))
    stage.write(folder / "clean", stage.pair)
    return stage


def add_roles(server: Server) -> None:
    """Make the roles that the sides connect as."""
    with server.connect() as connection:
        for role in ROLES.values():
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount:
                name = sql.Identifier(role)
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(PASSWORD)))


def _migrations(stage: Stage) -> None:
    """Make the migrations once; whoever shares the server makes the same."""
    project = stage.shape.project
    project.write(stage.folder / "made")
    (stage.folder / "made" / "pinned.py").write_text(PINNED)
    environment = stage.owner_environment("postgres")
    answer = stage.parent.ask(stage.folder / "made", environment, "settings", commands=["only_makemigrations"])
    if answer.get("error") or answer.get("only_makemigrations"):
        raise RuntimeError(f"the project {stage.shape.name} is broken: {json.dumps(answer)[:2000]}")
    shutil.copytree(stage.folder / "made" / project.module / "migrations", stage.migrations)


def _database(stage: Stage, name: str) -> None:
    server, shape = stage.server, stage.shape
    server.create_database(name)
    owner = server.url("owner", name)
    if shape.prepare:
        with psycopg.connect(owner) as connection:
            connection.execute(shape.prepare)
    clean = stage.folder / f"build_{secrets.token_hex(3)}"
    stage.write(clean, {"original": stage.pair["original"]})
    environment = stage.owner_environment(name)
    answer = stage.parent.ask(clean / "original", environment, "settings", commands=["only_migrate"])
    if answer.get("error") or answer.get("only_migrate"):
        raise RuntimeError(f"the database of {shape.name} was not made: {json.dumps(answer)[-2000:]}")
    with psycopg.connect(owner) as connection:
        connection.execute(shape.rows)
        for schema in {"public", *re.findall(r"CREATE SCHEMA (\w+)", shape.prepare)}:
            for role in ROLES.values():
                names = [sql.Identifier(schema), sql.Identifier(role)]
                connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(*names))
                connection.execute(
                    sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {}").format(*names)
                )
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE")
