"""The stage of the night: a pair with a real name server, two small systems that count their requests, a journal."""

import json
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest

from handover.config.config import Config, load_config
from handover.cutover import gates, plan
from handover.cutover.confirm import last_switch
from handover.cutover.gate_context import GateContext
from handover.cutover.status import Status, read_status
from handover.journal.account import this_account
from handover.journal.journal import opened
from handover.parallel.history import WatchHistory, Window
from handover.parallel.rule import MetricVerdict
from handover_testing.pair import Ended, Pair
from handover_testing.switch_stage import BACKEND, DNS, ORIGINAL, SwitchStage
from sandbox.dns.nameserver import NameServer
from sandbox.fixtures import roomy_place
from sandbox.postgres import Server

# octodns-bind 1.1 calls octoDNS in a way that octoDNS 2 will not know.
FROM_OCTODNS = "ignore:`R.*` is DEPRECATED. Use :DeprecationWarning"
OLD_TTL_S, TTL_S = 300, 30
FILLERS = [f"other{number}" for number in range(9)]


class Small(ThreadingHTTPServer):
    """A small system: its ``status``, the ``requests`` it got, the ``agents`` that asked, how many are ``held``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status, self.requests = 200, 0
        self.held, self.release = 0, threading.Event()
        self.agents: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Small

    def do_GET(self) -> None:
        if self.path == "/slow":
            self.server.held += 1
            self.server.release.wait(WITHIN_S)
            self.server.held -= 1
        counting = self.path == "/requests"
        self.server.agents.append(self.headers.get("User-Agent", ""))
        self.server.requests += self.path == "/page"
        body = str(self.server.requests).encode() if counting else b"{}"
        self.send_response(200 if counting else self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def name_server() -> Iterator[NameServer]:
    with NameServer("compas.test.", "ns2 30 IN A 127.0.0.1") as server:
        yield server


@pytest.fixture(scope="session")
def small_systems() -> Iterator[dict[str, Small]]:
    systems = {"original": Small(), "backend": Small()}
    threads = [threading.Thread(target=s.serve_forever, args=[0.01], daemon=True) for s in systems.values()]
    for thread in threads:
        thread.start()
    yield systems
    for system in systems.values():
        system.shutdown()
        system.server_close()


@lru_cache(maxsize=4)
def _loaded(file: Path, _: str) -> Config:
    """Return what a ``handover.toml`` says, read again only when its text has changed."""
    return load_config(file)


@dataclass
class Kept:
    """What commands left, each kept the first time: a database, and the folder ``.handover`` beside ``handover.toml``.

    A test that only starts from there gets a copy, which is much cheaper than the commands.
    """

    server: Server
    folder: Path
    names: dict[str, str] = field(default_factory=dict)

    def restore(self, pair: "Pair", name: str, make: Callable[[], None]) -> None:
        """Bring a pair to where ``make`` leads."""
        place, database = pair.folder / ".handover", pair.database.name
        pair.patch.setenv("HANDOVER_DATABASE_URL", pair.database.url("owner"))
        if name in self.names:
            self.server.drop_database(database)
            self.server.create_database(database, template=self.names[name])
            shutil.copytree(self.folder / name, place, dirs_exist_ok=True)
            return
        make()
        kept = f"kept_{secrets.token_hex(4)}"
        self.server.create_database(kept, template=database)
        self.names[name] = kept
        shutil.copytree(place, self.folder / name)


WITHIN_S = 30.0


def until(condition: Callable[[], object], what: str, *, within_s: float = WITHIN_S) -> None:
    """Return when something has happened; fail with ``what`` when it does not."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


