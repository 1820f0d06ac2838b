"""The same project on two versions of Django, each in an environment of its own."""

import subprocess
import sys
from pathlib import Path

from handover.check.look import look
from handover.check.systems import asking
from handover.config import Backend, Config, SideName, System
from sandbox import house, template
from sandbox.postgres import Server
from tests.drifts.nursery import nursery
from tests.drifts.shapes import DANCE, LIBRARY, SHOP
from tests.drifts.stage import SIDES, Stage, build

VERSIONS = (("4.2", "5.2"), ("5.2", "4.2"), ("3.2", "5.2"))
DRIVERS = {"3.2": "psycopg2-binary"}
SEVERITIES = ("breaking", "risky", "unseen")


def between_versions(server: Server, folder: Path) -> dict[str, list[str]]:
    """Return what is called risky or breaking of pairs that differ in nothing but Django's version.

    Both ways round: the backend is usually the newer one, but a rollback turns that about.
    """
    names = {version for pair in VERSIONS for version in pair}
    pythons = {version: environment(folder / f"django-{version}", version) for version in sorted(names)}
    alarms = {}
    with nursery() as parent:
        for shape in (SHOP, LIBRARY, DANCE):
            stage = build(shape, folder / shape.name, server, parent)
            with template.clone(server, stage.database) as database:
                for pair in VERSIONS:
                    written = folder / f"{shape.name}-{'-'.join(pair)}"
                    _write(stage, written, dict(zip(SIDES, pair, strict=True)))
                    config = _config(stage, written, database.name, [pythons[version] for version in pair])
                    with asking(config) as answers:
                        looked = look(config, database.url("owner"), answers, budget_s=30, say=lambda _: None)
                    name = f"{shape.name} on Django {' and '.join(pair)}"
                    alarms[name] = [str(f) for f in looked.findings if f.severity in SEVERITIES]
    return alarms


def _write(stage: Stage, folder: Path, versions: dict[SideName, str]) -> None:
    """Write the pair; the argument of a check constraint had another name before Django 5.1."""
    stage.write(folder, stage.pair)
    for side, version in versions.items():
        for file in (folder / side).rglob("0001_initial.py"):
            if version != "5.2":
                file.write_text(file.read_text().replace("CheckConstraint(condition=", "CheckConstraint(check="))


def environment(folder: Path, version: str) -> Path:
    """Make an environment with a version of Django, and return its interpreter."""
    uv = next((str(path) for path in (house.LOCAL / "uv/bin/uv",) if path.exists()), "uv")
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            str(folder / "bin/python"),
            f"django=={version}.*",
            DRIVERS.get(version, "psycopg[binary]"),
        ],
    ):
        subprocess.run(command, check=True, stdout=sys.stderr)
    return folder / "bin" / "python"


def _config(stage: Stage, folder: Path, database: str, pythons: list[Path]) -> Config:
    known = stage.config(folder, stage.pair)
    systems = {
        side: {
            "path": side,
            "python": (str(python),),
            "settings": "settings",
            "environment": stage.environment(side, database),
            "connections": 10,
        }
        for side, python in zip(SIDES, pythons, strict=True)
    }
    backend = Backend.model_validate(systems["backend"] | {"schema": "public"})
    return known.model_copy(update={"original": System.model_validate(systems["original"]), "backend": backend})
