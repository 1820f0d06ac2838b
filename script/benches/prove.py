"""``handover prove`` on this repository's pair: how fast each group is, on a server that keeps what it has committed.

A round trip is one committed write by one system and one read of it by the other, one at a time for each core. Then
both write to the same rows while clients, workers and PostgreSQL are killed and the disk fills up; both search one
index; both save files beside those of a seeded database, and stream them. At last the check of histories, on a
synthetic one.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import repeat
from pathlib import Path

from rich.console import Console
from rich.table import Table

from handover.journal.evidence import Recorder, recording
from handover.proof.actor import Actor, Row, actors
from handover.proof.explain import check
from handover.proof.groups import concurrent_writes, search, storage
from handover.proof.history import RowHistory
from handover.proof.mapped_table import MappedTable, Parents, complete, mapped_table, together
from handover.proof.outcome import Outcome
from handover.proof.target import ProofTarget
from handover.proof.writer_processes import WritePlan
from handover.side import Side
from sandbox import house
from sandbox.ports import free_port
from sandbox.postgres import Database, Server
from sandbox.search import SearchServer
from sandbox.systems import Place, running

sys.path.insert(0, str(house.ROOT))

from handover_testing.faults.synthetic import WRITERS, clean_rows
from tests import moves_of_the_pair
from tests.faults_of_the_pair import DATABASE, durable_pair

TARGETS = {
    "roundtrips_per_s": "≥ 250",
    "concurrent_s": "100,000 in ≤ 120",
    "contended_pct": "≥ 30",
    "backend_anomalies": "0",
    "unaccepted_anomalies": "0",
    "planted_caught": "2",
    "faults": "5",
    "history_s": "1,000,000 in ≤ 60",
    "history_anomalies": "0",
}
USERS = 20  # of the seeded database
shown = Console(stderr=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench prove", description=__doc__)
    parser.add_argument("--roundtrips", type=int, default=2_000, help="how many (default %(default)s)")
    asked = concurrent_writes.PLANS["full"].operations
    parser.add_argument("--operations", type=int, default=asked, help="of concurrent writers (default %(default)s)")
    parser.add_argument("--agents", type=int, default=2, help="writers a side (default %(default)s)")
    parser.add_argument("--history", type=int, default=1_000_000, help="operations to check (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="other rows, other operations (default %(default)s)")
    arguments = parser.parse_args()
    began = time.perf_counter()
    figures = measured(arguments) | checked(arguments.history, arguments.seed)
    report(figures | {"total_s": round(time.perf_counter() - began, 1)})


def measured(arguments: argparse.Namespace) -> dict[str, float]:
    """Measure all groups on one adopted database of a server that is durable, as all but test servers are."""
    house.LOCAL.mkdir(exist_ok=True)
    full = concurrent_writes.PLANS["full"]
    plan = WritePlan(arguments.operations, full.batch, arguments.agents, full.rows, full.rows_last)
    with (
        tempfile.TemporaryDirectory(dir=house.LOCAL, prefix="bench-") as place,
        durable(Path(place), arguments.seed) as target,
    ):
        figures = {"roundtrips_per_s": roundtrips_per_s(target, arguments.roundtrips)}
        began = time.perf_counter()
        written = proved(target, lambda recorder: concurrent_writes.prove(target, recorder, plan))
        figures |= dict(written.figures) | {"concurrent_s": round(time.perf_counter() - began, 1)}
        figures |= of_stores(target, Path(place))
    return figures


@contextmanager
def durable(place: Path, seed: int) -> Iterator[ProofTarget]:
    """Give the pair on an adopted database with rows as production has them."""
    with durable_pair(place) as (config, url):
        environment = os.environ | dict(config.system(Side.ORIGINAL).environment)
        command = [sys.executable, "manage.py", "seed_production", "--users", str(USERS), "--seed", "7"]
        subprocess.run(command, cwd=house.ROOT / "original", env=environment, stdout=subprocess.DEVNULL, check=True)
        yield ProofTarget(
            config, url, throwaway=True, size="full", seed=seed, say=lambda line: shown.print(line, markup=False)
        )


def proved(target: ProofTarget, prove: Callable[[Recorder], Outcome]) -> Outcome:
    """Run a group, and say what it found; what the pair's contract accepts stands among it."""
    with recording(target.config, "bench") as recorder:
        outcome = prove(recorder)
    for failure in outcome.failures:
        shown.print(str(failure.finding), markup=False, soft_wrap=True)
    for note in outcome.notes:
        shown.print(note, markup=False)
    return outcome


