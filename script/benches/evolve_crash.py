"""Kills ``handover evolve`` and PostgreSQL at seeded points while people of both shapes write; then looks what is lost.

The kills strike where the real process waits: before and after each statement, in the middle of CREATE INDEX
CONCURRENTLY, at the lock of VALIDATE CONSTRAINT, in a batch of the backfill, before the commit of a step, and at the
journal. Afterwards the evolution goes on, or back; every acknowledged row must be there in both shapes, and the catalog
must equal that of before, or that of a fresh new shape. A seed that fails is run again with `--seed`.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox import house
from sandbox.fixtures import roomy_place
from sandbox.ports import free_port
from sandbox.postgres import Server

sys.path.insert(0, str(house.ROOT))

from tests.evolving.inserts import backfill_under_inserts
from tests.evolving.night import DEADLOCK_TIMEOUT, EvolveNight, StuckError, audited, walk_on, walking

TARGETS = {"kills": "≥ 100", "lost": "0", "wrong": "0", "left": "0", "unexplained": "0", "stuck": "0", "failed": "0"}
# A process that is killed loses nothing that was written; only a machine without power would need fsync.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "restart_after_crash": "on", **DEADLOCK_TIMEOUT}
shown = Console(stderr=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench evolve-crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="at least so many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="other kills (default %(default)s)")
    parser.add_argument("--rows", type=int, default=3000, help="of each table (default %(default)s)")
    parser.add_argument("--inserts", type=int, default=2000, help="a second, under a backfill (default %(default)s)")
    arguments = parser.parse_args()
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave nothing behind, however this ends
    with tempfile.TemporaryDirectory(prefix="bench-evolve-crash-", dir=roomy_place()) as place:
        Path(place).chmod(0o711)
        with Server(Path(place) / "postgres", port=free_port(), settings=SETTINGS) as server:
            dice = random.Random(arguments.seed)  # noqa: S311 - a seed makes the same kills again
            night = EvolveNight(server, Path(place), dice, arguments.rows, say)
            night.prepare()
            play(night, arguments.kills)
            figures = figures_of(night)
            if arguments.inserts:
                figures |= backfill_under_inserts(night, arguments.inserts)
    figures |= {"seed": arguments.seed, "rows": arguments.rows, "seconds": round(time.monotonic() - began, 1)}
    for line in (*night.deviations.lines(), *night.stuck, *night.failures[:20]):
        shown.print(line, markup=False, soft_wrap=True)
    report(figures)
    wrong = ("lost", "wrong", "left", "unexplained", "stuck", "failed")
    return 1 if any(figures[name] for name in wrong) else 0


def play(night: EvolveNight, kills: int) -> None:
    """Let evolutions walk until there were enough kills."""
    number = 0
    while night.killed < kills:
        number += 1
        with walking(night, number) as walk:
            try:
                state = walk_on(walk)
            except (StuckError, TimeoutError) as error:
                night.stuck.append(f"walk {number}: {error}")
                say(night.stuck[-1])
                continue
            found = audited(walk)
        night.ends[state] += 1
        for kind, lines in vars(found).items():
            getattr(night.deviations, kind).extend(f"walk {number}: {line}" for line in lines)
        amiss = len(found.lines())
        say(f"walk {number}: {state}, {night.killed} kills so far, {night.acknowledged} acknowledged, {amiss} amiss")


def figures_of(night: EvolveNight) -> dict[str, object]:
    """Return what the report shows."""
    return {
        "kills": night.killed,
        **{name: len(lines) for name, lines in vars(night.deviations).items()},
        "stuck": len(night.stuck),
        "failed": len(night.failures),
        "acknowledged": night.acknowledged,
        "unanswered": night.unanswered,
        "missed_points": night.missed,
        "killed": dict(night.kills.most_common()),
        "stages": dict(sorted(night.stages.items())),
        "ends": dict(night.ends.most_common()),
    }


def say(text: str) -> None:
    shown.print(text, markup=False, soft_wrap=True)


def report(figures: dict[str, object]) -> None:
    """Print a table for people and one JSON object."""
    table = Table(title="evolutions that are killed", title_justify="left")
    for heading in ("", "figure", "to reach"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, figure in figures.items():
        rows = figure.items() if isinstance(figure, dict) else [("", figure)]
        for part, number in rows:
            table.add_row(f"{name} {part}".strip(), str(number), TARGETS.get(name, ""))
    shown.print(table)
    print(json.dumps(figures))


if __name__ == "__main__":
    sys.exit(main())
