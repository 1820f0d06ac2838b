"""Evolutions that are killed again and again while people of both shapes write, and go on or back all the same."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from handover.config.config import load_config
from handover.config.evolve import EVOLVE_GATES
from handover.evolve.evolution import evolution_named
from handover.evolve.plan import make_plan
from sandbox.postgres import Database, Server
from tests.crashes.crew import kill_process
from tests.evolving import tables
from tests.evolving.audit import Deviations, audit, catalog
from tests.evolving.clients import NEW_BACKEND, ORIGINAL
from tests.evolving.kills import EvolveHold, KillPoint, held, install, points_of
from tests.evolving.systems import write_systems
from tests.evolving.tables import EVOLUTION_NAME
from tests.evolving.writers import TaskLedger, TaskState, TaskWriter

ENDS_WITHIN_S = 180.0
# A held step keeps its locks until it is killed, so its wait must not end before that. As with the default of 20 ms, it
# ends before the server looks for a deadlock, which would end a statement of people.
DEADLOCK_TIMEOUT = {"deadlock_timeout": "30s"}
SETTINGS = "lock_timeout_ms = 10000\nrecycle_s = 0.3\n"
MAPPED = 'down = "$1::text"\nmapped = "$1 !~ \'^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$\'"'
LEGACY = """
    INSERT INTO choreography_tasks
    SELECT 'legacy-' || n, 'running', 100 + n, 'cutting', '', NULL, NULL, now(), now(), n FROM generate_series(1, 9) n;
    INSERT INTO task_steps (task_id, note) SELECT task_id, 'step' FROM choreography_tasks WHERE task_id LIKE 'legacy-%';
"""
TASKS = """
    SELECT task_id, status, progress, (SELECT count(*) FROM task_steps s WHERE s.task_id = t.task_id)
    FROM choreography_tasks t
"""
OVERRIDES = [word for gate in EVOLVE_GATES for word in ("--override", gate)] + ["--because", "a night"]
START = ("evolve", "start", EVOLUTION_NAME, "--apply", *OVERRIDES)
SWITCH = ("evolve", "switch", EVOLUTION_NAME, "--apply")
ROLLBACK = ("evolve", "rollback", EVOLUTION_NAME, "--apply", "--because", "a night")
CONTRACT = ("evolve", "contract", EVOLUTION_NAME, "--apply", "--confirm", EVOLUTION_NAME)
RESUME, BACK = ("resume",), ("resume", "--back", "--because", "a night")
PARTS = {START: ("start",), SWITCH: ("switch",), ROLLBACK: ("back", "remove"), CONTRACT: ("contract",)}
STATE = """
    SELECT kind, body ->> 'command', body ->> 'through', body ->> 'target' FROM handover.journal
     WHERE body ->> 'stream' = %s AND kind IN ('run', 'ended') ORDER BY seq DESC LIMIT 1