@dataclass
class Story:
    """The pair, what people reach, the operator of the move, and the way to switch."""

    pair: "Pair"
    name_server: NameServer
    systems: dict[str, Small]
    kept: Kept
    stage: SwitchStage = DNS

    def handover(self, *arguments: str, **environment: str) -> "Ended":
        return self.pair.handover(*arguments, **environment)

    def done(self, *arguments: str, **environment: str) -> "Ended":
        """Run a command that must succeed."""
        ended = self.handover(*arguments, **environment)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        return ended

    def refused(self, *arguments: str, **environment: str) -> str:
        """Run a command that must be refused; return its words."""
        ended = self.handover(*arguments, **environment)
        assert ended.returncode == 3, ended.stderr + ended.stdout
        return ended.stderr

    @property
    def file(self) -> Path:
        return self.pair.folder / "handover.toml"

    @property
    def config(self) -> Config:
        return _loaded(self.file, self.file.read_text())

    def declare(self, text: str) -> None:
        """Add to ``handover.toml``."""
        self.file.write_text(f"{self.file.read_text()}\n{text}\n")

    def people_reach(self) -> list[str]:
        return self.name_server.values("www")

    def set_record(self, name: str, ttl_s: int, *values: str) -> None:
        self.set_records(ttl_s, {name: values})

    def set_records(self, ttl_s: int, records: dict[str, tuple[str, ...]]) -> None:
        update = self.name_server.new_update()
        for name, values in records.items():
            update.delete(name, "A")
            for value in values:
                update.add(name, ttl_s, "A", value)
        self.name_server.send(update)

    def status(self) -> Status:
        with opened(self.config) as journal:
            return read_status(self.config, journal)

    def state(self) -> str:
        return self.status().position.state

    def plan(self) -> str:
        """Make a plan; return the beginning of its checksum."""
        return str(json.loads(self.done("cutover", "plan", "--json").stdout)["checksum"])

    def with_journal(self) -> None:
        self.kept.restore(self.pair, "preparing", lambda: self.done("init-journal", "--apply"))

    def in_parallel(self) -> None:
        """Let both systems run in parallel, as :meth:`begins` did once."""
        self.kept.restore(self.pair, "parallel", self.begins)
        self.set_record("www", TTL_S, ORIGINAL)

    def begins(self) -> None:
        self.done("init-journal", "--apply")
        self.done("cutover", "begin", "--apply")

    def switched(self) -> None:
        """Let people reach the backend, as :meth:`switches` did once."""
        self.kept.restore(self.pair, "switched", self.switches)
        self.set_record("www", TTL_S, BACKEND)

    def switches(self) -> None:
        self.begins()
        self.done("cutover", "--apply", self.plan())


def sections(name_server: NameServer) -> str:
    """Return what a ``handover.toml`` declares for the night."""
    return f"""
[dns]
zone = "compas.test"
record = "www"
ttl_s = {TTL_S}
original = ["{ORIGINAL}"]
backend = ["{BACKEND}"]
octodns_config = "octodns.yaml"
authoritative = ["127.0.0.1:{name_server.port}"]
rehearsal_record = "rehearsal"
timeout_s = 5
verify_s = 0.5

[traffic]
quiet_s = 0.01
limit_s = 0.5

[rollback]
allowed = ["{this_account().name}"]
write = {{ model = "dance.models.Dancer", fields = {{ username = "handover-probe" }} }}
warm_up = {{ requests = 4 }}

[[gates]]
id = "certificate"
kind = "certificate"
reason = "people must not meet a warning"
"""


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory where there is room: there, writing to disk costs nothing."""
    with tempfile.TemporaryDirectory(prefix="night-", dir=roomy_place()) as place:
        yield Path(place)


@pytest.fixture
def story(
    pair: "Pair", name_server: NameServer, small_systems: dict[str, Small], kept: Kept, monkeypatch, memory
) -> Story:
    monkeypatch.setenv("HANDOVER_OPERATOR", "ana")
    (pair.folder / ".handover").symlink_to(memory)
    for system in small_systems.values():
        system.status, system.requests = 200, 0
    text = (pair.folder / "handover.toml").read_text()
    for side, system in small_systems.items():
        text = text.replace(f"[{side}]\n", f'[{side}]\nbase_url = "{system.url}"\ninsecure_http = true\n')
    ways = "".join(f'{side} = "{system.url}/requests"\n' for side, system in small_systems.items())
    declared = sections(name_server).replace("[traffic]\n", f"[traffic]\n{ways}")
    (pair.folder / "handover.toml").write_text(text + declared)
    values = {**name_server.octodns(), "class": "octodns_bind.Rfc2136Provider"}
    provider = "".join(f"    {name}: {json.dumps(value)}\n" for name, value in values.items())
    config = f"providers:\n  ours:\n{provider}zones:\n  compas.test.:\n    sources: []\n    targets: [ours]\n"
    (pair.folder / "octodns.yaml").write_text(config)
    made = Story(pair, name_server, small_systems, kept)
    fillers = dict.fromkeys(FILLERS, ("127.0.0.9",))
    made.set_records(OLD_TTL_S, {"www": (ORIGINAL,), "rehearsal": (), **fillers})
    return made


@pytest.fixture(scope="session")
def kept(postgres, tmp_path_factory) -> Iterator[Kept]:
    """What commands left that many tests start from."""
    found = Kept(postgres, tmp_path_factory.mktemp("kept"))
    yield found
    for database in found.names.values():
        postgres.drop_database(database)


VERIFY = """
[verify]
close_h = 0.0000001
loose_h = 0.0000001
windows = 3
automatic_rollback = true
thresholds = [{ metric = "error_rate", above = 0.02 }, { metric = "latency_p95_ms", above = 800 }]
"""


def hook(story, point, script):
    folder = story.pair.folder / "hooks"
    folder.mkdir(exist_ok=True)
    path = folder / point
    path.write_text(script)
    path.chmod(0o755)
    text = story.file.read_text()
    if "[hooks]" not in text:
        story.declare("[hooks]\ntimeout_s = 60\n[hooks.at]")
    story.declare(f'{point} = ["{point}"]')


def keep(story, *judged: MetricVerdict, end: datetime | None = None, minutes: int = 1) -> None:
    """Let the watch's own history keep a window."""
    end = end or datetime.now(UTC)
    history = WatchHistory(story.config, f"test {end}")
    history.add([], Window(end - timedelta(minutes=minutes), end, judged))
    history.close()


