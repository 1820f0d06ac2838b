"""The processes of both systems: started, killed, started again as a supervisor would."""

import os
import secrets
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import house, process
from sandbox.ports import free_port
from sandbox.systems import Place

WORKERS = ("worker-1", "worker-2")
SERVERS = ("original", "backend")
STOPS_WITHIN_S = 20.0
# Read by the interpreter before anything else when its folder is on PYTHONPATH.
WRONG_CLOCK = Path(__file__).with_name("wrong_clock")


@dataclass
class Member:
    """One process of one name. A killed one is followed by another, whose sessions bear the next number."""

    slot: str
    command: list[str]
    folder: Path
    environment: dict[str, str]
    log: Path
    number: int = 0
    # How many seconds the clock of the next process is ahead.
    clock_s: float = 0.0
    process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """What the database sessions of the present process are called."""
        return f"{self.slot}.{self.number}"

    @property
    def pid(self) -> int:
        """Number of the present process."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start the next process."""
        self.number += 1
        environment = self.environment | {"PGAPPNAME": self.name}
        if self.clock_s:
            environment |= {"PYTHONPATH": str(WRONG_CLOCK), "CLOCK_AHEAD_S": str(self.clock_s)}
        with self.log.open("ab") as log:
            log.write(f"\n──── {self.name}, clock {self.clock_s:+.0f} s\n".encode())
            self.process = process.spawn(
                self.command,
                cwd=self.folder,
                env=environment,
                stdout=log,
                on_parent_death=signal.SIGKILL,
            )

    def has_ended(self) -> bool:
        """Return whether it does not run."""
        return self.process is None or self.process.poll() is not None

    def children(self) -> list[int]:
        """Return the numbers of its own children: the server's worker, the decoders."""
        try:
            text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        except FileNotFoundError:
            return []
        return [int(number) for number in text.split()]

    def kill(self) -> None:
        """Kill the process alone; its children must see to themselves, as on a real machine."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end_with_stacks(self) -> None:
        """Let it write into its log where each of its threads is, and end."""
        if self.process is not None and not self.has_ended():
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()


@dataclass
class Crew:
    """All processes beside PostgreSQL."""

    place: Path
    members: dict[str, Member]
    urls: dict[str, str]
    restarts: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Start what does not run; count it."""
        for member in self.members.values():
            if member.has_ended():
                if member.number:
                    self.restarts[member.slot] = self.restarts.get(member.slot, 0) + 1
                member.start()

    def names(self) -> set[str]:
        """Return the names that sessions of living processes bear."""
        return {member.name for member in self.members.values() if not member.has_ended()}

    def of_session(self, name: str) -> Member | None:
        """Return the member whose present process bears this name."""
        return next((member for member in self.members.values() if member.name == name), None)

    def of_pid(self, pid: int) -> Member | None:
        """Return the member whose present process has this number."""
        return next((member for member in self.members.values() if member.process and member.pid == pid), None)

    def stop(self) -> None:
        """Stop all of them in order: workers finish what they do."""
        for member in reversed(self.members.values()):
            if member.process is not None:
                process.stop(member.process, STOPS_WITHIN_S)


def hire(house_place: Place, database_urls: dict[str, str], settings: dict[str, str]) -> Crew:
    """Describe the processes; ``database_urls`` has one for each role."""
    ports = {name: free_port() for name in SERVERS}
    key = secrets.token_urlsafe(48)
    members = {}
    for slot in (*SERVERS, *WORKERS):
        role = "original" if slot == "original" else "backend"
        temporary = house_place.folder / "temporary" / role
        temporary.mkdir(parents=True, exist_ok=True)
        environment = house.system_environment(
            database_url=database_urls[f"{role}_app"], media=house_place.media, secret_key=key
        )
        environment |= {
            "MOVES_LIBRARY": str(house_place.library),
            "BACHATEO_CACHE": str(house_place.folder / "cache"),
            "TMPDIR": str(temporary),
            "PYTHONFAULTHANDLER": "1",  # SIGABRT shows all stacks
            **settings,
        }
        members[slot] = Member(
            slot, _command(slot, ports), house.ROOT / role, environment, house_place.folder / "log" / f"{slot}.log"
        )
    return Crew(house_place.folder, members, {name: f"http://127.0.0.1:{port}" for name, port in ports.items()})


def _command(slot: str, ports: dict[str, int]) -> list[str]:
    if slot in WORKERS:
        return [sys.executable, "manage.py", "procrastinate", "worker"]
    project = {"original": "monolith", "backend": "config"}[slot]
    return [sys.executable, "-m", "gunicorn", f"{project}.wsgi", "--bind", f"127.0.0.1:{ports[slot]}"]


def kill_process(pid: int) -> bool:
    """Kill any process; return whether there was one."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
