"""One run: the house is built, people dance, things are killed, all comes to rest, and the audit looks at it."""

import re
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx
import psycopg

from sandbox import house
from sandbox.fixtures import roomy_place
from sandbox.postgres import Database, Server
from sandbox.systems import Place
from tests.crashes import audit_of_tasks, audit_of_traces, holds
from tests.crashes.audit_of_tasks import Records, read_records
from tests.crashes.crew import WORKERS, Crew, hire
from tests.crashes.cutter import Cutter
from tests.crashes.dancers import Dancer
from tests.crashes.deviations import Deviation, lost
from tests.crashes.disk import SmallDisk, small_disk
from tests.crashes.ledger import Ledger
from tests.crashes.troubles import ORIGINAL_GIVES_UP_AFTER_S, Troubles

# A process that is killed loses nothing that was written; only a machine without power would need fsync.
POSTGRESQL = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}
DATABASE = "compas"
LEASE_S = 3.0
SETTINGS = {
    "JOB_LEASE_S": str(LEASE_S),
    "JOB_SWEEP_S": "0.5",
    "JOB_MAX_ATTEMPTS": "5",
    "PARALLEL_RUNNING_LIMIT": "2",
}
SONG_SECONDS = (10, 11, 12)
CALM_WITHIN_S = 180.0
ANSWERS_WITHIN_S = 120.0
POLL_S = 0.1
AT_WORK = """
SELECT (SELECT count(*) FROM backend.jobs WHERE outcome IS NULL)
  + (SELECT count(*) FROM backend.procrastinate_jobs WHERE status IN ('doing', 'todo'))
"""
UNFINISHED = "SELECT count(*) FROM public.choreography_tasks WHERE status IN ('started', 'running')"


@dataclass(frozen=True)
class Size:
    """How much is done."""

    kills: int
    generations: int
    people: int = 6
    songs: int = 3
    minutes: float = 60.0


