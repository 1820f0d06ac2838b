"""The same project on two versions of Django, each in an environment of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from handover.check.run import run_check
from handover.check.systems import asking
from handover.config.config import Backend, Config, System
from handover.side import Side
from handover_testing.drifts.fork_server import fork_server
from handover_testing.drifts.shapes import DANCE, LIBRARY, SHOP
from handover_testing.drifts.stage import Stage, build
from sandbox import template
from sandbox.postgres import Server

VERSIONS = (("4.2", "5.2"), ("5.2", "4.2"), ("3.2", "5.2"), ("5.2", "6.0"))
DRIVERS = {"3.2": "psycopg2-binary"}
NEEDED = {"6.0": (3, 12)}
SEVERITIES = ("breaking", "risky", "unseen")


def between_versions(server: Server, folder: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return what is called risky or breaking of pairs that differ in nothing but Django's version.

    Both ways round: the backend is usually the newer one, but a rollback turns that about. And which pairs this
    machine could not look at, and why.
    """
    alarms, unseen = {}, {}
    with fork_server() as parent:
        for shape in (SHOP, LIBRARY, DANCE):
            stage = build(shape, folder / shape.name, server, parent)
            with template.clone(server, stage.database) as database:
                for pair in VERSIONS:
                    name = f"{shape.name} on Django {' and '.join(pair)}"
                    try:
                        pythons = [environment(folder / f"django-{version}", version) for version in pair]
                    except Unavailable as reason:
                        unseen[name] = str(reason)
                        continue
                    written = folder / f"{shape.name}-{'-'.join(pair)}"
                    _write(stage, written, dict(zip(Side, pair, strict=True)))
                    config = _config(stage, written, database.name, pythons)
                    with asking(config) as answers:
                        looked = run_check(config, database.url("owner"), answers, budget_s=30, say=lambda _: None)
                    alarms[name] = [str(f) for f in looked.findings if f.severity in SEVERITIES]
    return alarms, unseen


def _write(stage: Stage, folder: Path, versions: dict[Side, str]) -> None:
    """Write the pair; the argument of a check constraint had another name before Django 5.1."""
    stage.write(folder, stage.pair)
    for side, version in versions.items():
        for file in (folder / side).rglob("0001_initial.py"):
            if tuple(map(int, version.split("."))) < (5, 1):
                file.write_text(file.read_text().replace("CheckConstraint(condition=", "CheckConstraint(check="))


class Unavailable(Exception):  # noqa: N818 - it is a state of the machine, no fault
    """This machine has no Python that a version of Django runs on."""


def environment(folder: Path, version: str) -> Path:
    """Make an environment with a version of Django, and return its interpreter.

    Raises
    ------
    Unavailable
        The version needs a newer Python than this machine has.
    """
    python = folder / "bin" / "python"
    if python.exists():
        return python
    fetched = Path(sys.prefix).parent / ".local/uv/bin/uv"  # by script/bootstrap, where uv was not installed
    uv = str(fetched) if fetched.exists() else "uv"
    packages = [f"django=={version}.*", DRIVERS.get(version, "psycopg[binary]")]
    install = [uv, "pip", "install", "--quiet", "--python", str(python), *packages]
    for command in ([uv, "venv", "--quiet", "--python", _interpreter(version), str(folder)], install):
        subprocess.run(command, check=True, stdout=sys.stderr)
    return python


def _interpreter(version: str) -> str:
    """Return a Python that a version of Django runs on: this one, one of the path, or one that pyenv keeps."""
    needed = NEEDED.get(version, (3, 8))
    if sys.version_info >= needed:
        return sys.executable
    names = [f"python3.{minor}" for minor in range(needed[1], needed[1] + 4)]
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    candidates = [
        *filter(None, map(shutil.which, names)),
        *(str(p) for n in names for p in sorted(kept.glob(f"*/bin/{n}"))),
    ]
    for candidate in candidates:
        # A shim of pyenv is there for a Python that is not chosen, too.
        if subprocess.run([candidate, "-c", "import venv"], check=False, capture_output=True).returncode == 0:
            return candidate
    wanted = ".".join(map(str, needed))
    raise Unavailable(
        f"Django {version} needs Python {wanted} or newer; this machine has none on its path nor in {kept}"
    )


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
        for side, python in zip(Side, pythons, strict=True)
    }
    backend = Backend.model_validate(systems["backend"] | {"schema": "public"})
    return known.model_copy(update={"original": System.model_validate(systems["original"]), "backend": backend})
