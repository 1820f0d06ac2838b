"""A collection of many: how long a search, a page of a list, and a sweep take with a million titles.

Each part is a module of ``of_collection``. It runs with the settings of the backend, on a database of the original that
was adopted, and prints one JSON object of figures. ``TARGETS`` say what is to be reached.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox import house
from sandbox.fixtures import server_for_this_run

PARTS = ("search",)
RUN = "import django, runpy, sys; django.setup(); del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
TARGETS = {
    "search_p95_ms": "≤ 30",
    "search_p95_of_many_ms": "≤ 30",
    "search_p95_of_full_ms": "≤ 30",
    "tag_times": "≤ 1.5",
    "category_times": "≤ 1.5",
    "tag_and_category_times": "≤ 1.5",
    "favourites_times": "≤ 1.5",
    "public_times": "≤ 1.5",
    "most_liked_times": "≤ 1.5",
    "found_times": "≤ 1.5",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench collection", description=__doc__)
    parser.add_argument("--titles", type=int, default=1_000_000, help="in all (default %(default)s)")
    parser.add_argument("--searches", type=int, default=400, help="of each kind of user (default %(default)s)")
    parser.add_argument("--part", choices=PARTS, action="append", help="this one only (default: all)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as media, server_for_this_run() as server:
        house.build_original(server, "original")
        house.build_adopted(server, "compas", "original")
        url = server.url("backend_app", "compas")
        env = house.system_environment(database_url=url, media=Path(media), secret_key="bench" * 10)
        env |= {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(house.ROOT / "backend")}
        env |= {"ALLOWED_HOSTS": "testserver", "OWNER_DATABASE_URL": server.url("owner", "compas")}
        figures: dict[str, Any] = {}
        for part in arguments.part or PARTS:
            figures |= figures_of(part, env, ["--titles", str(arguments.titles), "--searches", str(arguments.searches)])
    show(figures)
    print(json.dumps(figures))


def figures_of(part: str, env: dict[str, str], arguments: list[str]) -> dict[str, Any]:
    """Run a part; return its figures."""
    program = Path(__file__).parent / "of_collection" / f"{part}.py"
    command = [sys.executable, "-c", RUN, str(program), *arguments]
    done = subprocess.run(command, env=os.environ | env, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def show(figures: dict[str, Any]) -> None:
    """Show the figures to people."""
    shown = Table("what", "measured", "to reach", title="collection", title_justify="left")
    for name, value in figures.items():
        shown.add_row(name.replace("_", " "), f"{value:,}", TARGETS.get(name, ""))
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    main()
