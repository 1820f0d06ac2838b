"""Both systems of this repository write to the same rows at once, on a durable server, while things break.

Figures of ``handover prove``'s group 3 on a copy of the adopted database: operations, how many met another on their
row, anomalies, and how many faults were met; then the same check on a synthetic history of a million operations.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from handover.evidence.folder import recording
from handover.proof.crew import Plan
from handover.proof.explain import check
from handover.proof.groups import concurrent_writes
from handover.proof.history import RowHistory
from handover.proof.venue import Venue
from sandbox import house

sys.path.insert(0, str(house.ROOT))

from tests.faults.own_pair import durable_pair
from tests.faults.synthetic import WRITERS, clean_rows

shown = Console(stderr=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench concurrent-writes", description=__doc__)
    parser.add_argument("--operations", type=int, default=100_000, help="of both systems (default %(default)s)")
    parser.add_argument("--agents", type=int, default=2, help="a side (default %(default)s)")
    parser.add_argument("--history", type=int, default=1_000_000, help="operations to check (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.monotonic()
    figures = lived(arguments.operations, arguments.agents, arguments.seed)
    figures["concurrent_total_s"] = round(time.monotonic() - began, 1)
    figures |= checked(arguments.history, arguments.seed)
    print(json.dumps(figures))


def lived(operations: int, agents: int, seed: int) -> dict[str, float]:
    """Let the pair write, and return the figures of the group."""
    full = concurrent_writes.PLANS["full"]
    plan = Plan(operations, full.batch, agents, full.rows, full.rows_last)
    with tempfile.TemporaryDirectory() as folder, durable_pair(Path(folder)) as (config, url):
        began = time.monotonic()
        with recording(config, "bench") as recorder:
            venue = Venue(config, url, throwaway=True, size="full", seed=seed, say=shown.print)
            outcome = concurrent_writes.prove(venue, recorder, plan)
        seconds = round(time.monotonic() - began, 1)
        for failure in outcome.failures:
            shown.print(str(failure.finding), *failure.reproduce, sep="\n       ", markup=False, soft_wrap=True)
        for note in outcome.notes:
            shown.print(note, markup=False)
    return {**outcome.figures, "run_and_checked_s": seconds}


def checked(operations: int, seed: int) -> dict[str, float]:
    """Check a synthetic history, row by row; how long it takes to make one up is left out."""
    made_up = 0.0

    def rows() -> Iterator[RowHistory]:
        nonlocal made_up
        histories = clean_rows(operations, seed)
        while True:
            began = time.monotonic()
            row = next(histories, None)
            made_up += time.monotonic() - began
            if row is None:
                return
            yield row

    began = time.monotonic()
    found = check(rows(), WRITERS)
    return {
        "history_ops": found.operations,
        "history_s": round(time.monotonic() - began - made_up, 1),
        "history_anomalies": sum(found.tally.counts.values()),
    }


if __name__ == "__main__":
    main()