"""
TOOL, SESSION, SERVER = "tool", "session of PostgreSQL", "PostgreSQL"


class StuckError(Exception):
    """A command neither went on nor back."""


@dataclass
class EvolveNight:
    """The server, and what happened so far.

    Attributes
    ----------
    server, place
        PostgreSQL, and a folder for everything else.
    dice
        Chooses points, victims and ways.
    plan
        The plan of the evolution, as JSON.
    kills, stages
        Kills by victim, and by what went on.
    """

    server: Server
    place: Path
    dice: random.Random
    rows: int
    say: Callable[[str], None]
    plan: dict[str, Any] = field(default_factory=dict)
    before: dict[str, list[Any]] = field(default_factory=dict)
    fresh: dict[str, list[Any]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    stuck: list[str] = field(default_factory=list)
    acknowledged: int = 0
    unanswered: int = 0
    failures: list[str] = field(default_factory=list)
    deviations: Deviations = field(default_factory=Deviations)

    def prepare(self) -> None:
        """Make the roles, the database that each evolution gets a copy of, and the catalogs to compare with."""
        self.server.create_database("before")
        password = conninfo_to_dict(self.server.url("backend_app", "before"))["password"]
        with self.server.connect() as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = 'backend_app'").rowcount:
                connection.execute(f"CREATE ROLE backend_app LOGIN PASSWORD '{password}'".encode())
            connection.execute(b"GRANT original_app, backend_app TO owner WITH ADMIN OPTION")
        database = Database("before", self.server)
        with psycopg.connect(database.url("owner"), autocommit=True) as connection:
            tables.build(connection, self.rows)
        self.server.create_database("fresh", template="before")
        fresh = Database("fresh", self.server)
        with psycopg.connect(fresh.url("owner"), autocommit=True) as connection:
            connection.execute(b"TRUNCATE task_steps, choreography_tasks")
            connection.execute((tables.IN_PLACE + tables.MORE_IN_PLACE).encode())
        self.before, self.fresh = (catalog(one, self.place) for one in (database, fresh))
        with psycopg.connect(database.url("owner"), autocommit=True) as connection:
            connection.execute(LEGACY.encode())
        folder = workplace(self.place / "plan")
        with psycopg.connect(database.url("owner"), autocommit=True) as connection:
            config = load_config(folder / "handover.toml")
            self.plan = make_plan(connection, config, evolution_named(config, EVOLUTION_NAME)).as_json()
        self.process(folder, database, "init-journal", "--apply").succeed()
        install(database)

    def process(self, folder: Path, database: Database, *words: str) -> "ToolProcess":
        """Start ``handover`` as a team would type it."""
        return ToolProcess.start(folder, database, words)

    @property
    def killed(self) -> int:
        """How many kills there were."""
        return self.kills.total()

    def restart(self, victim: str) -> None:
        """Start the server after a kill, or wait until it has recovered from the end of a session."""
        if victim == SERVER:
            self.server.stop()
            self.server.start()
        deadline = time.monotonic() + ENDS_WITHIN_S
        while time.monotonic() < deadline:
            try:
                self.server.connect().close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        raise StuckError("PostgreSQL does not come back")


def workplace(folder: Path) -> Path:
    """Make the folder that a team would work in."""
    (folder / "evolution").mkdir(parents=True)
    (folder / "handover.toml").write_text(write_systems(folder) + tables.CONFIG + SETTINGS)
    text = tables.EVOLUTION.replace('down = "$1::text"', MAPPED) + tables.MORE
    (folder / "evolution" / f"{EVOLUTION_NAME}.toml").write_text(text)
    return folder


@dataclass
class ToolProcess:
    """One process of ``handover``, and the file that has its words."""

    words: tuple[str, ...]
    process: subprocess.Popen[bytes]
    said: Path

    @classmethod
    def start(cls, folder: Path, database: Database, words: tuple[str, ...]) -> "ToolProcess":
        """Start it."""
        environment = {
            **os.environ,
            "HANDOVER_DATABASE_URL": database.url("owner"),
            "ORIGINAL_URL": database.url("original_app"),
            "BACKEND_URL": database.url("backend_app"),
        }
        said = folder / f"said-{time.monotonic_ns()}.txt"
        program = [sys.executable, "-c", "from handover.cli import app; app()", *words]
        with said.open("wb") as file:
            process = subprocess.Popen(
                program, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
            )
        return cls(words, process, said)

    def ended(self) -> int:
        """Wait for its end; return the exit code."""
        try:
            code = self.process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired as error:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            raise StuckError(f"`handover {' '.join(self.words)}` did not end: {self.tail()}") from error
        if "Traceback (most recent call last)" in self.said.read_text():
            raise StuckError(f"`handover {' '.join(self.words)}` ended with a traceback: {self.tail()}")
        return code

    def succeed(self) -> None:
        """Wait for its end, which must be good."""
        if code := self.ended():
            raise StuckError(f"`handover {' '.join(self.words)}` ended with {code}: {self.tail()}")

    def tail(self) -> str:
        """Return its last words."""
        return " / ".join(self.said.read_text().strip().splitlines()[-4:])


@dataclass(frozen=True)
class PlannedKill:
    """A kill that the dice chose.

    Attributes
    ----------
    point, victim
        Where, and what is killed there.
    zombie
        What a killed tool left in the database goes on holding its locks until the next command ends it.
    """

    point: KillPoint
    victim: str
    zombie: bool = False

    def __str__(self) -> str:
        text = " ".join(self.point.what.split())[:110]
        then = f", while it waits for the {self.point.then}" if self.point.then else ""
        return f"{self.victim} at {self.point.stage}: {text}{then}"


@dataclass
class EvolveWalk:
    """One evolution on a database of its own, from before until it is at rest."""

    night: EvolveNight
    database: Database
    folder: Path
    ledger: TaskLedger = field(default_factory=TaskLedger)
    writers: list[TaskWriter] = field(default_factory=list)
    wrote: set[str] = field(default_factory=set)

    @property
    def _dice(self) -> random.Random:
        return self.night.dice

    def write(self, shape: Any) -> None:
        """Let one more session of a shape write; it gets a share of the tasks that have no writer."""
        owned = {key for writer in self.writers for key in writer.keys}
        free = [key for key in self.ledger.tasks if key not in owned]
        url = self.database.url(shape.role)
        share = free[: max(1, len(free) // 2)]
        writer = TaskWriter(shape, url, self.ledger, share, self._dice.randrange(1 << 30))
        self.writers.append(writer)
        writer.start()

    def stop(self, shape: Any = None) -> None:
        """Stop the writers of a shape, or all."""
        going = [writer for writer in self.writers if shape is None or writer.name == shape.name]
        for writer in going:
            writer.stop()
            self.writers.remove(writer)
            self.wrote |= {writer.name} if writer.wrote else set()

    def state(self) -> tuple[str, bool]:
        """Return the evolution's state by its newest entry, and whether a run is under way."""
        with self.night.server.connect(self.database.name) as connection:
            row = connection.execute(STATE, [f"evolve/{EVOLUTION_NAME}"]).fetchone()
        if row is None:
            return "none", False
        kind, _, through, target = row
        return (str(target), False) if kind == "ended" else (str(through), True)

    def run(self, words: tuple[str, ...], kill: "PlannedKill | None") -> bool:
        """Run a command and kill the victim when it comes to the point; return whether it came to its good end."""
        with held(self.database, kill.point if kill else None) as hold:
            command = self.night.process(self.folder, self.database, *words)
            if hold is None or kill is None or not hold.is_reached(command.process):
                self.night.missed += hold is not None
                return self._ended(command)
            self._kill(command, hold, kill.victim)
            self.night.kills[kill.victim] += 1
            self.night.stages[kill.point.stage] += 1
            self.night.say(f"  killed {kill}")
            zombie = kill.zombie and kill.victim == TOOL and not kill.point.in_journal
            if zombie:
                command = self.night.process(self.folder, self.database, *RESUME)
                hold.until_gone(command.process)
        if zombie:
            return self._ended(command, may_fail=True)
        return self._after_kill(command, kill.victim)

    def _ended(self, command: ToolProcess, *, may_fail: bool = False) -> bool:
        code = command.ended()
        if code and not may_fail:
            raise StuckError(f"`handover {' '.join(command.words)}` ended with {code}: {command.tail()}")
        return code == 0

    def _kill(self, command: ToolProcess, hold: EvolveHold, victim: str) -> None:
        if victim == TOOL:
            command.process.kill()
            command.process.wait()
        elif victim == SESSION:
            kill_process(hold.pid)
            hold.until_cut()
        else:
            pid = self.night.server.pid
            assert pid is not None
            kill_process(pid)

    def _after_kill(self, command: ToolProcess, victim: str) -> bool:
        if victim == TOOL:
            return False
        self.night.restart(victim)
        code = command.ended()
        if code == 0 and self.state()[1]:
            # The last entry is in this machine's copy alone: the next command brings it to the database.
            self.night.process(self.folder, self.database, "evolve", "validate", EVOLUTION_NAME).ended()
        if code == 0 and self.state()[1]:
            raise StuckError(f"`handover {' '.join(command.words)}` ended with 0 in the middle: {command.tail()}")
        return code == 0

    def bring(self, words: tuple[str, ...], kills: list["PlannedKill"], *, turn: bool = False) -> str:
        """Bring a command to its end however often it is killed; ``turn``: go back after the first kill."""
        now, left = words, list(kills)
        while left:
            kill = left.pop(0)
            if self.run(now, kill):
                return self.state()[0]
            state, under_way = self.state()
            now = RESUME if under_way else words
            if turn and under_way and state in ("starting", "switching"):
                self.stop(NEW_BACKEND)
                now, turn = self._dice.choice((BACK, ROLLBACK)), False
                left = some_kills(self.night, ROLLBACK)
        if not self.run(now, None) or self.state()[1]:
            raise StuckError(f"`handover {' '.join(now)}` did not bring it to an end")
        return self.state()[0]