def red(story, later_s: float = OLD_TTL_S + 1, *, when: datetime | None = None) -> dict[str, str]:
    """Return the red gates with what they found ``when``, or ``later_s`` seconds later by the database's clock."""
    config = story.config
    with opened(config) as journal:
        when = when or journal.now() + timedelta(seconds=later_s)
        context = GateContext(config, journal, journal.entries(), when, plan.newest(config))
        return {gate.id: result.found for gate in config.gates if not (result := gates.judge_gate(context, gate)).ok}


def windows(story, *error_rates: float | None, latency_ms: float = 100.0, verdict: str = "green") -> None:
    now = datetime.now(UTC)
    green_until(story, now)
    for number, rate in enumerate(reversed(error_rates)):
        errors = MetricVerdict("backend", "error_rate", rate, "no data" if rate is None else verdict, "by the test")
        slow = MetricVerdict("backend", "latency_p95_ms", latency_ms, "green", "")
        keep(story, errors, slow, end=now + timedelta(minutes=len(error_rates) - number), minutes=1)


def green_until(story, end: datetime) -> None:
    """Let the watch's own history keep a green window from the switch to a moment."""
    with opened(story.config) as journal:
        began = last_switch(journal.entries()).began
    history = WatchHistory(story.config, f"green {end}")
    history.add([], Window(began, end, (MetricVerdict("backend", "error_rate", 0.0, "green", ""),)))
    history.close()


NEW_TASK = (
    "INSERT INTO dance_tasks (task_id, status, progress, created_at, user_id)"
    " SELECT gen_random_uuid(), 'started', 0, now(), min(id) FROM dancers"
)


@contextmanager
def watched(story: Story) -> Iterator[None]:
    """Watch while the block runs, and write a row now and then."""
    over = threading.Event()
    writer = threading.Thread(target=_write, args=(story.pair.database.url("owner"), over))
    with story.pair.process("watch", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as watching:
        writer.start()
        try:
            yield
        finally:
            over.set()
            writer.join()
            watching.terminate()
            watching.wait(timeout=60)


def _write(url: str, over: threading.Event) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        while not over.wait(0.1):
            connection.execute(NEW_TASK)


def judged_windows(story: Story) -> int:
    with psycopg.connect(story.pair.database.url("owner")) as connection:
        row = connection.execute("SELECT count(DISTINCT window_start) FROM handover.watch_windows").fetchone()
    assert row
    return int(row[0])


def wait_for_windows(story: Story, number: int) -> None:
    """Return when so many more windows were judged."""
    wanted = judged_windows(story) + number
    until(lambda: judged_windows(story) >= wanted, "nothing was watched", within_s=120)


@contextmanager
def database_down(story: Story) -> Iterator[None]:
    """The pair's database refuses connections, and ends those that there are."""
    server, name = story.pair.database.server, story.pair.database.name
    with server.connect() as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
