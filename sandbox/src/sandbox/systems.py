"""The original, the backend and its worker as processes on one database, until they are healthy."""

import math
import os
import secrets
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn

from sandbox import house, process
from sandbox.bucket import Bucket
from sandbox.errors import SandboxError
from sandbox.logs import log_folder, open_log
from sandbox.ports import LOOPBACK, require_free
from sandbox.postgres import Database

# Both systems can listen on one port at these addresses, so that a DNS record alone decides between them.
ADDRESSES = {"original": "127.0.0.2", "backend": "127.0.0.3"}
# Where a balancer before both may listen, on the same port.
BALANCER = "127.0.0.4"
# gunicorn's own format, and at the end the requested host: people use the name, probes use the address.
ACCESS_LOG = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %({host}i)s'
HEALTHY_WITHIN_S = 60.0
WORKER_STOPS_WITHIN_S = 20.0
# A worker that was started again and ends sooner would only end again.
LIVES_FOR_S = 60.0


class EndedError(SandboxError):
    """A system ended, or did not become healthy in time."""

    code = "SB005"

    def __init__(self, name: str, what: str, log: Path) -> None:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        super().__init__(f"{name} {what}. The end of {log}:\n{last}")


@dataclass(frozen=True)
class Place:
    """What the systems share on this machine.

    ``folder`` holds the media root, the engine's cache, the logs and the key that sessions are signed with.
    Media lie there too, or in ``bucket``. People reach the systems by their addresses, and by ``host``. With
    ``collects`` the backend serves its static files as in production: compressed, and under names that browsers keep.
    ``more`` are further settings of both.
    """

    folder: Path
    library: Path
    bucket: Bucket | None = None
    host: str = ""
    collects: bool = False
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def media(self) -> Path:
        """The media root."""
        return self.folder / "media"

    def secret_key(self) -> str:
        """Return the key that both systems sign sessions with, made at the first call."""
        file = self.folder / "secret_key"
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as new:
                new.write(secrets.token_urlsafe(48))
        return file.read_text()

    def environment(self, database_url: str) -> dict[str, str]:
        """Return the environment that a system starts with."""
        shared = {"MOVES_LIBRARY": str(self.library), "BACHATEO_CACHE": str(self.folder / "cache")}
        system = house.system_environment(database_url=database_url, media=self.media, secret_key=self.secret_key())
        if self.collects:
            shared["STATIC_ROOT"] = str(house.static_files())
        if self.host:
            shared["ALLOWED_HOSTS"] = ",".join((self.host, LOOPBACK, BALANCER, *ADDRESSES.values()))
        return system | shared | (self.bucket.environment() if self.bucket else {}) | dict(self.more)

    def access_log(self, name: str) -> Path:
        """Return where a system with a host name writes down its requests."""
        return self.folder / "log" / f"{name}.access.log"

    def put_song(self, name: str, content: bytes) -> None:
        """Put a song where both systems find songs."""
        if self.bucket:
            self.bucket.put(f"songs/{name}", content)
        else:
            (self.media / "songs" / name).write_bytes(content)


@dataclass
class SystemProcess:
    """One process: its name, how it is started, where it runs and where it writes."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    folder: Path
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it."""
        # A worker whose database dies with its parent would wait half a minute for another; killed, it loses nothing.
        ask = signal.SIGKILL if self.name == "worker" else signal.SIGTERM
        with open_log(self.log) as output:
            self.process = process.spawn(
                self.command, cwd=self.folder, env=self.environment, stdout=output, on_parent_death=ask
            )

    def stop(self, *, ask: signal.Signals = signal.SIGTERM) -> None:
        """End it and everything it started."""
        process.stop(self.process, timeout_s=WORKER_STOPS_WITHIN_S, ask=ask)


@dataclass(frozen=True)
class Systems:
    """Everything that runs on one database."""

    database: Database
    place: Place
    backend_url: str
    original_url: str
    running: tuple[SystemProcess, ...]

    def environment(self, role: str) -> dict[str, str]:
        """Return the environment of a system that connects as ``role``."""
        return self.place.environment(self.database.url(role))


def on_one_port(database: Database, place: Place, *, port: int) -> AbstractContextManager[Systems]:
    """Start the systems at one address each, both on ``port``, as machines of their own would be."""
    return running(
        database,
        place,
        port=port,
        original_port=port,
        address=ADDRESSES["backend"],
        original_address=ADDRESSES["original"],
    )


