"""Which indexes of choreography_tasks the backend's queries use, before Phase 2 and after it, and what each is worth.

Every query is taken from a real event: a request of the page or of the API, a sweep, a job that is taken. It is
explained on the same rows in both shapes, and once more without each index: an index whose absence costs no event
anything does not pay. `pages` are the blocks of 8 kB that all statements of an event read.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table

from sandbox import evolved, house
from sandbox.fixtures import server_for_this_run
from sandbox.postgres import Server

SONG = "short.mp3"
DRIVER = Path(__file__).parent / "of_indexes" / "queries_of_tasks.py"
# Most tasks are over; some run, some wait. One user has as many as a page-turner may have.
FILL = """
INSERT INTO users (username, email, password, first_name, last_name, display_name, preferences, is_active, is_staff,
                   is_superuser, is_instructor, date_joined)
    SELECT CASE n WHEN 1 THEN 'ana' WHEN 2 THEN 'leaves' ELSE 'user' || n END, n || '@example.com', '!', '', '', '',
           '{{}}', true, false, false, false, now()
    FROM generate_series(1, {users}) n;
INSERT INTO choreography_tasks
    (task_id, user_id, status, progress, stage, message, result, error, created_at, updated_at)
    SELECT gen_random_uuid()::text, first.id + CASE WHEN n % 500 = 0 THEN 0 ELSE n % {users} END,
           CASE WHEN n > {rows} - 2 THEN 'running' WHEN n > {rows} - 6 THEN 'started'
                WHEN n % 20 = 0 THEN 'failed' ELSE 'completed' END,
           100, 'completed', 'Choreography generated successfully!',
           jsonb_build_object('video_path', 'output/user_1/' || n || '.mp4', 'sequence_duration', 61.5), NULL,
           now() - ({rows} - n) * interval '30 seconds', now()
    FROM generate_series(1, {rows}) n, (SELECT min(id) AS id FROM users) first;
"""
# What each shape costs a writer: rows that come, go through their states, and leave.
WRITES = """
INSERT INTO {table} (task_id, user_id, status, progress, stage, message, created_at, updated_at)
    SELECT md5('written' || n)::uuid::{type}, (SELECT min(id) FROM users), '{waiting}', 0, 'initializing', '',
           now(), now()
    FROM generate_series(1, {number}) n;
