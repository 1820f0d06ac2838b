"""What is done to the systems: kills and faults, each chosen by the seed."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from sandbox.postgres import Database
from tests.crashes.crew import WORKERS, Crew, Member, kill_process
from tests.crashes.cutter import Cutter
from tests.crashes.disk import SmallDisk, files_in
from tests.crashes.holds import PLACES, Hold

# A worker with work in hand is what most kills are about.
SLOTS = ("worker-1", "worker-2", "worker-1", "worker-2", "backend", "original")
DAYS_S = 3 * 86_400.0
# The original fails unfinished rows that are older than this; the backend takes its own back.
ORIGINAL_GIVES_UP_AFTER_S = 300.0
WRONG_CLOCKS = 0.25  # so many of the processes have one
COMES_WITHIN_S = 4.0
POLL_S = 0.01
LONGEST_WAIT_S = 1.0
DATABASE_BACK_WITHIN_S = 120.0
EXPIRE_A_LEASE = """
UPDATE backend.jobs SET lease_expires_at = now() - interval '1 second'
WHERE task_id = (SELECT task_id FROM backend.jobs WHERE outcome IS NULL AND token IS NOT NULL ORDER BY task_id LIMIT 1)
  AND outcome IS NULL AND token IS NOT NULL -- it may end while this waits for its row
