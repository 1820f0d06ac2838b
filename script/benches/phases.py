"""The matrix of systems and stages of the evolution to Phase 2: who runs, who is refused and why, and the proofs.

Each stage is reached by ``handover evolve`` on a database with rows as production has them. Every two systems that
run there at one time are proved with ``handover prove``, while both run; every other system is started, and must be
refused.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox import house
from sandbox.evolved import STAGES
from sandbox.fixtures import server_for_this_run

sys.path.insert(0, str(house.ROOT))

from tests.phases_of_the_pair import SYSTEMS, Meeting, PhasesOfThePair, Proved, meetings, phases_on, refused

shown = Console(stderr=True)


def main() -> int:
    """Play the matrix; return 1 if a cell is not as it must be."""
    parser = argparse.ArgumentParser(prog="script/bench phases", description=__doc__)
    parser.add_argument("--stage", choices=STAGES, action="append", help="this one only (default: all)")
    arguments = parser.parse_args()
    stages, began = arguments.stage or STAGES, time.perf_counter()
    proved: list[Proved] = []
    told: dict[tuple[str, str], str] = {}
    with phases_of_this_run() as phases:
        for stage in stages:
            shown.print(f"{stage}: going there", markup=False)
            with phases.at(stage) as database:
                for meeting in (one for one in meetings() if one.stage == stage):
                    shown.print(f"{meeting}: {', '.join(meeting.groups)}", markup=False)
                    proved.append(phases.proved(meeting, database))
                    for line in proved[-1].red:
                        shown.print(f"  {line}", markup=False, soft_wrap=True)
                for at, system in refused():
                    if at == stage:
                        told[stage, system] = phases.refusal(system, database)
    cells = [cell(stage, system, proved, told) for stage in stages for system in SYSTEMS]
    show(cells)
    count = {
        f"cells_{verdict}": sum(one["verdict"] == verdict for one in cells) for verdict in ("green", "refused", "red")
    }
    print(json.dumps({**count, "seconds": round(time.perf_counter() - began, 1), "cells": cells}))
    return 1 if count["cells_red"] else 0


@contextmanager
def phases_of_this_run() -> Iterator[PhasesOfThePair]:
    """Give a server and files that are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-phases-") as folder, server_for_this_run() as server:
        house.build_original(server, "original")
        house.build_adopted(server, "adopted", "original")
        with phases_on(server, "adopted", Path(folder)) as phases:
            yield phases


def cell(stage: str, system: str, proved: list[Proved], told: dict[tuple[str, str], str]) -> dict[str, Any]:
    """Return one cell: what it must be, what was proved of it or said by it, and the verdict."""
    if (stage, system) in told:
        reason = told[stage, system]
        return {"stage": stage, "system": system, "allowed": False, "reason": reason} | {
            "verdict": "refused" if reason else "red"
        }
    own = [one for one in proved if one.meeting.stage == stage and system in (one.meeting.first, one.meeting.second)]
    return {
        "stage": stage,
        "system": system,
        "allowed": True,
        "verdict": "green" if own and all(one.green for one in own) else "red",
        "proofs": {other(one.meeting, system): facts(one) for one in own},
    }


def other(meeting: Meeting, system: str) -> str:
    """Return the system that another one meets."""
    if meeting.first == meeting.second:
        return "another of it"
    return meeting.second if system == meeting.first else meeting.first


def facts(one: Proved) -> dict[str, Any]:
    """Return what was proved of a meeting, and what was red."""
    counts = {name: one.count(name) for name in ("rows", "operations", "search_queries", "files", "logins", "journeys")}
    return {"groups": list(one.groups), **counts, "red": one.red}


def show(cells: list[dict[str, Any]]) -> None:
    """Show the matrix to people."""
    table = Table(title="phases of the schema", title_justify="left")
    for heading in ("stage", "system", "verdict", "proofs, or the reason"):
        table.add_column(heading)
    for one in cells:
        table.add_row(one["stage"], one["system"], one["verdict"], escape("\n".join(lines(one))))
    shown.print(table)


def lines(one: dict[str, Any]) -> Iterator[str]:
    """Yield what is told of a cell."""
    if not one["allowed"]:
        yield one["reason"] or "it is not refused"
        return
    for name, known in one["proofs"].items():
        counted = ", ".join(
            f"{number:,} {what.replace('_', ' ')}"
            for what, number in known.items()
            if isinstance(number, int) and number
        )
        yield f"with {name}: {len(known['groups'])} groups, {counted}"
        yield from known["red"]


if __name__ == "__main__":
    sys.exit(main())
