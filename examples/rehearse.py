"""The night of an example: ``script/rehearse --pair examples/plain`` moves its people to the backend, back, and over.

The people follow the flows of the pair's ``handover.toml``, one after another, and find the service by DNS.
"""

import argparse
import asyncio
import itertools
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from examples.play import EXAMPLES, FailedError, Play, django_environment
from handover.config.config import Config, load_config
from handover.config.journey import Journey, JourneyStep
from handover.http_client import http_client
from handover.journeys.run import run_journey
from handover.side import Side
from sandbox.clients.diary import Diary, DiaryEntry, Visit, read
from sandbox.clients.resolver import NotResolvedError, Resolver
from sandbox.dns.authority import Authority
from sandbox.errors import SandboxError
from sandbox.fixtures import server_for_this_run
from sandbox.logs import log_folder
from sandbox.ports import free_port
from sandbox.postgres import binaries
from sandbox.postgres.account import Account
from sandbox.postgres.cluster import SUPERUSER
from sandbox.rehearsal import declared, story
from sandbox.rehearsal.__main__ import DECOMMISSION, parser, tell, told
from sandbox.rehearsal.narrator import Narrator
from sandbox.rehearsal.record import RecordWatch
from sandbox.rehearsal.stage import Stage, authority_of
from sandbox.systems import ADDRESSES, SystemProcess, kept_running, logged, until_healthy

ROLES = {"original": "original_app", "backend": "backend_app"}
# A person reads for a moment before the next flow.
PAUSE_S = (0.2, 0.6)
TIMEOUT_S = 20.0


class PairError(SandboxError):
    """What is to be rehearsed is no pair that can be."""

    code = "SB022"


