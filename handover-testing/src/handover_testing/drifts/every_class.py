"""One project of every class of field, validator, constraint and index of Django, between and on its versions."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from handover.check.run import run_check
from handover.check.systems import asking
from handover.config.config import Backend, Config, Dns, ModelPair, System
from handover.side import Side
from handover_testing.drifts import classes
from handover_testing.drifts.fork_server import ForkServer
from handover_testing.drifts.projects import PINNED, Model, Project
from handover_testing.drifts.shapes import SHOP
from handover_testing.drifts.stage import ROLES, Stage, add_roles
from handover_testing.drifts.versions import SEVERITIES, Unavailable, environment
from sandbox.postgres import Server

PAIRS = (("4.2", "4.2"), ("5.2", "5.2"), ("6.0", "6.0"), ("4.2", "5.2"), ("5.2", "4.2"), ("5.2", "6.0"), ("6.0", "5.2"))
LABEL = "every"
PREAMBLE = """\
from django.contrib.auth import validators as auth_validators
from django.contrib.postgres import constraints as postgres_constraints
from django.contrib.postgres import fields as postgres_fields
from django.contrib.postgres import indexes as postgres_indexes
from django.contrib.postgres import search
from django.contrib.postgres import validators as postgres_validators
from django.core import validators
from django.db.models import functions
"""
THERE = "files/there.png"
EXTENSIONS = ("hstore", "btree_gist", "citext", "bloom")
# A value of each type; of all others 1.
SAMPLES = {
    "bytea": "x", "bool": "true", "date": "2024-02-29", "timestamptz": "2024-02-29 12:00+00", "interval": "1 day",
    "inet": "127.0.0.1", "jsonb": '{"a": 1}', "time": "12:00", "uuid": "00000000-0000-0000-0000-000000000007",
    "_int4": "{1}", "int8range": "[1,3)", "int4range": "[1,3)", "numrange": "[1,3)",
    "daterange": "[2024-01-01,2024-02-01)",
    "tstzrange": "[2024-01-01,2024-02-01)", "hstore": "a=>1", "tsquery": "a", "tsvector": "a",
}  # fmt: skip
NAMED = {"f_filefield": THERE, "f_imagefield": THERE, "f_emailfield": "a@example.org", "f_filepathfield": "/srv/a"}


@dataclass(frozen=True)
class Classes:
    """What the pairs said, by their names; the pairs that could not be looked at, and how many classes each had."""

    alarms: dict[str, list[str]]
    unseen: dict[str, str]
    counts: dict[str, int]


def every_class(server: Server, folder: Path, parent: ForkServer) -> Classes:
    """Make the pair of each two versions, on a database that the original's Django makes, and check it."""
    found = Classes({}, {}, {})
    for pair in PAIRS:
        name = (
            f"every class of Django {' and '.join(dict.fromkeys(pair))}{'' if pair[0] <= pair[1] else ', turned about'}"
        )
        try:
            pythons = [environment(folder / f"django-{version}", version) for version in pair]
        except Unavailable as reason:
            found.unseen[name] = str(reason)
            continue
        written = folder / f"every-{'-'.join(pair)}"
        known = _common([known_classes(python) for python in pythons], older=pair.index(min(pair)))
        found.alarms[name] = said_of(server, written, project_of(known), pythons, parent)
        found.counts[name] = sum(len(part) for part in known.values() if isinstance(part, (dict, list)))
    return found


def known_classes(python: Path) -> dict[str, Any]:
    """Return the classes of an interpreter's Django, as source text."""
    answer = subprocess.run([python, classes.__file__], check=True, capture_output=True, text=True).stdout
    known: dict[str, Any] = json.loads(answer)
    if known.pop("unknown"):
        raise RuntimeError(f"{classes.__file__} cannot write a class of this Django: {answer}")
    return known


def _common(known: list[dict[str, Any]], older: int) -> dict[str, Any]:
    """Return what both versions have, as the older one writes it."""
    one, other = known[older], known[1 - older]
    shared: dict[str, Any] = {
        part: {name: text for name, text in one[part].items() if name in other[part]}
        for part in ("fields", "keys", "validators")
    }
    named = {
        part: [text for text in one[part] if _name(text) in map(_name, other[part])]
        for part in ("constraints", "indexes")
    }
    return {**shared, **named, "composite": one["composite"] and other["composite"]}


def _name(text: str) -> str:
    return text.rpartition("name=")[2]