@contextmanager
def running(
    database: Database,
    place: Place,
    *,
    port: int,
    original_port: int,
    address: str = LOOPBACK,
    original_address: str = LOOPBACK,
    phase: str = "",
    instead: str = "",
    has_worker: bool = True,
) -> Iterator[Systems]:
    """Start the systems, wait until they are healthy, and stop them at the end.

    ``phase`` is the backend's SCHEMA_PHASE, if not the environment's. ``instead``: in the original's place a second
    backend runs, of this phase. Without ``has_worker`` the caller starts those.
    """
    require_free(port, address=address)
    require_free(original_port, address=original_address)
    (place.media / "songs").mkdir(parents=True, exist_ok=True)
    log_folder(place.folder / "log")
    with ExitStack() as stack:
        first = ("second backend", "config", "backend_app") if instead else ("original", "monolith", "original_app")
        started = [
            stack.enter_context(_system(name, command, place, _environment(place, database.url(role), of_phase)))
            for name, command, role, of_phase in (
                (first[0], _gunicorn(first[1], original_address, original_port, place, first[0]), first[2], instead),
                ("backend", _gunicorn("config", address, port, place, "backend"), "backend_app", phase),
                ("worker", [sys.executable, "manage.py", "procrastinate", "worker"], "backend_app", phase),
            )
            if name != "worker" or has_worker
        ]
        urls = f"http://{address}:{port}", f"http://{original_address}:{original_port}"
        systems = Systems(database, place, *urls, tuple(started))
        until_healthy(systems.original_url, started)
        until_healthy(systems.backend_url, started)
        yield systems


def _environment(place: Place, database_url: str, phase: str) -> dict[str, str]:
    return place.environment(database_url) | ({"SCHEMA_PHASE": phase} if phase else {})


def wait(systems: tuple[SystemProcess, ...] | list[SystemProcess], timeout_s: float | None = None) -> None:
    """Wait for ``timeout_s``, or for ever; raise EndedError as soon as one of the systems ends."""
    if ended := _first_to_end(systems, timeout_s):
        raise EndedError(ended.name, f"ended with status {ended.process.poll()}", ended.log)


def keep(systems: tuple[SystemProcess, ...], *, say: Callable[[str, str], None]) -> NoReturn:
    """Start the worker again whenever it ends, as a supervisor does; a worker that hangs ends itself.

    Raises EndedError when another system ends, or the worker soon after it was started again.
    """
    again_at = -math.inf
    while True:
        ended = _first_to_end(systems, None)
        if ended is None:
            continue
        status = f"ended with status {ended.process.wait()}"
        if ended.name != "worker" or time.monotonic() - again_at < LIVES_FOR_S:
            raise EndedError(ended.name, status, ended.log)
        ended.start()
        again_at = time.monotonic()
        say(ended.name, f"{status}; it was started again")


def _first_to_end(
    systems: tuple[SystemProcess, ...] | list[SystemProcess], timeout_s: float | None
) -> SystemProcess | None:
    poll = select.poll()
    descriptors = {os.pidfd_open(system.process.pid): system for system in systems}
    try:
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        for descriptor, _ in poll.poll(None if timeout_s is None else timeout_s * 1000):
            return descriptors[descriptor]
        return None
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _gunicorn(project: str, address: str, port: int, place: Place, name: str) -> list[str]:
    log = logged(place.access_log(name)) if place.host else []
    return [sys.executable, "-m", "gunicorn", f"{project}.wsgi", "--bind", f"{address}:{port}", *log]


def logged(file: Path) -> list[str]:
    """Return gunicorn's options for an access log that names the requested host at the end."""
    return ["--access-logfile", str(file), "--access-logformat", ACCESS_LOG]


@contextmanager
def _system(name: str, command: list[str], place: Place, env: dict[str, str]) -> Iterator[SystemProcess]:
    log = place.folder / "log" / f"{name}.log"
    folder = house.ROOT / ("original" if name == "original" else "backend")
    with kept_running(SystemProcess(name, command, env, log, folder)) as system:
        yield system


@contextmanager
def kept_running(system: SystemProcess) -> Iterator[SystemProcess]:
    """Start a process, and end it with the block."""
    open_log(system.log, empty=True).close()
    system.start()
    try:
        yield system
    finally:
        system.stop()


def until_healthy(url: str, systems: list[SystemProcess]) -> None:
    """Wait until the system at ``url`` answers that it is well. Raises EndedError when one of ``systems`` ends."""
    deadline = time.monotonic() + HEALTHY_WITHIN_S
    while not _is_healthy(url):
        wait(systems, timeout_s=0.1)
        if time.monotonic() > deadline:
            raise EndedError(url, f"was not healthy within {HEALTHY_WITHIN_S:.0f} s", systems[0].log)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == HTTPStatus.OK)
    except OSError:  # also of a busy machine, where it takes longer than that to answer
        return False