@dataclass
class Night:
    """Everything of one run."""

    seed: int
    size: Size
    place: Place
    database: Database
    crew: Crew
    cutter: Cutter
    disk: SmallDisk
    say: Callable[[str], None]
    ledger: Ledger = field(default_factory=Ledger)
    home: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        port = self.database.server.port or 0
        self.troubles = Troubles(self.database, self.crew, self.cutter, port, self.disk, str(self.seed), LEASE_S)
        songs = tuple(f"crash-{seconds}.mp3" for seconds in SONG_SECONDS[: self.size.songs])
        front = {name: f"http://127.0.0.1:{self.cutter.to(_port(url))}" for name, url in self.crew.urls.items()}
        self.dancers = [
            Dancer(f"dancer{number}", front, songs, self.ledger, f"{self.seed}/{number}", self.home, self.over)
            for number in range(self.size.people)
        ]

    def play(self) -> None:
        """Let people dance while things are killed, until there were enough of both; then let all come to rest."""
        self.crew.start()
        self.until_healthy()
        for dancer in self.dancers:
            dancer.register()
        holds.install(self.database)
        for dancer in self.dancers:
            dancer.thread.start()
        self._make_trouble()
        self.say("enough; waiting until all have ended")
        self.home.set()
        self._calm()

    def _make_trouble(self) -> None:
        until, told = time.monotonic() + self.size.minutes * 60, 0
        while not self._is_enough() and time.monotonic() < until:
            if self.troubles.killed < self.size.kills:
                try:
                    self.troubles.next_one()
                except psycopg.OperationalError:
                    self.troubles.tell("PostgreSQL was away")
                    self.troubles.repair()
            else:
                self.troubles.repair()
                time.sleep(POLL_S)
            if self.troubles.killed >= told + 10:
                told = self.troubles.killed
                self.say(f"{told} kills, {len(self.ledger.entries)} tasks")

    def _is_enough(self) -> bool:
        entries = list(self.ledger.entries.values())
        is_one_completed = any(entry.ended == "completed" and entry.made_by == "backend" for entry in entries)
        return self.troubles.killed >= self.size.kills and len(entries) >= self.size.generations and is_one_completed

    def _calm(self) -> None:
        """Repair everything, wait for people and jobs, and let the original's housekeeping end what it lost."""
        self.troubles.clocks = False
        self.troubles.repair()
        holds.remove(self.database)
        self.until_healthy()
        until = time.monotonic() + CALM_WITHIN_S
        for dancer in self.dancers:
            dancer.thread.join(max(0.0, until - time.monotonic()))
        self.send_people_home()
        if not self._wait(lambda: not self._count(AT_WORK), until):
            self._ask_where_they_hang()
        if self._count(UNFINISHED):
            self.say("people are at home; the original's housekeeping")
            self._let_the_original_clean_up()
        self._wait(lambda: not self._count(UNFINISHED), time.monotonic() + CALM_WITHIN_S)
        self._wait(lambda: not self.traces(), time.monotonic() + LEASE_S * 4)

    def send_people_home(self) -> None:
        """End what people do, at once; also after a fault, or they would ask for ever."""
        self.over.set()
        for dancer in self.dancers:
            if dancer.thread.is_alive():
                dancer.thread.join()

    def _ask_where_they_hang(self) -> None:
        """Write into the logs where the workers are, which ends them."""
        self.ledger.note(
            f"jobs or calls had not ended within {CALM_WITHIN_S:.0f} s; the logs say where the workers were"
        )
        for slot in WORKERS:
            self.crew.members[slot].end_with_stacks()

    def _let_the_original_clean_up(self) -> None:
        """Start it with a clock that is ahead: at the next choreography it fails what it never finished."""
        original = self.crew.members["original"]
        original.kill()
        # Twice: the one that left a row may have had a clock that was ahead (troubles.py).
        original.clock_s = 2 * (ORIGINAL_GIVES_UP_AFTER_S + 60.0)
        self.crew.start()
        self.until_healthy()
        keeper = self.dancers[0].again(self.crew.urls)
        self._wait(lambda: keeper.asks("original", "POST", "/create/", data=FORM), until=None)
        keeper.leave()
        self._wait(lambda: not self._count(UNFINISHED), time.monotonic() + CALM_WITHIN_S)

    def until_healthy(self) -> None:
        """Wait until both systems answer."""
        self._wait(lambda: all(map(is_healthy, self.crew.urls.values())), until=None)

    def _wait(self, is_so: Callable[[], object], until: float | None) -> bool:
        deadline = until or time.monotonic() + ANSWERS_WITHIN_S
        while not is_so():
            self.troubles.repair()
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def _count(self, query: str) -> int:
        with self.database.server.connect(self.database.name) as session:
            return int(session.execute(query).fetchone()[0])

    # The audit

    def records(self) -> Records:
        """Read what there is."""
        return read_records(self.database, self.place.media)

    def traces(self) -> list[Deviation]:
        """Return what belongs to nothing while the systems stand idle."""
        place = self.place.folder
        pids = [member.pid for member in self.crew.members.values()] + [self.database.server.pid]
        return [
            *audit_of_traces.audit_sessions(self.database, self.crew.names()),
            *audit_of_traces.audit_locks(self.database),
            *audit_of_traces.audit_queue(self.database),
            *audit_of_traces.audit_temporary_files(place),
            *audit_of_traces.audit_processes(place, pids),
        ]

    def audit(self) -> list[Deviation]:
        """Return every deviation, first while the systems stand idle, then when they are stopped."""
        return self.audit_at_rest() + self.audit_stopped()

    def audit_at_rest(self) -> list[Deviation]:
        """Return every deviation while the systems stand idle."""
        records = self.records()
        return audit_of_tasks.audit_tasks(self.ledger, records) + self.answers(records) + self.traces()

    def audit_stopped(self) -> list[Deviation]:
        """Stop the systems; return what is still there."""
        self.crew.stop()
        return [
            *audit_of_traces.audit_processes(self.place.folder, [self.database.server.pid]),
            *audit_of_traces.audit_sessions(self.database, set()),
        ]

    def answers(self, records: Records) -> list[Deviation]:
        """Ask both systems for every task that has a row, as its person."""
        found = []
        for dancer in (dancer.again(self.crew.urls) for dancer in self.dancers):
            for entry in self.ledger.entries.values():
                if entry.user_id == dancer.user_id and entry.task_id in records.tasks:
                    found += self._answers_for(dancer, entry.task_id, records.tasks[entry.task_id])
            dancer.leave()
        return found

    def _answers_for(self, dancer: Dancer, task_id: str, row: dict) -> Iterator[Deviation]:
        paths = {"backend": f"/api/choreography/tasks/{task_id}", "original": f"/task/{task_id}/"}
        for system, path in paths.items():
            told = dancer.http[system].get(path)
            status = told.json().get("status") if told.status_code == 200 else told.status_code
            if status != row["status"]:
                yield lost(f"the row of task {task_id} is {row['status']}, and the {system} says {status}")

    def figures(self, deviations: list[Deviation], records: Records) -> dict[str, object]:
        """Return what the run did and found."""
        tasks = (
            self.ledger.entries.keys() | records.tasks.keys() | {k for k, job in records.jobs.items() if job["request"]}
        )
        ends = Counter(ending_of(task_id, records) for task_id in tasks)
        kinds = Counter(deviation.kind for deviation in deviations)
        return {
            "kills": self.troubles.killed,
            "tasks": len(tasks),
            "completed": ends["completed"],
            "failed_with_reason": ends["failed"],
            "cancelled": ends["cancelled"],
            "reasons": dict(Counter(filter(None, (reason_of(task_id, records) for task_id in tasks))).most_common()),
            "duplicates": kinds["duplicate"],
            "lost": kinds["lost"],
            "orphans": kinds["orphan"],
            "killed": dict(sorted(self.troubles.kills.items())),
            "faults": dict(sorted(self.troubles.faults.items())),
            "requests": self.ledger.requests,
            "requests_cut": self.ledger.cut,
            "left_out": self.disk.why_not,
            "seed": self.seed,
        }