def project_of(known: dict[str, Any]) -> Project:
    """Return the project: one model of every field, one for each class of key, one with a key of two columns."""
    lines = [f"{name} = {text}" for name, text in known["fields"].items()]
    lines += [
        f"{name} = models.CharField(max_length=9, validators=[{text}])" for name, text in known["validators"].items()
    ]
    meta = {part: f"[{', '.join(known[part])}]" for part in ("constraints", "indexes")}
    models = {"Everything": Model("Everything", {}, {"db_table": "'every_thing'", **meta}, code=lines)}
    for name, text in known["keys"].items():
        of_key = {"db_table": f"'every_{name.lower()}'"}
        models[name] = Model(name, {}, of_key, code=[f"key = {text}", "note = models.TextField()"])
    if known["composite"]:
        key = ["pk = models.CompositePrimaryKey('a', 'b')", "a = models.IntegerField()", "b = models.TextField()"]
        models["Composite"] = Model("Composite", {}, {"db_table": "'every_composite'"}, code=key)
    silenced = {"SILENCED_SYSTEM_CHECKS": "['fields.E210']"}
    return Project(LABEL, models, PREAMBLE, silenced, ("django.contrib.postgres",))


def said_of(server: Server, folder: Path, project: Project, pythons: list[Path], parent: ForkServer) -> list[str]:
    """Make the pair and its database, and return what is called risky or breaking of it."""
    stage = Stage(SHOP, folder, server, parent)  # for the roles and the environment of its sides
    add_roles(server)
    (stage.media / THERE).parent.mkdir(parents=True)
    (stage.media / THERE).touch()
    name = folder.name.replace("-", "_").replace(".", "_")
    server.create_database(name)
    try:
        _made(stage, project, name, pythons)
        config = _config(stage, project, name, pythons)
        with asking(config) as answers:
            looked = run_check(config, server.url("owner", name), answers, budget_s=30, say=lambda _: None)
        return [str(f) for f in looked.findings if f.severity in SEVERITIES]
    finally:
        server.drop_database(name)


def _made(stage: Stage, project: Project, database: str, pythons: list[Path]) -> None:
    """Let the older Django write the migrations, which both can read, and the original's make the tables."""
    backend = project.copy()
    backend.package = f"apps.{LABEL}"
    first = stage.folder / "made"
    older = min(pythons)
    project.write(first)
    with stage.server.connect(database) as connection:
        for extension in EXTENSIONS:
            connection.execute(f"CREATE EXTENSION {extension}".encode())
    for target, python, command in (
        (first, older, "makemigrations"),
        (stage.folder / "original", pythons[0], "migrate"),
    ):
        for side, one in zip(Side, (project, backend), strict=True):
            if command == "migrate":
                one.write(stage.folder / side, first / LABEL / "migrations")
            (stage.folder / side).mkdir(exist_ok=True)
            (stage.folder / side / "pinned.py").write_text(PINNED)
        shutil.copy(stage.folder / "original" / "pinned.py", first / "pinned.py")
        environment = (
            os.environ | stage.owner_environment(database) | {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": "."}
        )
        subprocess.run(
            [python, "-m", "django", command, "--verbosity", "0"],
            cwd=target,
            env=environment,
            check=True,
            stdout=sys.stderr,
        )
    with psycopg.connect(stage.server.url("owner", database)) as connection:
        _fill(connection, [model.table for model in project.models.values()])
        for role in ROLES.values():
            given = sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {0}")
            connection.execute(given.format(sql.Identifier(role)))
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(role)))


def _fill(connection: psycopg.Connection[Any], tables: list[str]) -> None:
    """Write one row to each table, with a value of each column's type."""
    connection.execute(
        "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,"
        " date_joined) VALUES ('x', false, 'u', '', '', 'u@example.org', false, true, now())"
    )
    columns = (
        "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = %s"
        " AND is_generated = 'NEVER' AND is_identity = 'NO'"
    )
    for table in tables:
        found = connection.execute(columns, [table]).fetchall()
        names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in found)
        values = sql.SQL(", ").join(sql.Literal(NAMED.get(name, SAMPLES.get(kind, "1"))) for name, kind in found)
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, values)
        connection.execute(insert)


def _config(stage: Stage, project: Project, database: str, pythons: list[Path]) -> Config:
    systems: dict[Side, dict[str, Any]] = {
        side: {
            "path": side, "python": (str(python),), "settings": "settings", "connections": 10,
            "environment": stage.environment(side, database),
        }
        for side, python in zip(Side, pythons, strict=True)
    }  # fmt: skip
    pairs = [(f"{LABEL}.models.{n}", f"apps.{LABEL}.models.{n}", m.table) for n, m in project.models.items()]
    return Config(
        root=stage.folder,
        original=System.model_validate(systems["original"]),
        backend=Backend.model_validate(systems["backend"] | {"schema": "public", "role": ROLES["backend"]}),
        dns=Dns(zone="compas.test", record="www"),
        models=tuple(ModelPair(original=one, backend=other, table=table) for one, other, table in pairs),
    )
