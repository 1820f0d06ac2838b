"""``handover evolve`` under load: ids become uuids and states get new names, on a large table and its child.

Both systems write at a declared rate while the evolution is started, switched, rolled back, started and switched again,
and contracted. Every failed query counts, and every wait. The same change in place is measured on a copy, and so is
pgroll where it is on the path.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console
from rich.table import Table

from handover.config.evolve import EVOLVE_GATES
from sandbox import house
from sandbox.fixtures import roomy_place
from sandbox.postgres import Database, Server

sys.path.insert(0, str(house.ROOT))

from tests.evolving import tables
from tests.evolving.clients import BACKEND, NEW_BACKEND, ORIGINAL, ClientRecord, Clients, Shape
from tests.evolving.fill_watch import FillWatch
from tests.evolving.lock_watch import LockWatch
from tests.evolving.systems import write_systems

TARGETS = {
    "backfill_rows_per_s": "≥ 20,000",
    "backfill_last_to_first": "≥ 0.9",
    "longest_lock_ms": "≤ 25",
    "failed_queries": "0",
    "worst_client_ms": "≤ 120",
}
# Durable; with the memory that a server of this size gets, in huge pages as on a server for databases: otherwise each
# new session meets every page of it for the first time, which costs clients more than their queries.
SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB", "checkpoint_timeout": "5min"}
HUGE_PAGES, HUGE_PAGES_NEEDED = Path("/proc/sys/vm/nr_hugepages"), 600  # of 2 MB
EVOLUTION = "0001_uuids"
CHANGED = ["choreography_tasks", "task_steps"]
SETTLE_S = 3.0  # clients act on each side of a switch
shown = Console(stderr=True)


@dataclass
class Stage:
    """One command under load: how long it took, and what clients met meanwhile."""

    name: str
    seconds: float
    records: list[ClientRecord]

    @property
    def worst_ms(self) -> float:
        """The longest wait of a client."""
        return max((record.worst_ms for record in self.records), default=0.0)

    @property
    def failures(self) -> list[str]:
        """Every failed query."""
        return [f"{record.name}: {failure}" for record in self.records for failure in record.failures]

    @property
    def statements(self) -> int:
        """How many statements clients sent."""
        return sum(record.statements for record in self.records)


@dataclass
class Bench:
    """The database, the folder with ``handover.toml``, and the rate of each system."""

    database: Database
    folder: Path
    per_s: float
    stages: list[Stage] = field(default_factory=list)

    def handover(self, *arguments: str, may_end_with: Sequence[int] = (0,)) -> None:
        """Run ``handover`` as a team would type it; its progress is shown."""
        command = [str(house.PROGRAMS / "handover"), *arguments]
        environment = {
            **os.environ,
            "HANDOVER_DATABASE_URL": self.database.url("owner"),
            "ORIGINAL_URL": self.database.url("original_app"),
            "BACKEND_URL": self.database.url("backend_app"),
        }
        done = subprocess.run(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr)  # noqa: PLW1510
        if done.returncode not in may_end_with:
            raise SystemExit(f"handover {' '.join(arguments)} ended with {done.returncode}")

    @contextmanager
    def stage(self, name: str, *shapes: Shape) -> Iterator[None]:
        """Let clients of these shapes act while the block runs, and for some seconds around it."""
        clients = Clients()
        with ExitStack() as acting:
            for shape in shapes:
                acting.enter_context(clients.acting(shape, self.database.url(shape.role), per_s=self.per_s))
            time.sleep(SETTLE_S)
            began = time.monotonic()
            yield
            seconds = time.monotonic() - began
            time.sleep(SETTLE_S)
        stage = Stage(name, seconds, clients.records)
        self.stages.append(stage)
        met = f"{stage.statements} statements, {len(stage.failures)} failed, worst {stage.worst_ms:.0f} ms"
        shown.print(f"{name}: {seconds:.1f} s, {met}")
        for failure in stage.failures[:5]:
            shown.print(f"  {failure}", markup=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench evolve", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each of the two tables (default %(default)s)")
    parser.add_argument("--rate", type=float, default=40, help="requests a second of each system (default %(default)s)")
    arguments = parser.parse_args()
    began = time.monotonic()
    with huge_pages(), tempfile.TemporaryDirectory(prefix="bench-evolve-", dir=roomy_place()) as place:
        Path(place).chmod(0o711)
        with Server(Path(place) / "postgres", settings=SETTINGS) as server:
            figures = measured(server, Path(place), arguments.rows, arguments.rate)
    report(figures | {"total_s": round(time.monotonic() - began, 1)})
    return 1 if figures["failed_queries"] else 0


@contextmanager
def huge_pages() -> Iterator[None]:
    """Set huge pages aside while the block runs, where this user may; PostgreSQL takes them by itself."""
    before = int(HUGE_PAGES.read_text()) if os.access(HUGE_PAGES, os.W_OK) else None
    if before is None or before >= HUGE_PAGES_NEEDED:
        yield
        return
    HUGE_PAGES.write_text(str(HUGE_PAGES_NEEDED))
    try:
        yield
    finally:
        HUGE_PAGES.write_text(str(before))


def measured(server: Server, place: Path, rows: int, per_s: float) -> dict[str, Any]:
    """Build the tables, and measure evolve, the change in place, and pgroll."""
    bench = Bench(prepared(server, "evolving", rows), workplace(place), per_s)
    for copy in ("in_place", "rival"):
        server.create_database(copy, template="evolving")
    bench.handover("init-journal", "--apply")
    url = server.url("postgres", "evolving")
    with LockWatch(url, CHANGED) as locks, FillWatch(url) as fills:
        evolve(bench)
    for lock in sorted(locks.seen, key=lambda one: -one.ms)[:5]:
        shown.print(f"  lock {lock.mode} on {lock.table}: {lock.ms:.1f} ms")
    with server.connect() as connection:
        row = connection.execute("SHOW huge_pages_status").fetchone()
    return {
        "rows": rows,
        "huge_pages": str(row and row[0]),
        **fills.figures(),
        "longest_lock_ms": round(max((lock.ms for lock in locks.seen), default=0.0), 1),
        **stage_figures(bench.stages),
        **step_figures(url),
        "inplace_stall_ms": in_place(Database("in_place", server), per_s),
        **pgroll(Database("rival", server), place, per_s),
    }


def prepared(server: Server, name: str, rows: int) -> Database:
    """Make the role of the backend, which adoption makes elsewhere, and the tables."""
    server.create_database(name)
    database = Database(name, server)
    password = conninfo_to_dict(database.url("backend_app"))["password"]
    with server.connect() as connection:
        connection.execute(f"CREATE ROLE backend_app LOGIN PASSWORD '{password}'".encode())
        connection.execute(b"GRANT original_app, backend_app TO owner WITH ADMIN OPTION")
    with psycopg.connect(database.url("owner"), autocommit=True) as connection:
        tables.build(connection, rows)
    with server.connect() as connection:
        connection.execute(b"CHECKPOINT")
    return database


def workplace(place: Path) -> Path:
    """Return the folder that a team would work in."""
    folder = place / "work"
    (folder / "evolution").mkdir(parents=True)
    (folder / "handover.toml").write_text(write_systems(folder) + tables.CONFIG)
    (folder / "evolution" / f"{EVOLUTION}.toml").write_text(tables.EVOLUTION)
    return folder


def evolve(bench: Bench) -> None:
    """Go all the way, and back once in between."""
    opened = [word for gate in EVOLVE_GATES for word in ("--override", gate)] + ["--because", "a bench"]
    with bench.stage("start", ORIGINAL, BACKEND):
        bench.handover("evolve", "start", EVOLUTION, "--apply", *opened)
    with bench.stage("switch", ORIGINAL, NEW_BACKEND):
        bench.handover("evolve", "switch", EVOLUTION, "--apply")
    with bench.stage("rollback, both write", ORIGINAL, NEW_BACKEND):
        # The columns go back at once; what start made stays while new clients are connected.
        bench.handover("evolve", "rollback", EVOLUTION, "--apply", "--because", "a bench", may_end_with=(3,))
    with bench.stage("rollback, the rest", ORIGINAL, BACKEND):
        bench.handover("resume")
    with bench.stage("start again", ORIGINAL, BACKEND):
        bench.handover("evolve", "start", EVOLUTION, "--apply", *opened)
    with bench.stage("switch again", ORIGINAL, NEW_BACKEND):
        bench.handover("evolve", "switch", EVOLUTION, "--apply")
    with bench.stage("contract", NEW_BACKEND):
        bench.handover("evolve", "contract", EVOLUTION, "--apply", "--confirm", EVOLUTION)


def stage_figures(stages: list[Stage]) -> dict[str, Any]:
    """Return what clients met in all, and in each stage."""
    worst = max(stages, key=lambda stage: stage.worst_ms)
    return {
        "failed_queries": sum(len(stage.failures) for stage in stages),
        "worst_client_ms": round(worst.worst_ms, 1),
        "worst_client_at": worst.name,
        "client_statements": sum(stage.statements for stage in stages),
        "stages": {
            stage.name: {"s": round(stage.seconds, 1), "worst_client_ms": round(stage.worst_ms, 1)} for stage in stages
        },
    }


def step_figures(url: str) -> dict[str, float]:
    """Return how long the switch and the way back held their locks, as the journal says."""
    query = """
        SELECT body ->> 'action', (body -> 'evidence' ->> 'locked_ms')::float FROM handover.journal
        WHERE body -> 'evidence' ? 'locked_ms'
    """
    with psycopg.connect(url) as connection:
        found = connection.execute(query).fetchall()
    longest = [max(ms for name, ms in found if name.startswith(f"{part}: ")) for part in ("switch", "back")]
    return {"switch_ms": round(longest[0], 1), "rollback_ms": round(longest[1], 1)}


def in_place(database: Database, per_s: float) -> float:
    """Return for how long clients stand still while the same change is made in place; their failures do not count."""
    clients = Clients()
    with (
        psycopg.connect(database.url("owner")) as connection,
        clients.acting(ORIGINAL, database.url("original_app"), per_s=per_s),
    ):
        time.sleep(SETTLE_S)
        connection.execute(tables.IN_PLACE.encode())
        connection.commit()
    return round(max(record.worst_ms for record in clients.records), 1)


def pgroll(database: Database, place: Path, per_s: float) -> dict[str, Any]:
    """Return what pgroll does with the same key change under the same load; nothing when it is not on the path."""
    if not (program := shutil.which("pgroll")):
        shown.print("pgroll is not on the path: not measured")
        return {}
    file = place / "01_uuids.json"
    file.write_text(json.dumps(tables.PGROLL))
    url = f"{database.url('postgres')}?sslmode=disable"  # it makes event triggers
    clients, began, said = Clients(), time.monotonic(), "done"
    with clients.acting(ORIGINAL, database.url("original_app"), per_s=per_s):
        for arguments in (["init"], ["start", str(file)], ["complete"]):
            command = [program, "--postgres-url", url, *arguments]
            done = subprocess.run(command, capture_output=True, text=True, cwd=place)  # noqa: PLW1510 - the words tell
            if done.returncode:
                said = f"{arguments[0]} failed: {(done.stderr or done.stdout).strip()[-200:]}"
                break
    return {
        "pgroll_outcome": said,
        "pgroll_s": round(time.monotonic() - began, 1),
        "pgroll_failed_queries": sum(len(record.failures) for record in clients.records),
        "pgroll_worst_client_ms": round(max(record.worst_ms for record in clients.records), 1),
    }


def report(figures: dict[str, Any]) -> None:
    """Print a table for people and one JSON object."""
    table = Table(title="handover evolve", title_justify="left")
    for heading in ("", "figure", "to reach"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, figure in figures.items():
        if not isinstance(figure, dict):
            table.add_row(name, str(figure), TARGETS.get(name, ""))
    shown.print(table)
    print(json.dumps(figures))


if __name__ == "__main__":
    sys.exit(main())