"""
HOLDERS = "SELECT owner FROM backend.jobs WHERE outcome IS NULL AND token IS NOT NULL ORDER BY owner"


@dataclass
class Troubles:
    """Does one thing after the other to the systems."""

    database: Database
    crew: Crew
    cutter: Cutter
    database_port: int
    disk: SmallDisk
    seed: str
    lease_s: float
    clocks: bool = True
    number: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    # Each thing that was done, in order: what a failing seed did.
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = self._dice("first")

    def _dice(self, what: object) -> random.Random:
        return random.Random(f"{self.seed}/{what}")  # noqa: S311 - the same troubles every time

    @property
    def killed(self) -> int:
        """How many processes were killed so far."""
        return self.kills.total()

    def next_one(self) -> None:
        """Do what comes next, then start again what has ended."""
        self.number += 1
        # Dice of its own: how long things took before does not change what is chosen.
        self.dice = self._dice(self.number)
        chosen = self.dice.choices(
            [self.kill_at_a_place, self.kill_at_some_time, self.kill_at_a_file, self.one_fault], [5, 4, 2, 3]
        )[0]
        chosen()
        self.repair()

    def repair(self) -> None:
        """Start what has ended, as a supervisor does."""
        self.revive_database()
        for member in self.crew.members.values():
            if member.has_ended():
                member.clock_s = self._clock_of(member)
        self.crew.start()

    def _clock_of(self, member: Member) -> float:
        dice = self._dice(f"clock of {member.slot} {member.number}")
        if not self.clocks or dice.random() > WRONG_CLOCKS:
            return 0.0
        self.faults["clock jump"] += 1
        if member.slot == "original":
            # Days ahead it would delete every row as old; that is the original's, and stays as it is.
            return ORIGINAL_GIVES_UP_AFTER_S + 60.0
        return dice.choice([DAYS_S, -DAYS_S])

    # Kills

    def kill_at_a_place(self) -> None:
        """Kill a process, its session's server or the whole database while it waits within a transaction."""
        place = self.dice.choice(PLACES)
        victim = self.dice.choices([self._kill_member, self._kill_session, self._kill_database], [6, 2, 1])[0]
        with Hold(self.database, place) as hold:
            found = self._until(hold.who_waits)
            if found is None:
                self.tell(f"nothing came to: {place}")
                return
            victim(*found, place)

    def kill_at_some_time(self) -> None:
        """Kill whatever it does just then."""
        time.sleep(self.dice.random() * LONGEST_WAIT_S)
        what = self.dice.choices(["process", "server's worker", "session", "database"], [6, 2, 2, 1])[0]
        slot = self.dice.choice(SLOTS)
        if what == "process":
            self._kill(self.crew.members[slot], "at some time")
        elif what == "server's worker":
            self._kill_child(self.crew.members[self.dice.choice(["backend", "original"])])
        elif what == "session":
            self._kill_some_session()
        else:
            self._kill_database("", 0, "at some time")

    def kill_at_a_file(self) -> None:
        """Kill the worker whose draft, or whose file in the making, just came to be."""
        media = Path(self.crew.members["backend"].environment["MEDIA_ROOT"])
        pattern = self.dice.choice(["output/.drafts/*", "output/.drafts/*/*.part", "output/.drafts/*/video.mp4"])
        before = files_in(media, pattern)
        came = self._until(lambda: next(iter(files_in(media, pattern) - before), None))
        holders = [pid for (owner,) in self._rows(HOLDERS) if (pid := int(owner.rpartition(":")[2]))]
        if came is None or not holders:
            self.tell(f"no file came: {pattern}")
            return
        member = self.crew.of_pid(self.dice.choice(holders))
        if member is not None:
            self._kill(member, f"at a file {pattern}")

    def _kill_member(self, name: str, _pid: int, where: str) -> None:
        member = self.crew.of_session(name)
        if member is None:
            return
        # A web server is killed as a whole: gunicorn's own process and the one that answers.
        children = member.children() if member.slot not in WORKERS else []
        self._kill(member, where)
        for child in children:
            kill_process(child)

    def _kill(self, member: Member, where: str) -> None:
        if member.has_ended():
            return
        self.tell(f"killed {member.name} {where}")
        self.kills[member.slot.partition("-")[0]] += 1
        member.kill()

    def _kill_child(self, member: Member) -> None:
        children = [] if member.has_ended() else member.children()
        if children and kill_process(children[0]):
            self.tell(f"killed the process below {member.name}")
            self.kills[member.slot] += 1

    def _kill_session(self, name: str, pid: int, where: str) -> None:
        if kill_process(pid):
            self.tell(f"killed PostgreSQL's process of {name} {where}")
            self.kills["postgresql"] += 1

    def _kill_some_session(self) -> None:
        sessions = self._rows(
            "SELECT regexp_replace(application_name, '^backend-phase. ', ''), pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid"
        )
        if sessions:
            self._kill_session(*self.dice.choice(sessions), "at some time")

    def _kill_database(self, _name: str, _pid: int, where: str) -> None:
        pid = self.database.server.pid
        if pid is not None and kill_process(pid):
            self.tell(f"killed PostgreSQL {where}")
            self.kills["postgresql"] += 1

    # Faults

    def one_fault(self) -> None:
        """Do something that kills no process."""
        faults: list[Callable[[], None]] = [
            self.end_sessions,
            self.cut_network,
            self.stop_a_worker,
            self.force_two_on_one_job,
            self.fill_the_disk,
            self.make_the_disk_read_only,
        ]
        self.dice.choice(faults)()

    def end_sessions(self) -> None:
        """Let the server end every session of the systems."""
        ended = self._rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid()"
        )
        self.count("sessions ended", f"{len(ended)} sessions ended")

    def cut_network(self) -> None:
        """Cut all connections to the database, or to one of the systems."""
        ports = {"database": self.database_port} | {
            name: int(url.rpartition(":")[2]) for name, url in self.crew.urls.items()
        }
        name = self.dice.choice(sorted(ports))
        self.count("connections cut", f"{self.cutter.cut(ports[name])} connections to the {name} cut")

    def stop_a_worker(self) -> None:
        """Stop a worker until its lease is over, and let it go on while another one works on its job."""
        member = self.crew.members[self.dice.choice(WORKERS)]
        if member.has_ended():
            return
        self._until(lambda: str(member.pid) in {owner.rpartition(":")[2] for (owner,) in self._rows(HOLDERS)})
        member.process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(self.lease_s * 1.5)
        finally:
            member.process.send_signal(signal.SIGCONT)
        self.count("stale worker woke up", f"{member.name} slept for longer than its lease")

    def force_two_on_one_job(self) -> None:
        """End a lease whose worker is at work, so that another one takes its job."""
        self._until(lambda: self._rows(HOLDERS))
        if self._rows(f"{EXPIRE_A_LEASE}\nRETURNING task_id"):
            self.count("two workers on one job", "a lease was ended while its worker worked")

    def fill_the_disk(self) -> None:
        """Leave no room for a moment."""
        if self.disk.why_not:
            return
        self.disk.fill()
        try:
            time.sleep(self.dice.random() * LONGEST_WAIT_S)
        finally:
            self.disk.empty()
        self.count("full disk", "the disk of the media was full")

    def make_the_disk_read_only(self) -> None:
        """Refuse writing for a moment."""
        if self.disk.why_not or not self._until(self.disk.make_read_only):
            return
        time.sleep(self.dice.random() * LONGEST_WAIT_S)
        self.disk.make_writable()
        self.count("read-only media", "the media were read-only")

    # Helpers of both

    def count(self, fault: str, text: str) -> None:
        """Count a fault that was done."""
        self.faults[fault] += 1
        self.tell(text)

    def tell(self, text: str) -> None:
        """Write down what was done."""
        self.told.append(f"{time.strftime('%H:%M:%S')} {text}")

    def _until(self, find: Callable[[], object]) -> object:
        """Poll, since other processes make it so; None if it does not come."""
        until = time.monotonic() + COMES_WITHIN_S
        while time.monotonic() < until:
            if found := find():
                return found
            time.sleep(POLL_S)
        return None

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        with self.database.server.connect(self.database.name) as session:
            return session.execute(query).fetchall()

    def revive_database(self) -> None:
        """Wait until PostgreSQL answers again, starting it if it was killed."""
        server = self.database.server
        until = time.monotonic() + DATABASE_BACK_WITHIN_S
        while time.monotonic() < until:
            if server.pid is not None and process_is_gone(server.pid):
                server.stop()
                server.start()
            try:
                server.connect(self.database.name).close()
            except psycopg.OperationalError:
                time.sleep(POLL_S)
            else:
                return


def process_is_gone(pid: int) -> bool:
    """Return whether a process has ended, even if it was not waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True
