"""Faults planted one at a time into pairs of projects: which ones ``handover prove`` catches; and clean pairs."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from sandbox import house
from sandbox.fixtures import server_for_this_run

sys.path.insert(0, str(house.ROOT))

from tests.drifts import warm
from tests.drifts.nursery import nursery
from tests.drifts.shapes import SHAPES
from tests.drifts.stage import build
from tests.faults.every import every
from tests.faults.fault import Fault
from tests.faults.play import Played, play

shown = Console(stderr=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench prove-mutants", description=__doc__)
    parser.add_argument("--group", action="append", help="only faults of this group; may be given several times")
    parser.add_argument("--name", action="append", help="only faults whose name holds this; may be given several times")
    arguments = parser.parse_args()
    chosen = [fault for fault in every() if wanted(fault, arguments)]
    if not any(fault.code for fault in chosen):
        parser.error("no fault is chosen, so nothing would be shown")
    report(played(chosen))


def wanted(fault: Fault, arguments: argparse.Namespace) -> bool:
    """Say whether a fault is among those that were asked for."""
    group = not arguments.group or fault.group in arguments.group
    return group and (not arguments.name or any(name in fault.name for name in arguments.name))


def played(faults: list[Fault]) -> list[Played]:
    """Plant each, with interpreters that start at once."""
    with tempfile.TemporaryDirectory() as place, server_for_this_run() as server, ExitStack() as stack:
        parent = stack.enter_context(nursery())
        address = str(Path(place, "warm"))
        command = [sys.executable, warm.__file__, address, "serve"]
        starter = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(starter.kill)
        if not starter.stdout or starter.stdout.readline() != "ready\n":
            raise RuntimeError("the interpreter that starts at once did not start")
        python = [sys.executable, "-I", "-S", warm.__file__, address]
        names = {fault.shape for fault in faults}
        stages = {s.name: build(s, Path(place, s.name), server, parent) for s in SHAPES if s.name in names}
        return [
            play(stages[fault.shape], fault, python, Path(place, "played"))
            for fault in track(faults, "planting", console=shown)
        ]


def report(all_played: list[Played]) -> None:
    """Print a table for people and one JSON object."""
    planted = [p for p in all_played if p.fault.code]
    missed = [p for p in planted if not p.caught]
    clean = [p for p in all_played if not p.fault.code]
    alarms = [p for p in clean if not p.green]
    for one in (*missed, *alarms):
        shown.print(str(one), markup=False)
    table = Table(title="faults planted and caught", title_justify="left")
    for heading in ("group", "planted", "caught", "seconds"):
        table.add_column(heading, justify="left" if heading == "group" else "right")
    for group, number in sorted(Counter(p.fault.group for p in planted).items()):
        of_group = [p for p in planted if p.fault.group == group]
        seconds = sum(p.seconds for p in of_group)
        table.add_row(group, str(number), str(sum(p.caught for p in of_group)), f"{seconds:.0f}")
    shown.print(table)
    figures = {
        "planted": len(planted),
        "caught": len(planted) - len(missed),
        "missed": len(missed),
        "clean_pairs": len(clean),
        "false_alarms": len(alarms),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