@contextmanager
def walking(night: EvolveNight, number: int) -> Iterator[EvolveWalk]:
    """Give an evolution a copy of the database, with people of the old shape who write."""
    name = f"walk_{number}"
    night.server.create_database(name, template="before")
    folder = workplace(night.place / name)
    # The team's key: its journal is that of the copied database.
    shutil.copytree(night.place / "plan" / ".handover", folder / ".handover")
    walk = EvolveWalk(night, Database(name, night.server), folder)
    with psycopg.connect(walk.database.url("owner")) as connection:
        for key, status, progress, steps in connection.execute(TASKS):
            walk.ledger.tasks[key] = {TaskState(status, progress, steps)}
    try:
        walk.write(ORIGINAL)
        yield walk
    finally:
        walk.stop()
        night.acknowledged += walk.ledger.acknowledged
        night.unanswered += walk.ledger.unanswered
        night.failures += walk.ledger.failures
        night.server.drop_database(name)
        with night.server.connect() as connection:
            connection.execute("ALTER ROLE original_app RESET search_path")  # of all databases, so also of the next


def some_kills(night: EvolveNight, words: tuple[str, ...]) -> list[PlannedKill]:
    """Return a few kills in the parts of a command, in the order of its steps; each stage is as likely as any other."""
    points = points_of(night.plan, PARTS[words], night.rows)
    stages = sorted({point.stage for point in points})
    chosen = []
    for _ in range(night.dice.choice((1, 2, 3, 4))):
        stage = night.dice.choice(stages)
        point = night.dice.choice([one for one in points if one.stage == stage])
        victim = night.dice.choices([TOOL, SESSION, SERVER], [5, 2, 2])[0]
        chosen.append(PlannedKill(point, victim, zombie=night.dice.random() < 0.4))
    return sorted(chosen, key=lambda kill: points.index(kill.point))