class FlowPeople:
    """People who follow the flows of a pair; each keeps an address for as long as its record says."""

    def __init__(self, flows: tuple[Journey, ...], authority: Authority, port: int, count: int, diary: Path) -> None:
        self._flows, self._authority, self._port, self._file = flows, authority, port, diary
        self._stop, self._writing = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._live, args=[number]) for number in range(count)]

    def __enter__(self) -> "FlowPeople":
        self._open = self._file.open("w")
        self._diary = Diary(self._open)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._open.close()

    def make(self, *_: str) -> int:
        """Begin nothing: these people only follow flows."""
        return 0

    def stop(self) -> None:
        """Let everyone finish the flow that they follow."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def entries(self) -> list[DiaryEntry]:
        """Return every request, as it went."""
        return list(read(self._file))

    def _live(self, number: int) -> None:
        name, chance = f"person{number}", random.Random(number)  # noqa: S311 - a repeatable crowd
        resolver = Resolver((self._authority.host, self._authority.port), elapsed=chance.random())
        flows = itertools.cycle([*self._flows[number % len(self._flows) :], *self._flows])
        while not self._stop.wait(chance.uniform(*PAUSE_S)):
            flow = next(flows)
            try:
                address = asyncio.run(resolver.address(declared.HOST))
            except NotResolvedError as error:
                self._write(Visit(time.time(), name, "", "", flow.name, "GET", "/", 0, 0.0, failed=str(error)))
                continue
            for visit in self._follow(name, flow, address):
                self._write(visit)

    def _follow(self, name: str, flow: Journey, address: str) -> Iterator[Visit]:
        system = next(side for side, at in ADDRESSES.items() if at == address)
        url = f"http://{address}:{self._port}"
        with http_client(timeout_s=TIMEOUT_S, headers={"Host": f"{declared.HOST}:{self._port}"}) as client:
            made = run_journey(flow, dict.fromkeys(Side, url), client=client)
        for step in made.steps:
            yield Visit(
                time.time(),
                name,
                tab="",
                by=system if step.status else "",
                step=step.title,
                method=step.method,
                path=step.path,
                status=step.status or 0,
                ms=step.latency_ms,
                failed=step.failure or "",
            )

    def _write(self, visit: Visit) -> None:
        with self._writing:
            self._diary.write(visit)


@dataclass
class PairStage(Stage):
    """The parts of a rehearsal of an example."""

    folder: Path
    authority: Authority
    record: RecordWatch
    environment: Mapping[str, str]
    crowd: FlowPeople
    running: Mapping[str, SystemProcess]
    urls: Mapping[str, str]
    makes: bool = field(default=False)

    @property
    def people(self) -> FlowPeople:
        """The people."""
        return self.crowd

    def system(self, name: str) -> SystemProcess:
        """Return a system by its name."""
        return self.running[name]

    def start_again(self, name: str) -> None:
        """Start a system that was stopped; return when it is well."""
        self.running[name].start()
        until_healthy(self.urls[name], [self.running[name]])


@contextmanager
def pair_stage(folder: Path, play: Play, arguments: argparse.Namespace, narrator: Narrator) -> Iterator[PairStage]:
    """Set everything up on a database that the backend was taken into; take it all down at the end."""
    file, port = play.file, free_port(*ADDRESSES.values())
    urls = {side: f"http://{address}:{port}" for side, address in ADDRESSES.items()}
    logs = play.media.parent / "log"
    log_folder(logs)
    with ExitStack() as stack:
        running = {
            side: stack.enter_context(kept_running(_process(play, side, file, logs, port))) for side in ADDRESSES
        }
        for side, system in running.items():
            until_healthy(urls[side], [system])
        narrator.say(f"the original at {urls['original']}, the backend at {urls['backend']}")
        authority = stack.enter_context(authority_of(arguments.dns, 2 * arguments.ttl))
        narrator.say(f"{authority.name} for {declared.ZONE} at {authority.host}:{authority.port}")
        pair = declared.Rehearsed(file, urls, logs)
        sections = _sections(load_config(file))
        declared.write(folder, pair, authority, ttl_s=arguments.ttl, quiet_s=8.0, more=sections)
        record = stack.enter_context(RecordWatch(authority, declared.RECORD))
        flows = load_config(folder / "handover.toml").flows or (_only_health(load_config(file)),)
        crowd = FlowPeople(flows, authority, port, arguments.people, folder / "diary.jsonl")
        people = stack.enter_context(crowd)
        narrator.say(f"{arguments.people} people follow {len(flows)} flows at http://{declared.HOST}:{port}")
        environment = {
            **play.environment,
            "HANDOVER_OPERATOR": declared.OPERATOR,
            "HANDOVER_RESTORE_URL": play.server.url(SUPERUSER, "postgres"),
            declared.SECRET: authority.key.secret,
        }
        yield PairStage(folder, authority, record, environment, people, running, urls)


def _process(play: Play, side: str, file: Path, logs: Path, port: int) -> SystemProcess:
    """Return a system under gunicorn, in its own interpreter."""
    system = load_config(file).system(Side(side))
    python = django_environment(play.example.django if side == "original" else "")
    known = play.environment
    own = {name: re.sub(r"\$\{(\w+)\}", lambda m: known[m[1]], text) for name, text in system.environment.items()}
    command = [str(python), "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()", "--threads", "4"]
    command += ["--bind", f"{ADDRESSES[side]}:{port}", *logged(logs / f"{side}.access.log")]
    environment = {**known, **own, "DJANGO_SETTINGS_MODULE": system.settings}
    return SystemProcess(side, command, environment, logs / f"{side}.log", play.folder / system.path)


def _sections(pair: Config) -> dict[str, Any]:
    """Return what this night declares beside the pair's own sections."""
    sections = story.sections(programs=binaries.programs(Account.current()), decommission=DECOMMISSION)
    tables = {"newest": dict(pair.watch.newest)}
    return sections | {"watch": sections["watch"] | tables}


def _only_health(pair: Config) -> Journey:
    """Return what people do where no flow is declared."""
    step = JourneyStep(path=pair.system(Side.ORIGINAL).health)
    return Journey(name="ask whether it is well", steps=(step,))


def rehearse(narrator: Narrator, folder: Path, arguments: argparse.Namespace) -> int:
    """Tell the story of a pair; return 0 when every promise was held."""
    pair = Path(arguments.pair).resolve()
    missing = [name for name in ("handover.toml", "original", "backend") if not (pair / name).exists()]
    if missing:
        message = f"{arguments.pair} has no {', '.join(missing)}; a pair is laid out as examples/README.md says."
        raise PairError(f"{message} There is: {', '.join(f'examples/{name}' for name in EXAMPLES)}.")
    with ExitStack() as stack:
        narrator.act(
            "The stage", f"Real parts on this machine: PostgreSQL, the two systems of {pair.name}, DNS, people."
        )
        server = stack.enter_context(server_for_this_run())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rehearsal-")))
        (place / "media").mkdir()
        play = Play(pair.name, server, place / "media", home=pair.parent)
        try:
            play.take_in()
        except FailedError as error:
            raise PairError(f"the pair could not be set up: {error}") from error
        return tell(stack.enter_context(pair_stage(folder, play, arguments, narrator)), narrator, arguments)


def main() -> int:
    """Run what the command line asks for; return the exit status."""
    line = parser()
    line.add_argument("--pair", required=True, help="folder of a pair, laid out as those of examples/")
    return told(rehearse, line.parse_args())


if __name__ == "__main__":
    sys.exit(main())
