"""The installation on one machine, by its own commands: the original's database, the backend in it, moves, songs.

Knows where the systems lie and how they are started; imports none of them.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from sandbox.errors import SandboxError
from sandbox.lock import locked
from sandbox.postgres import Server

ROOT = Path(__file__).resolve().parents[3]
LOCAL = ROOT / ".local"
PROGRAMS = Path(sys.executable).parent


class CommandFailedError(SandboxError):
    """A command of the installation failed; its output says why."""

    code = "SB003"

    def __init__(self, command: list[str], status: int, output: str) -> None:
        super().__init__(f"{' '.join(command)} ended with status {status}; it must end with 0. It said:\n{output}")


def system_environment(*, database_url: str, media: Path, secret_key: str) -> dict[str, str]:
    """Return the environment that either system starts with."""
    # A test process of one system must not hand its settings module to the other.
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**inherited, "DATABASE_URL": database_url, "MEDIA_ROOT": str(media), "SECRET_KEY": secret_key}


def build_original(server: Server, name: str) -> None:
    """Make a database as the original's own migrations do; the original reads and writes it, its owner alters it."""
    server.create_database(name)
    env = system_environment(database_url=server.url("owner", name), media=LOCAL / "media", secret_key="unused")  # noqa: S106
    _run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT / "original", env=env)
    app = sql.Identifier("original_app")
    with psycopg.connect(server.url("owner", name)) as connection:
        connection.execute(
            sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(app)
        )
        connection.execute(sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(app))


def build_adopted(server: Server, name: str, template: str) -> None:
    """Make a copy of the original's database and take the backend into it."""
    server.create_database(name, template=template)
    adopt(server, name)


def adopt(server: Server, name: str) -> None:
    """Run ``handover adopt --apply`` on a database of this server; nothing happens when that was done before."""
    handover(server, name, "adopt", "--apply")


def handover(server: Server, name: str, *arguments: str, folder: Path = ROOT, **environment: str) -> str:
    """Run one command of ``handover`` on a database of this server, with the file of a folder; return what it says."""
    # The models that it asks for are those of Phase 1, whatever the phase of the tests that need the database.
    env = {**handover_environment(server, name), "SCHEMA_PHASE": "1", **environment}
    return _run([str(PROGRAMS / "handover"), *arguments], cwd=folder, env=env)


def migrate_backend(server: Server, name: str) -> None:
    """Run the backend's migrations that came after its adoption, as its own role."""
    env = system_environment(database_url=server.url("backend_app", name), media=LOCAL / "media", secret_key="unused")  # noqa: S106
    _run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT / "backend", env=env)


def collect_static(folder: Path) -> None:
    """Write the static files of the backend's page to a folder, as ``STATIC_ROOT`` asks for them."""
    env = system_environment(database_url="postgresql://unused", media=LOCAL / "media", secret_key="unused")  # noqa: S106
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    _run(command, cwd=ROOT / "backend", env=env | {"STATIC_ROOT": str(folder)})


def static_files() -> Path:
    """Return a folder of the backend's static files, written once for each version of them; it is not to be changed."""
    sources = [
        ROOT / "uv.lock",
        *sorted((ROOT / "backend" / "web").rglob("*")),
        *sorted((ROOT / "backend").glob("config/*.py")),
    ]
    version = hashlib.blake2b(digest_size=12)
    for source in sources:
        if source.is_file() and source.suffix != ".pyc":
            version.update(f"{source.relative_to(ROOT)} ".encode() + source.read_bytes())
    folder = LOCAL / "static" / version.hexdigest()
    with _alone():
        if not folder.exists():
            folder.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=LOCAL) as place:
                collect_static(Path(place) / "static")
                (Path(place) / "static").rename(folder)
    return folder


def handover_environment(server: Server, name: str) -> dict[str, str]:
    """Return the environment of ``handover`` for a database of this server."""
    backend_url = server.url("backend_app", name)
    password = str(conninfo_to_dict(backend_url)["password"])
    return {
        **system_environment(database_url=backend_url, media=LOCAL / "media", secret_key="unused"),  # noqa: S106
        "HANDOVER_DATABASE_URL": server.url("owner", name),
        "BACKEND_DATABASE_PASSWORD": password,
    }


def moves_library(folder: Path = LOCAL / "media" / "Bachata_steps") -> Path:
    """Return the folder of the starter library, drawn when it is not there yet."""
    with _alone():
        _show([str(PROGRAMS / "bachateo"), "library", "starter", str(folder)])
    return folder


def demo_song(path: Path = LOCAL / "demo" / "short.mp3", *, seconds: int = 30) -> Path:
    """Return a synthesised bachata as mp3, made when it is not there yet."""
    with _alone():
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _show([str(PROGRAMS / "bachateo"), "demo-song", str(path), "--seconds", str(seconds)])
    return path


def add_song(environment: Mapping[str, str], song: Path) -> None:
    """Put a song where both systems find everybody's songs, with the backend's environment; one there is left alone."""
    _run(
        [sys.executable, "manage.py", "add_song", str(song), "--apply", "--unless-there"],
        cwd=ROOT / "backend",
        env=environment,
    )


def _run(command: list[str], *, cwd: Path, env: Mapping[str, str]) -> str:
    done = subprocess.run(  # noqa: PLW1510 - the error below says more
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise CommandFailedError(command, done.returncode, done.stdout)
    return done.stdout


def _show(command: list[str]) -> None:
    """Run a command whose progress people want to see."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: PLW1510 - see below
    if done.returncode:
        raise CommandFailedError(command, done.returncode, "(see above)")


def _alone() -> AbstractContextManager[None]:
    LOCAL.mkdir(exist_ok=True)
    return locked(LOCAL)
