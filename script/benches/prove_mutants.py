"""Faults planted one at a time into pairs of projects: which ones ``handover prove`` catches; and clean pairs.

Each is played in its group's own way: a pair of systems with a fault in code, settings or database; and the histories
of concurrent writers that were never lived, which the check alone must see.
"""

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from sandbox import house
from sandbox.fixtures import server_for_this_run
from sandbox.search import SearchServer

sys.path.insert(0, str(house.ROOT))

from handover_testing.drifts.fork_server import fork_server
from handover_testing.drifts.shapes import SHAPES
from handover_testing.drifts.stage import build
from handover_testing.faults.every import Case, Ground, Played, Verdict, every, play_case
from handover_testing.faults.oddities import ODD

shown = Console(stderr=True)
# What a player's process inherits: a case holds functions, so it travels as its number.
CASES: list[Case] = []
GROUND: list[Callable[[SearchServer], Ground]] = []


def main() -> None:
    cases = list(every())
    groups = dict.fromkeys(case.group for case in cases)
    parser = argparse.ArgumentParser(prog="script/bench prove-mutants", description=__doc__)
    parser.add_argument("--group", action="append", choices=groups, help="only of this group; may be given again")
    parser.add_argument("--name", action="append", help="only those whose name holds this; may be given again")
    parser.add_argument("--at-once", type=int, default=2, help="how many are played at a time (default %(default)s)")
    arguments = parser.parse_args()
    CASES.extend(case for case in cases if wanted(case, arguments))
    if not any(case.planted for case in CASES):
        parser.error("no fault is chosen, so nothing would be shown")
    report(played(arguments.at_once))


def wanted(case: Case, arguments: argparse.Namespace) -> bool:
    """Say whether a case is among those that were asked for."""
    group = not arguments.group or case.group in arguments.group
    return group and (not arguments.name or any(name in case.name for name in arguments.name))


def played(at_once: int) -> list[Played]:
    """Play all, each of some processes one after another: they share the stages and nothing that is written to."""
    context = multiprocessing.get_context("fork")
    with ground() as made:
        GROUND.append(made)
        with ProcessPoolExecutor(at_once, context) as pool:
            running = [pool.submit(play_number, number) for number in range(len(CASES))]
            done = track(as_completed(running), "playing", total=len(running), console=shown)
            return [told(one.result()) for one in done]


@contextmanager
def ground() -> Iterator[Callable[[SearchServer], Ground]]:
    """Give the stages that are needed and interpreters that start at once; a search server is each player's own."""
    with tempfile.TemporaryDirectory() as place, server_for_this_run() as server, ExitStack() as stack:
        parent = stack.enter_context(fork_server())
        names = {case.shape for case in CASES}
        stages = {s.name: build(s, Path(place, s.name), server, parent) for s in (*SHAPES, ODD) if s.name in names}
        yield partial(Ground, stages, parent.python, Path(place, "played"))


def play_number(number: int) -> tuple[int, Verdict]:
    with SearchServer() as search:
        return number, play_case(CASES[number], GROUND[0](search))


def told(answer: tuple[int, Verdict]) -> Played:
    """Put together what a player told, and show at once what is wrong."""
    one = Played(CASES[answer[0]], *answer[1])
    if not one.right:
        shown.print(f"{'missed' if one.case.planted else 'false alarm'}: {one}", markup=False, soft_wrap=True)
    return one


def report(all_played: list[Played]) -> None:
    """Print a table for people and one JSON object."""
    planted = [one for one in all_played if one.case.planted]
    clean = [one for one in all_played if not one.case.planted]
    table = Table(title="faults planted and caught", title_justify="left")
    for heading in ("group", "planted", "caught", "clean pairs", "false alarms", "seconds"):
        table.add_column(heading, justify="left" if heading == "group" else "right")
    for group in dict.fromkeys(one.case.group for one in sorted(all_played, key=lambda one: one.case.group)):
        faults, pairs = ([one for one in some if one.case.group == group] for some in (planted, clean))
        numbers = len(faults), right(faults), len(pairs), len(pairs) - right(pairs)
        table.add_row(group, *map(str, numbers), f"{sum(one.seconds for one in (*faults, *pairs)):.0f}")
    shown.print(table)
    figures = {
        "planted": len(planted),
        "caught": right(planted),
        "missed": len(planted) - right(planted),
        "clean_pairs": len(clean),
        "false_alarms": len(clean) - right(clean),
    }
    print(json.dumps(figures))


def right(some: list[Played]) -> int:
    return sum(one.right for one in some)


if __name__ == "__main__":
    main()
