"""Which system runs at which stage of the evolution to Phase 2, and what shows it.

A system that runs is proved by ``handover prove``: with each other system that runs at that stage, on one database,
both running. Where both have the shape of one phase, that is every group. Two systems of different shapes have
different words in the same columns; they share files, search, accounts and sessions, and each shows what people do on
the other. A system that must not run is started, and its own words say why it does not.
"""

import json
import os
import secrets
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import tomli_w

from handover.proof.groups import GROUPS
from sandbox import evolved, house
from sandbox.evolved import NAMED, STAGES
from sandbox.ports import free_port
from sandbox.postgres import Database, Server
from sandbox.search import SearchServer
from sandbox.shell import LinesFailedError, shell_of
from sandbox.systems import Place, Systems, running
from tests import moves_of_the_pair

ORIGINAL, FIRST, SECOND = "original", "phase 1", "phase 2"
SYSTEMS = (ORIGINAL, FIRST, SECOND)
ROLES = {ORIGINAL: "original_app", FIRST: "backend_app", SECOND: "backend_app"}
EVERY = tuple(group.name for group in GROUPS)
# Between two shapes: all but what compares the columns of shared tables.
ACROSS = tuple(name for name in EVERY if name not in ("read-across", "concurrent-writes"))
RUNS = {
    "before": (ORIGINAL, FIRST),
    "expanded": SYSTEMS,
    "switched": SYSTEMS,
    "rolled back": (ORIGINAL, FIRST),
    "contracted": (SECOND,),
}
# What a system that must not run is asked to do; the original looks at nothing before it works.
CONNECT = "from django.db import connection; connection.ensure_connection()"
TASKS = "from choreography.models import ChoreographyTask as Task; "
ASKED = {
    ORIGINAL: {
        "read": f"{TASKS}list(Task.objects.all())",
        "write": f"{TASKS}Task.objects.create(task_id='one of before', user_id=1)",
        "change": f"{TASKS}Task.objects.update(status='failed')",
        "delete": f"{TASKS}Task.objects.all().delete()",
    },
    FIRST: {"connect": CONNECT},
    SECOND: {"connect": CONNECT},
}
USERS = 6
TOLD = """
    SELECT DISTINCT 'phase ' || substr(application_name, length('backend-phase') + 1, 1) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE 'backend-phase%'
"""