UPDATE {table} SET status = '{working}', progress = 10, updated_at = now() WHERE status = '{waiting}';
UPDATE {table} SET status = 'completed', progress = 100, updated_at = now() WHERE status = '{working}';
"""
SHAPES = {
    1: {"type": "varchar", "waiting": "started", "working": "running"},
    2: {"type": "uuid", "waiting": "pending", "working": "processing"},
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench indexes", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="tasks (default %(default)s)")
    parser.add_argument("--plans", action="store_true", help="print every statement with its plan's indexes")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server_for_this_run() as server:
        fill(server, arguments.rows)
        shapes = {phase: measure(server, Path(folder), phase) for phase in SHAPES}
    if arguments.plans:
        show_plans(shapes)
    figures = figures_of(shapes, arguments.rows)
    show(figures)
    print(json.dumps(figures))


def fill(server: Server, rows: int) -> None:
    """Make a database in each shape, with the same rows."""
    house.build_original(server, "original")
    house.build_adopted(server, "phase1", "original")
    say(f"writing {rows} tasks")
    with psycopg.connect(server.url("owner", "phase1")) as session:
        session.execute(FILL.format(rows=rows, users=max(2, rows // 500)).encode())
    tidy(server, "phase1")
    server.create_database("phase2", template="phase1")
    say("the same rows in the shape of Phase 2")
    evolved.evolve(server, "phase2", "contracted")
    tidy(server, "phase2")


def tidy(server: Server, name: str) -> None:
    """Leave no dead rows: they would count as pages that are read."""
    with server.connect(name) as session:
        session.execute("VACUUM FULL ANALYZE choreography_tasks")
        session.execute("VACUUM ANALYZE choreography_tasks")


def measure(server: Server, folder: Path, phase: int) -> dict[str, Any]:
    """Return what the events cost in one shape, and what writing costs."""
    say(f"the events in Phase {phase}")
    media = folder / "media"
    (media / "songs").mkdir(parents=True, exist_ok=True)
    (media / "songs" / SONG).write_bytes(house.demo_song().read_bytes())
    url = server.url("postgres", f"phase{phase}")  # an index can be dropped by the table's owner, or a superuser
    env = house.system_environment(database_url=url, media=media, secret_key="unused")  # noqa: S106
    env |= {"SCHEMA_PHASE": str(phase), "BENCH_SONG": SONG, "DEBUG": "off"}
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", DRIVER.read_text()]
    done = subprocess.run(command, cwd=house.ROOT / "backend", env=env, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found | {"writes_per_s": writes_per_s(server, phase)}


def writes_per_s(server: Server, phase: int, number: int = 20_000) -> float:
    """Return how many rows a second come and go through two states."""
    statements = WRITES.format(table="choreography_tasks", number=number, **SHAPES[phase])
    with psycopg.connect(server.url("owner", f"phase{phase}")) as session:
        began = time.perf_counter()
        session.execute(statements.encode())
        took_s = time.perf_counter() - began
        session.rollback()
    return number / took_s


def figures_of(shapes: dict[int, dict[str, Any]], rows: int) -> dict[str, Any]:
    """Sum up: each event before and after, and what the absence of each index costs."""
    before, after = shapes[1], shapes[2]
    return {
        "rows": rows,
        "indexes_before": len(before["bytes"]),
        "indexes_after": len(after["bytes"]),
        "megabytes_before": round(sum(before["bytes"].values()) / 2**20, 1),
        "megabytes_after": round(sum(after["bytes"].values()) / 2**20, 1),
        "writes_per_s_before": round(before["writes_per_s"]),
        "writes_per_s_after": round(after["writes_per_s"]),
        "events": {
            name: {"before": cost(before["all"][name]), "after": cost(after["all"][name])} for name in before["all"]
        },
        "worth_before": {name: worth(before, name) for name in before["without"]},
        "worth_after": {name: worth(after, name) for name in after["without"]},
    }


def cost(plans: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the statements of one event cost together."""
    by = sorted({name for plan in plans for name in plan["by"]})
    return {"ms": round(sum(p["ms"] for p in plans), 2), "pages": sum(p["pages"] for p in plans), "by": by}


def worth(shape: dict[str, Any], index: str) -> dict[str, float]:
    """Return the events that read at least a tenth and 8 pages more without an index: how many times as many."""
    more = {}
    for name, plans in shape["without"][index].items():
        with_it, without = cost(shape["all"][name])["pages"], cost(plans)["pages"]
        if without > with_it * 1.1 + 8:
            more[name] = round(without / max(with_it, 1), 1)
    return more


def show(figures: dict[str, Any]) -> None:
    """Show the figures to people."""
    out = Console(stderr=True)
    out.print({name: value for name, value in figures.items() if not isinstance(value, dict)})
    events = Table("event", "ms before", "after", "pages before", "after", "by", title="events", title_justify="left")
    for name, each in figures["events"].items():
        one, two = each["before"], each["after"]
        texts = (one["ms"], two["ms"], one["pages"], two["pages"], "\n".join(two["by"]))
        events.add_row(name, *map(str, texts))
    out.print(events)
    for shape in ("before", "after"):
        indexes = Table("index", "without it, times as many pages", title=f"indexes {shape}", title_justify="left")
        for name, more in figures[f"worth_{shape}"].items():
            indexes.add_row(name, ", ".join(f"{event}: {times}" for event, times in more.items()) or "nothing")
        out.print(indexes)


def show_plans(shapes: dict[int, dict[str, Any]]) -> None:
    """Print every statement of every event, with the indexes that its plan uses."""
    for phase, shape in shapes.items():
        for name, plans in shape["all"].items():
            for plan in plans:
                line = f"Phase {phase}, {name}: {plan['ms']:.2f} ms, {plan['pages']} pages, {', '.join(plan['by'])}"
                print(f"{line}\n    {plan['sql']}", file=sys.stderr)


def say(text: str) -> None:
    """Tell people how far it is."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
