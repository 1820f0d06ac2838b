"""Drifts planted one at a time into pairs of projects: which ones ``handover check`` sees, and how bad it calls them.

In the same run: what ``makemigrations --check`` with ``migrate --check``, and a fresh ``inspectdb``, see of them. And
the clean pairs, among them one project on several versions of Django: whether anything is called risky there. And
projects that Hypothesis draws: equal twins of them, of which nothing may be said, and differences planted into them.
"""

import argparse
import json
import os
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from sandbox import house
from sandbox.fixtures import server_for_this_run
from sandbox.postgres import Server

sys.path.insert(0, str(house.ROOT))

from handover_testing.drifts.benign import changes
from handover_testing.drifts.declared import DECLARED
from handover_testing.drifts.drawn.trial import Tally, play_alone
from handover_testing.drifts.drift import Drift
from handover_testing.drifts.every import of_stage
from handover_testing.drifts.every_class import every_class
from handover_testing.drifts.fork_server import fork_server
from handover_testing.drifts.play import Outcome, Player
from handover_testing.drifts.shapes import SHAPES
from handover_testing.drifts.stage import build
from handover_testing.drifts.versions import between_versions
from tests.drifts_of_the_pair import OwnPair

shown = Console(stderr=True)
BATCH = 5  # worlds that share a server


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench check-mutants", description=__doc__)
    parser.add_argument("--drifts", type=int, default=400, help="how many to plant (default %(default)s)")
    parser.add_argument("--all", action="store_true", help="plant every drift there is (about 2,000)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default %(default)s)")
    parser.add_argument("--worlds", type=int, default=125, help="how many projects to draw (default %(default)s)")
    parser.add_argument("--each", type=int, default=4, help="twins, and differences, of each (default %(default)s)")
    parser.add_argument("--only-drawn", action="store_true", help="leave out everything but the drawn projects")
    arguments = parser.parse_args()
    drawn = drawn_projects(arguments.worlds, arguments.each, arguments.seed)
    outcomes, alarms, unseen = ([], {}, {}) if arguments.only_drawn else prepared(arguments)
    report(outcomes, alarms, drawn, unseen)


def prepared(arguments: argparse.Namespace) -> tuple[list[Outcome], dict[str, list[str]], dict[str, str]]:
    """Play the prepared pairs: what became of the drifts, what is said of the clean ones, which were not looked at."""
    with tempfile.TemporaryDirectory() as place, server_for_this_run() as server, ExitStack() as stack:
        parent = stack.enter_context(fork_server())
        players = {}
        for shape in (*SHAPES, DECLARED):
            players[shape.name] = Player(build(shape, Path(place, shape.name), server, parent))
            stack.callback(players[shape.name].close)
        own = stack.enter_context(OwnPair.on(server, Path(place, "own")))
        wanted = chosen(players, own, server, None if arguments.all else arguments.drifts, arguments.seed)
        outcomes = list(planted(players, own, wanted))
        alarms, unseen = between_versions(server, Path(place, "versions"))
        classes = every_class(server, Path(place, "versions"), parent)
        return outcomes, false_alarms(players) | alarms | classes.alarms, unseen | classes.unseen


def drawn_projects(worlds: int, each: int, seed: int) -> Tally:
    """Let Hypothesis draw projects, and play twins and differences of each, in as many processes as there are cores."""
    numbers = range(1_000_000 * seed, 1_000_000 * seed + worlds)
    tally = Tally()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        parts = [pool.submit(play_alone, numbers[n : n + BATCH], each, each) for n in range(0, worlds, BATCH)]
        for part in track(as_completed(parts), "drawn projects", total=len(parts), console=shown):
            tally.add(part.result())
    return tally


def chosen(players: dict[str, Player], own: OwnPair, server: Server, number: int | None, seed: int) -> list[Drift]:
    """Return the drifts to plant: of this pair all, of the others as many of each rule as the number allows."""
    every = [d for player in players.values() for d in of_stage(player.stage, server)]
    ours = own.drifts()
    if number is None:
        return [*ours, *every]
    by_code = defaultdict(list)
    for drift in random.Random(seed).sample(every, len(every)):  # noqa: S311 - to choose, not to hide
        by_code[drift.code].append(drift)
    picked: list[Drift] = []
    while len(picked) < number - len(ours) and any(by_code.values()):
        picked += [drifts.pop() for drifts in by_code.values() if drifts]
    return [*ours, *picked[: number - len(ours)]]


def planted(players: dict[str, Player], own: OwnPair, drifts: list[Drift]) -> Iterator[Outcome]:
    """Plant each, and yield what became of it."""
    for drift in track(drifts, "planting", console=shown):
        player = own if drift.shape == own.name else players[drift.shape]
        yield player.play(drift, rivals=True)


def false_alarms(players: dict[str, Player]) -> dict[str, list[str]]:
    """Return what is called risky or breaking of pairs that are clean, by the name of the pair."""
    return {
        change.name: [str(f) for f in players[change.shape].play(change).said if f.severity != "safe"]
        for change in track(list(changes()), "clean pairs", console=shown)
    }


def report(outcomes: list[Outcome], alarms: dict[str, list[str]], drawn: Tally, unseen: dict[str, str]) -> None:
    """Print a table for people and one JSON object; a clean pair that was not looked at is not counted as one."""
    for name, why in unseen.items():
        shown.print(f"not looked at: {name}: {why}", markup=False)
    for name, found in drawn.alarms.items():
        shown.print(f"{name} is equal, said {found}", markup=False)
    for one in (*drawn.misjudged, *drawn.missed):
        shown.print(f"{one.name} ({one.place}): expected {one.expected}, said {one.said or 'nothing'}", markup=False)
    caught = [o for o in outcomes if o.severity is not None]
    wrong = [o for o in caught if not o.right_severity]
    missed = [o for o in outcomes if o.severity is None]
    for outcome in (*wrong, *missed):
        said = ", ".join(f"{f.code} {f.severity} {f.where}" for f in outcome.said) or "nothing"
        shown.print(f"{outcome.drift.name}: expected {outcome.drift.severity}, said {said}", markup=False)
    table = Table(title="drifts planted and seen", title_justify="left")
    for heading in ("kind", "planted", "caught", "right severity", "migrations --check", "inspectdb"):
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    for kind, number in sorted(Counter(o.drift.kind for o in outcomes).items()):
        of_kind = [o for o in outcomes if o.drift.kind == kind]
        counts = [sum(o.severity is not None for o in of_kind), sum(o.right_severity for o in of_kind)]
        counts += [sum(o.rivals.get(name, False) for o in of_kind) for name in ("migrations", "inspectdb")]
        table.add_row(kind, str(number), *map(str, counts))
    shown.print(table)
    false = {name: found for name, found in alarms.items() if found}
    for name, found in false.items():
        shown.print(f"false alarm on {name}: {found}", markup=False)
    figures = {
        "planted": len(outcomes),
        "caught": len(caught),
        "wrong_severity": len(wrong),
        "missed": len(missed),
        "clean_pairs": len(alarms),
        "false_alarms": len(false),
        "not_looked_at": len(unseen),
        "twins": len(drawn.twins),
        "twin_findings": sum(map(len, drawn.alarms.values())),
        "differences": len(drawn.planted),
        "differences_missed": len(drawn.missed),
        "differences_wrong_severity": len(drawn.misjudged),
        "rivals_asked": sum(bool(o.rivals) for o in outcomes),
        "migrations_check_caught": sum(o.rivals.get("migrations", False) for o in outcomes),
        "inspectdb_caught": sum(o.rivals.get("inspectdb", False) for o in outcomes),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
