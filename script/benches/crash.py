"""Kills the worker, the backend, the original and PostgreSQL while people use both systems; then looks what is lost.

The kills strike at seeded points: statements, commits, files that come to be, and any time. Between them connections
are cut, the disk fills up or is read-only, clocks are wrong, workers sleep longer than their lease, and two workers
get one job. A seed that fails is run again with `--seed`.
"""

import argparse
import json
import shutil
import signal
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox import house

sys.path.insert(0, str(house.ROOT))

from tests.crashes.night import Size, night

TARGETS = {"kills": "≥ 300", "tasks": "≥ 200", "duplicates": "0", "lost": "0", "orphans": "0"}
shown = Console(stderr=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="at least so many (default %(default)s)")
    parser.add_argument("--generations", type=int, default=200, help="at least so many (default %(default)s)")
    parser.add_argument("--people", type=int, default=6, help="how many (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=60, help="at most so many (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="other kills, other people (default %(default)s)")
    parser.add_argument("--logs", type=Path, help="a folder for the logs of all processes and what was done")
    arguments = parser.parse_args()
    size = Size(arguments.kills, arguments.generations, arguments.people, minutes=arguments.minutes)
    began = time.monotonic()
    # Leave nothing behind, however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with night(arguments.seed, size, say=say) as run:
        try:
            run.play()
            records = run.records()
            deviations = run.audit()
        finally:
            if arguments.logs:
                keep_logs(run, arguments.logs)
        figures = run.figures(deviations, records) | {"seconds": round(time.monotonic() - began, 1)}
    for deviation in deviations:
        shown.print(str(deviation), markup=False, soft_wrap=True)
    report(figures)
    return 1 if deviations else 0


def keep_logs(run, folder: Path) -> None:
    shutil.copytree(run.place.folder / "log", folder, dirs_exist_ok=True)
    shutil.copy(run.database.server.folder / "sandbox.log", folder / "postgres.log")
    (folder / "done.txt").write_text("\n".join(run.troubles.told))


def say(text: str) -> None:
    shown.print(text, markup=False)


def report(figures: dict[str, object]) -> None:
    """Print a table for people and one JSON object."""
    table = Table(title="crashes", title_justify="left")
    for heading in ("", "figure", "to reach"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, figure in figures.items():
        table.add_row(name, str(figure), TARGETS.get(name, ""))
    shown.print(table)
    print(json.dumps(figures))


if __name__ == "__main__":
    sys.exit(main())