FORM = {"song_selection": "crash-10.mp3", "difficulty": "beginner", "auto_save": "false"}


def ending_of(task_id: str, records: Records) -> str:
    """Return how a task ended."""
    job, task = records.jobs.get(task_id), records.tasks.get(task_id)
    if job is not None and job["request"]:
        return job["outcome"] or "not ended"
    return task["status"] if task is not None else "cancelled"


def reason_of(task_id: str, records: Records) -> str:
    """Return why a task failed, without what is different each time; '' of one that did not."""
    if ending_of(task_id, records) != "failed":
        return ""
    job, task = records.jobs.get(task_id) or {}, records.tasks.get(task_id) or {}
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "…", str(job.get("error") or task.get("error") or ""))


@cache
def asker() -> httpx.Client:
    """Return what asks; a new one each time would read all certificates of this machine."""
    return httpx.Client(timeout=5, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


def is_healthy(url: str) -> bool:
    """Return whether a system answers."""
    try:
        return asker().get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


def build(server: Server) -> None:
    """Make the database by the installation's own commands."""
    house.build_original(server, DATABASE)
    house.adopt(server, DATABASE)
    house.migrate_backend(server, DATABASE)


@contextmanager
def night(
    seed: int, size: Size, *, say: Callable[[str], None], build: Callable[[Server], None] = build
) -> Iterator[Night]:
    """Build the house for one run, and its database by ``build``; it is gone afterwards."""
    songs = [house.demo_song(house.LOCAL / "demo" / f"crash-{n}.mp3", seconds=n) for n in SONG_SECONDS[: size.songs]]
    library = house.moves_library()
    with tempfile.TemporaryDirectory(prefix="crash-", dir=roomy_place()) as name:
        folder = Path(name)
        folder.chmod(0o711)
        place = Place(folder, library)
        (folder / "log").mkdir()
        with small_disk(place.media) as disk, Server(folder / "postgres", settings=POSTGRESQL) as server:
            (place.media / "songs").mkdir()
            for song in songs:
                shutil.copy(song, place.media / "songs")
            server._wanted_port = server.port
            build(server)
            cutter = Cutter()
            port = cutter.to(server.port)
            urls = {
                role: server.url(role, DATABASE).replace(f":{server.port}/", f":{port}/")
                for role in ("backend_app", "original_app")
            }
            crew = hire(place, urls, SETTINGS)
            run = Night(seed, size, place, Database(DATABASE, server), crew, cutter, disk, say)
            try:
                yield run
            finally:
                run.send_people_home()
                crew.stop()
                cutter.close()


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
