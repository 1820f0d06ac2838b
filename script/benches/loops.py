"""How exactly a loop of the practice room comes back: late or early by how much, in a real browser.

A backend makes a choreography, and its page loops some moves. Every frame that the browser shows is written down with
its place in the video and the moment at which the screen has it (requestVideoFrameCallback). Beside the loops of the
page, the same loops by a seek, which is what a plain player does.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from sandbox import house
from sandbox.fixtures import server_for_this_run
from sandbox.ports import free_port
from sandbox.postgres import Database
from sandbox.systems import Place, running

sys.path.insert(0, str(house.ROOT))

from tests import practice, studio

if TYPE_CHECKING:
    from playwright.sync_api import Page

SONG = "Noche de demo"
WARM_UP = 2  # loops: the page learns how long its second element takes to move
WORST_MS = 30


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench loops", description=__doc__)
    parser.add_argument(
        "--loops", type=int, default=40, help="at least so many, of several moves (default %(default)s)"
    )
    parser.add_argument("--moves", type=int, default=4, help="of so many moves (default %(default)s)")
    parser.add_argument("--seeks", type=int, default=6, help="so many by a seek beside them (default %(default)s)")
    parser.add_argument("--speed", default="1", choices=["0.5", "0.75", "1", "1.25"], help="(default %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, server_for_this_run() as server:
        house.build_original(server, "original")
        house.build_adopted(server, "compas", "original")
        place = Place(Path(folder), house.moves_library())
        house.demo_song(place.media / "songs" / f"{SONG}.mp3", seconds=75)
        with (
            running(Database("compas", server), place, port=free_port(), original_port=free_port()) as systems,
            practice.chromium() as chromium,
        ):
            page = chromium.new_page()
            page.add_init_script(practice.RECORDER)
            studio.register(page, systems.backend_url, "lola")
            studio.make_choreography(page, SONG)
            page.get_by_role("button", name="Play", exact=True).wait_for()
            page.locator(f"[data-speed='{arguments.speed}']").click()
            each = -(-arguments.loops // arguments.moves)
            late_ms = [late for move in range(2, 2 + arguments.moves) for late in measured(page, move, each)]
            page.evaluate(practice.BY_SEEKING)
            seeks_ms = measured(page, 2, arguments.seeks)
    figures = {"loops": len(late_ms), **spread(late_ms), "seek_p50_ms": spread(seeks_ms)["p50_ms"]}
    show(figures)
    print(json.dumps(figures))
    return 0


def measured(page: "Page", move: int, loops: int) -> list[float]:
    """Loop the move so often; return how late each came back, in ms, below 0 early."""
    button = page.locator(".strip button").nth(move)
    button.click()
    start_s, end_s = page.evaluate("(({ from, to }) => [from, to])(document.querySelector('[data-player]').room.loop)")
    practice.until_smooth(page)
    page.evaluate("frames_.length = 0")
    practice.until(page, f"({practice.JUMPS})(frames_) > {WARM_UP + loops}", patience_s=60 + 10 * loops)
    late = [1000 * late_s for late_s in practice.back(page.evaluate("frames_"), (start_s, end_s))]
    button.click()  # no loop any more
    return late[WARM_UP : WARM_UP + loops]


def spread(late_ms: list[float]) -> dict[str, float]:
    off = np.abs(late_ms)
    return {
        "p50_ms": round(median(off), 1),
        "p95_ms": round(float(np.percentile(off, 95)), 1),
        "worst_ms": round(float(off.max()), 1),
    }


def show(figures: dict[str, float]) -> None:
    shown = Table("what", "ms", "target", title=f"{figures['loops']} loops", title_justify="left")
    for name in ("p50_ms", "p95_ms", "worst_ms", "seek_p50_ms"):
        shown.add_row(
            name.removesuffix("_ms").replace("_", " "), str(figures[name]), f"≤ {WORST_MS}" * (name == "worst_ms")
        )
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    sys.exit(main())
