"""Everything that a rehearsal needs, up and running: database, systems, worker, name server, people."""

import shutil
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sandbox import house
from sandbox.clients.diary import DiaryEntry
from sandbox.clients.process import CrowdProcess
from sandbox.clients.settings import CrowdSettings
from sandbox.dns import bind
from sandbox.dns.authority import Authority
from sandbox.dns.bind import Bind9
from sandbox.dns.nameserver import NameServer
from sandbox.ports import free_port
from sandbox.postgres import Database, Server
from sandbox.rehearsal import declared
from sandbox.rehearsal.balancer import balancer_before
from sandbox.rehearsal.record import RecordWatch
from sandbox.systems import ADDRESSES, BALANCER, Place, SystemProcess, Systems, on_one_port, until_healthy

SONG = "Noche.mp3"
ID3_BYTES = 128
# Other records, as in a zone that is used for other things, too.
NEIGHBOURS = "\n".join(
    f"{name} 300 IN A 127.0.0.9" for name in ("mail", "static", "status", "shop", "blog", "wiki", "git", "vpn", "ftp")
)
DATABASE = "compas"


@dataclass(frozen=True)
class EndedCommand:
    """How a command ended, what it said, and when, in seconds since the epoch."""

    status: int
    out: str
    err: str
    began: float
    ended: float


class People(Protocol):
    """The people of a rehearsal: they find the service by DNS, and keep a diary."""

    def make(self, *songs: str) -> int:
        """Have something made of each of these songs; return how many people have begun one."""

    def stop(self) -> None:
        """Let all people finish what they do."""

    def entries(self) -> list[DiaryEntry]:
        """Return what happened to them."""


