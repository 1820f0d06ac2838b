"""The same project on two versions of Django, each in an environment of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handover.check.look import look
from handover.check.subject import SideName
from handover.config import Backend, Config, System
from sandbox import house, template
from sandbox.postgres import Server
from tests.drifts.nursery import nursery
from tests.drifts.shapes import DANCE, LIBRARY, SHOP, Shape
from tests.drifts.stage import Stage, build

VERSIONS = ("4.2", "5.2")
SEVERITIES = ("breaking", "risky", "unseen")


def between_versions(server: Server, folder: Path, versions: tuple[str, ...] = VERSIONS) -> dict[str, list[str]]:
    """Return what is called risky or breaking of pairs that differ in nothing but Django's version.

    Both ways round: the backend is usually the newer one, but a rollback turns that about.
    """
    pythons = {version: environment(folder / f"django-{version}", version) for version in versions}
    alarms = {}
    with nursery() as parent:
        for shape in (SHOP, LIBRARY, DANCE):
            with _staged(shape, folder / shape.name, server, parent) as (stage, database):
                for old, new in (versions, versions[::-1]):
                    config = _config(stage, database, {"original": pythons[old], "backend": pythons[new]})
                    looked = look(config, server.url("owner", database), budget_s=30, say=lambda _: None)
                    name = f"{shape.name} on Django {old} and {new}"
                    alarms[name] = [str(f) for f in looked.findings if f.severity in SEVERITIES]
    return alarms


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
            "psycopg[binary]",
        ],
    ):
        subprocess.run(command, check=True, stdout=sys.stderr)
    return folder / "bin" / "python"


@contextmanager
def _staged(shape: Shape, folder: Path, server: Server, parent: object) -> Iterator[tuple[Stage, str]]:
    stage = build(shape, folder, server, parent)  # type: ignore[arg-type]
    with template.clone(server, stage.database) as database:
        yield stage, database.name


def _config(stage: Stage, database: str, pythons: dict[SideName, Path]) -> Config:
    known = stage.config(stage.folder / "clean", stage.pair)
    systems = {
        side: {
            "path": side,
            "python": (str(python),),
            "settings": "settings",
            "environment": stage.environment(side, database),
            "connections": 10,
        }
        for side, python in pythons.items()
    }
    backend = Backend.model_validate(systems["backend"] | {"schema": "public"})
    return known.model_copy(update={"original": System.model_validate(systems["original"]), "backend": backend})