@dataclass(frozen=True)
class Meeting:
    """Two systems that run at a stage; ``first`` takes the original's place in ``handover.toml``."""

    stage: str
    first: str
    second: str

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of proofs that can compare them."""
        return EVERY if SECOND not in (self.first, self.second) or self.first == self.second else ACROSS

    def __str__(self) -> str:
        return f"{self.stage}: {self.first} and {self.second}"


def meetings() -> Iterator[Meeting]:
    """Yield every pair of systems that run at one time; of Phase 2 alone, two servers."""
    for stage in STAGES:
        if {ORIGINAL, FIRST} <= set(RUNS[stage]):
            yield Meeting(stage, ORIGINAL, FIRST)
        if SECOND in RUNS[stage]:
            yield Meeting(stage, SECOND, SECOND)
            yield from (Meeting(stage, one, SECOND) for one in (ORIGINAL, FIRST) if one in RUNS[stage])


def refused() -> Iterator[tuple[str, str]]:
    """Yield each stage with a system that must not run on it."""
    yield from ((stage, system) for stage in STAGES for system in SYSTEMS if system not in RUNS[stage])


@dataclass(frozen=True)
class Proved:
    """What ``handover prove`` said of a meeting: its exit code, and each outcome by its name.

    ``phases`` are those that sessions of backends told meanwhile.
    """

    meeting: Meeting
    code: int
    groups: Mapping[str, Any] = field(default_factory=dict)
    phases: frozenset[str] = frozenset()

    @property
    def green(self) -> bool:
        """Whether it ended well, every group is green, and backends of these phases ran."""
        whole = self.code == 0 and bool(self.groups) and all(group["green"] for group in self.groups.values())
        return whole and self.phases == {self.meeting.first, self.meeting.second} - {ORIGINAL}

    @property
    def red(self) -> list[str]:
        """Return what is not green, one line each."""
        lines = [
            f"{name}: {what}"
            for name, group in self.groups.items()
            if not group["green"]
            for what in (
                group["error"],
                *(f"nothing compared: {empty}" for empty in group["empty"]),
                *(f"{one['code']} {one['where']} {one['found']}" for one in group["failures"]),
            )
            if what
        ]
        ran = ", ".join(sorted(self.phases)) or "none"
        return lines or ([] if self.green else [f"handover prove ended with {self.code}; backends that ran: {ran}"])

    def count(self, name: str) -> int:
        """Return the sum of a count over all groups."""
        return sum(int(group["counts"].get(name, 0)) for group in self.groups.values())


@dataclass(frozen=True)
class PhasesOfThePair:
    """Databases at each stage, on one server, with one folder of media, one index and one library.

    Attributes
    ----------
    server, adopted
        The server, and the template of the database that the backend was taken into.
    place
        Where the systems have their files.
    index_url, moves
        The search index, and the folder with the clips that it names.
    folder
        Where files of this run may lie.
    """

    server: Server
    adopted: str
    place: Place
    index_url: str
    moves: Path
    folder: Path

    @cached_property
    def seeded(self) -> str:
        """The name of a database with rows as production has them, written by the original."""
        name = f"seeded_{secrets.token_hex(4)}"
        self.server.create_database(name, template=self.adopted)
        command = [sys.executable, "manage.py", "seed_production", "--append", "--users", str(USERS), "--seed", "7"]
        environment = self.place.environment(self.server.url("original_app", name))
        subprocess.run(command, cwd=house.ROOT / "original", env=environment, check=True, stdout=subprocess.DEVNULL)
        return name

    @contextmanager
    def at(self, stage: str) -> Iterator[Database]:
        """Give a database at a stage, brought there by ``handover evolve``."""
        name = f"{stage.replace(' ', '_')}_{secrets.token_hex(4)}"
        self.server.create_database(name, template=self.seeded)
        try:
            evolved.evolve(self.server, name, stage)
            yield Database(name, self.server)
        finally:
            self.server.drop_database(name)

    def proved(self, meeting: Meeting, database: Database) -> Proved:
        """Let two systems run on a database, and prove them."""
        with running(
            database,
            self.place,
            port=free_port(),
            original_port=free_port(),
            phase=phase_of(meeting.second),
            instead=phase_of(meeting.first),
        ) as both:
            groups = [word for name in meeting.groups for word in ("--group", name)]
            command = [str(house.PROGRAMS / "handover"), "prove", "--json", *groups]
            done = subprocess.run(
                command,
                cwd=self._declared(meeting),
                env=self._environment(meeting, both),
                stdout=subprocess.PIPE,
                check=False,
            )
            with self.server.connect(database.name) as session:
                phases = frozenset(name for (name,) in session.execute(TOLD))
        return Proved(meeting, done.returncode, json.loads(done.stdout)["groups"] if done.stdout else {}, phases)

    def refusal(self, system: str, database: Database) -> str:
        """Return a system's own words when it is let loose on a database that it must not run on; empty: it ran."""
        folder = "original" if system == ORIGINAL else "backend"
        url, told = database.url(ROLES[system]), []
        with shell_of(folder, media=self.place.media, SCHEMA_PHASE=phase_of(system) or "1") as shell:
            for code in ASKED[system].values():
                try:
                    shell.run(url, code, media=self.place.media)
                except LinesFailedError as error:
                    told.append(str(error).strip().splitlines()[-1].partition(": ")[2])
                else:
                    return ""
        return told[0]

    def _declared(self, meeting: Meeting) -> Path:
        """Return a folder with a ``handover.toml`` of the two systems."""
        folder = self.folder / secrets.token_hex(4)
        folder.mkdir()
        for part in NAMED:
            (folder / part).symlink_to(house.ROOT / part)
        declared = tomllib.loads((house.ROOT / "handover.toml").read_text())
        (folder / "handover.toml").write_text(tomli_w.dumps(declaration(declared, meeting)))
        return folder

    def _environment(self, meeting: Meeting, both: Systems) -> dict[str, str]:
        return (
            os.environ
            | house.handover_environment(self.server, both.database.name)
            | both.environment("backend_app")
            | {
                "ORIGINAL_DATABASE_URL": both.database.url(ROLES[meeting.first]),
                "HANDOVER_ORIGINAL_URL": both.original_url,
                "HANDOVER_BACKEND_URL": both.backend_url,
                "ELASTICSEARCH_URL": self.index_url,
                "MOVES_LIBRARY": str(self.moves),
            }
        )


@contextmanager
def phases_on(server: Server, adopted: str, folder: Path) -> Iterator[PhasesOfThePair]:
    """Give the matrix a song, a search index and clips; ``adopted`` is the template of the backend's database."""
    place, moves, runs = Place(folder / "house", house.moves_library()), folder / "moves", folder / "runs"
    for one in (place.media / "songs", moves, runs):
        one.mkdir(parents=True)
    place.put_song("Noche.mp3", house.demo_song().read_bytes())
    with SearchServer() as index:
        moves_of_the_pair.put(index.url, moves)
        yield PhasesOfThePair(server, adopted, place, index.url, moves, runs)


def phase_of(system: str) -> str:
    """Return the SCHEMA_PHASE of a backend; empty for the original."""
    return "" if system == ORIGINAL else system.removeprefix("phase ")


def declaration(declared: dict[str, Any], meeting: Meeting) -> dict[str, Any]:
    """Return what ``handover.toml`` declares, for two systems that meet."""
    declared["backend"]["environment"] = {"SCHEMA_PHASE": phase_of(meeting.second)}
    if meeting.first == ORIGINAL:
        return declared
    known = ("path", "python", "settings")
    own = {name: declared["backend"][name] for name in known}
    environment = {**declared["original"]["environment"], "SCHEMA_PHASE": phase_of(meeting.first)}
    declared["original"] = {**declared["original"], **own, "environment": environment}
    for model in declared["models"]:
        model["original"] = model["backend"]
        model.pop("new_fields", None)
    prove = declared["prove"]
    prove["login"]["original"] = prove["login"]["backend"]
    prove["concurrent"]["original"] = prove["concurrent"]["backend"]
    del prove["concurrent"]["retries"]
    declared["search"]["original"] = declared["search"]["backend"]
    # The backend answers some of the original's addresses by leading to its own pages.
    for step in (step for flow in declared["flows"] for step in flow["steps"] if step.get("path") == "/auth/profile/"):
        step["follow"] = True
    return declared