class Stage(ABC):
    """What a rehearsal needs of its stage.

    Attributes
    ----------
    folder
        Holds handover.toml, and what stays afterwards.
    authority, record
        The name server, and what it answered when.
    environment
        Of the commands that the team types.
    makes
        Whether people make choreographies: then none may be lost, and no one is logged out.
    """

    folder: Path
    authority: Authority
    record: RecordWatch
    environment: Mapping[str, str]
    makes: bool

    @property
    @abstractmethod
    def people(self) -> People:
        """The people."""

    @abstractmethod
    def system(self, name: str) -> SystemProcess:
        """Return a system by its name."""

    @abstractmethod
    def start_again(self, name: str) -> None:
        """Start a system that was stopped; return when it is well."""

    def fresh_songs(self, count: int, prefix: str) -> list[str]:  # noqa: ARG002 - of those who make something
        """Put songs there that no cache knows; return their names."""
        return []

    def handover(self, *arguments: str) -> EndedCommand:
        """Run ``handover`` as the team would."""
        began = time.time()
        done = subprocess.run(  # noqa: PLW1510 - the caller looks at the status
            [str(house.PROGRAMS / "handover"), *arguments],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return EndedCommand(done.returncode, done.stdout, done.stderr, began, time.time())


@dataclass(frozen=True)
class RehearsalStage(Stage):
    """The parts of a rehearsal of the original and the backend of this repository."""

    folder: Path
    systems: Systems
    authority: Authority
    record: RecordWatch
    crowd: CrowdProcess
    environment: Mapping[str, str]
    makes: bool = True

    @property
    def people(self) -> CrowdProcess:
        """The people."""
        return self.crowd

    def system(self, name: str) -> SystemProcess:
        """Return a system by its name."""
        return next(system for system in self.systems.running if system.name == name)

    def start_again(self, name: str) -> None:
        """Start a system that was stopped; return when it is well."""
        system = self.system(name)
        system.start()
        url = self.systems.backend_url if name == "backend" else self.systems.original_url
        until_healthy(url, [system])

    def fresh_songs(self, count: int, prefix: str) -> list[str]:
        """Put songs there that no cache knows: the same music with another tag. Return their names."""
        music = (self.systems.place.media / "songs" / SONG).read_bytes()
        names = [f"{prefix}{number}.mp3" for number in range(count)]
        for name in names:
            self.systems.place.put_song(name, music + b"TAG" + name.encode().ljust(ID3_BYTES - 3, b"\0"))
        return names


@dataclass(frozen=True)
class RehearsalSettings:
    """How large a rehearsal is; ``balanced``: people are moved by a load balancer before both, step by step."""

    ttl_s: int
    former_ttl_s: int
    people: int
    quiet_s: float = 8.0
    name_server: str = "auto"
    balanced: bool = False
    sections: Mapping[str, Any] = field(default_factory=dict)
    crowd: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def stage(
    folder: Path, database: Database, settings: RehearsalSettings, *, say: Callable[[str], None]
) -> Iterator[RehearsalStage]:
    """Set everything up on a database that the backend was taken into; take it all down at the end."""
    with ExitStack() as stack:
        place_folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rehearsal-")))
        place = Place(place_folder, house.moves_library(), host=declared.HOST)
        port = free_port(*ADDRESSES.values())
        systems = stack.enter_context(on_one_port(database, place, port=port))
        shutil.copyfile(house.demo_song(), place.media / "songs" / SONG)
        say(f"the original at {systems.original_url}, the backend at {systems.backend_url}, its worker")
        first = BALANCER if settings.balanced else ADDRESSES["original"]
        authority = stack.enter_context(authority_of(settings.name_server, settings.former_ttl_s, first))
        balancer = stack.enter_context(balancer_before(port)) if settings.balanced else None
        say(f"{authority.name} for {declared.ZONE} at {authority.host}:{authority.port}")
        urls = {"original": systems.original_url, "backend": systems.backend_url}
        pair = declared.Rehearsed(house.ROOT / "handover.toml", urls, place.folder / "log")
        more = {**settings.sections, **(balancer.sections() if balancer else {})}
        declared.write(folder, pair, authority, ttl_s=settings.ttl_s, quiet_s=settings.quiet_s, more=more)
        record = stack.enter_context(RecordWatch(balancer or authority, declared.RECORD))
        crowd = stack.enter_context(CrowdProcess(_crowd_settings(settings, port, authority), folder / "diary.jsonl"))
        address = f"http://{declared.HOST}:{port}"
        say(f"{settings.people} people have arrived at {address}, each with a DNS cache of their own")
        environment = {**_environment(systems, authority), **settings.environment}
        yield RehearsalStage(folder, systems, authority, record, crowd, environment)


@contextmanager
def new_database(server: Server) -> Iterator[Database]:
    """Give the original's database with the backend in it, dropped at the end."""
    house.build_original(server, DATABASE)
    try:
        house.adopt(server, DATABASE)
        yield Database(DATABASE, server)
    finally:
        server.drop_database(DATABASE)


def authority_of(name_server: str, ttl_s: int, first: str = ADDRESSES["original"]) -> Authority:
    """Return the name server of a rehearsal, not started: ``auto``, ``bind9`` or ``ours``; with the record's TTL.

    ``first`` is the address that people reach at first.
    """
    if name_server not in {"auto", "bind9", "ours"}:
        raise ValueError(name_server)
    chosen = bind.is_installed() if name_server == "auto" else name_server == "bind9"
    records = f"{declared.RECORD} {ttl_s} IN A {first}\n{NEIGHBOURS}"
    return (Bind9 if chosen else NameServer)(f"{declared.ZONE}.", records)


def _crowd_settings(settings: RehearsalSettings, port: int, authority: Authority) -> CrowdSettings:
    return CrowdSettings(
        url=f"http://{declared.HOST}:{port}",
        name_server=(authority.host, authority.port),
        systems={address: system for system, address in ADDRESSES.items()},
        songs=(SONG,),
        people=settings.people,
        **settings.crowd,
    )


def _environment(systems: Systems, authority: Authority) -> dict[str, str]:
    database = systems.database
    return {
        **house.handover_environment(database.server, database.name),
        **systems.environment("backend_app"),
        "ORIGINAL_DATABASE_URL": database.url("original_app"),
        "HANDOVER_OPERATOR": declared.OPERATOR,
        declared.SECRET: authority.key.secret,
    }