def walk_on(walk: EvolveWalk) -> str:
    """Go forward, and back by chance, with kills in every command; return the state at rest."""
    night, dice = walk.night, walk.night.dice
    if (state := walk.bring(START, some_kills(night, START), turn=dice.random() < 0.25)) != "expanded":
        return state
    if dice.random() < 0.2:
        return walk.bring(ROLLBACK, some_kills(night, ROLLBACK))
    walk.write(NEW_BACKEND)
    if (state := walk.bring(SWITCH, some_kills(night, SWITCH), turn=dice.random() < 0.25)) != "switched":
        return state
    if dice.random() < 0.4:
        walk.stop(NEW_BACKEND)
        return walk.bring(ROLLBACK, some_kills(night, ROLLBACK))
    walk.stop(ORIGINAL)
    return walk.bring(CONTRACT, some_kills(night, CONTRACT))


def audited(walk: EvolveWalk) -> Deviations:
    """Let everyone stop, and compare the database with the ledger and the catalog with what it must be."""
    walk.stop()
    state, _ = walk.state()
    expected = walk.night.fresh if state == "contracted" else walk.night.before
    with psycopg.connect(walk.database.url("owner"), autocommit=True) as connection:
        return audit(connection, walk.ledger, catalog(walk.database, walk.folder), expected)