def roundtrips_per_s(target: ProofTarget, number: int) -> float:
    """Let both systems write and read tasks by turns, in a pair of interpreters for each core."""
    with ExitStack() as stack:
        pairs = [stack.enter_context(actors(target)) for _ in os.sched_getaffinity(0)]
        parents = Parents(pairs[0]["original"])
        table = mapped_table(target.config.models[0], pairs[0], parents)
        fields, joint, each = table.fields.values(), together(table.models["original"]), number // len(pairs)
        rows = [[complete(fields, {}, parents, joint) for _ in range(each)] for _ in pairs]
        began = time.perf_counter()
        with ThreadPoolExecutor(len(pairs)) as pool:
            list(pool.map(travel, pairs, repeat(table), rows))
        seconds = time.perf_counter() - began
        parents.remove()
    return round(each * len(pairs) / seconds, 1)


def travel(both: Mapping[Side, Actor], table: MappedTable, rows: Sequence[Row]) -> None:
    """Let a pair of systems make the round trips, one after the other."""
    sides = [(both["original"], both["backend"]), (both["backend"], both["original"])]
    for turn, row in enumerate(rows):
        maker, other = sides[turn % 2]
        one_trip(maker, other, table.models[maker.side].label, table.models[other.side].label, row)


def one_trip(maker: Actor, other: Actor, makes: str, reads: str, row: Row) -> None:
    """One committed write by one, one read by the other."""
    key = maker.probe.ask("create", model=makes, values=row)
    read = other.probe.ask("get", model=reads, where={"pk": key})
    if read["user_id"] != row["user_id"]:
        raise RuntimeError(f"{other.side} read {read}, {maker.side} wrote {row}")


def of_stores(target: ProofTarget, folder: Path) -> dict[str, float]:
    """Let both search one index, and store files where both systems, running, stream them from."""
    with ExitStack() as stack:
        index = stack.enter_context(SearchServer())
        place = Place(folder, folder / "moves")
        moves_of_the_pair.put(index.url, place.library)
        environment = {"ELASTICSEARCH_URL": index.url, "MOVES_LIBRARY": str(place.library)}
        os.environ.update(environment)
        database = Database(DATABASE, Server.attach(folder / "pg"))
        both = stack.enter_context(running(database, place, port=free_port(), original_port=free_port()))
        urls = {"original": both.original_url, "backend": both.backend_url}
        systems = {
            side: getattr(target.config, side).model_copy(update={"base_url": url}) for side, url in urls.items()
        }
        there = replace(target, config=target.config.model_copy(update=systems))
        searched = proved(there, lambda recorder: search.prove(there, recorder))
        stored = proved(there, lambda recorder: storage.prove(there, recorder))
    differ = len(searched.failures) + len(stored.failures)
    return {
        "search_queries": searched.counts["search_queries"],
        "files": stored.counts["files"],
        "streamed": stored.counts["streamed_original"] + stored.counts["streamed_backend"],
        "stores_differ": differ,
    }


def checked(operations: int, seed: int) -> dict[str, float]:
    """Check a synthetic history, row by row; the time to make it up does not count."""
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


def report(figures: dict[str, float]) -> None:
    """Print a table for people and one JSON object."""
    table = Table(title="handover prove", title_justify="left")
    for heading in ("", "figure", "to reach"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, figure in figures.items():
        table.add_row(name, str(figure), TARGETS.get(name, ""))
    shown.print(table)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
