"""Do the steps land on the beat? Clips of flashes dance to a song of clicks; flash and click are compared as decoded.

What is measured is hearing and cutting together: where the beat of a clip comes, against the beat of the song.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import bachateo
from sandbox import house

sys.path.insert(0, str(house.ROOT))

from tests.trials import sync

TARGETS = {"mean_ms": "|mean| ≤ 5", "p95_ms": "≤ 17", "max_ms": "≤ 34"}

CLIP_TEMPI = (0.9, 0.97, 1.03, 1.13)  # of the song's: most clips are danced slower or faster than they were made


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench sync", description=__doc__)
    parser.add_argument("--seconds", type=int, default=180, help="length of the song (default %(default)s)")
    parser.add_argument("--bpm", type=float, default=124, help="tempo, which drifts by 3 %% (default %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        distances_ms = measure(Path(place), arguments.bpm, arguments.seconds)
    figures = {
        "mean_ms": round(float(distances_ms.mean()), 2),
        "p95_ms": round(float(np.percentile(np.abs(distances_ms), 95)), 2),
        "max_ms": round(float(np.abs(distances_ms).max()), 2),
    }
    table(figures, len(distances_ms))
    print(json.dumps(figures))


def measure(place: Path, bpm: float, seconds: int) -> sync.Array:
    """Make the choreography and return how far each flash is from its click, in milliseconds."""
    library = sync.flash_library(place / "flashes", tempi_bpm=[round(bpm * ratio) for ratio in CLIP_TEMPI])
    song = place / "clicks.wav"
    sync.write_clicks(song, sync.drifting_beats(bpm, seconds), seconds)
    made = bachateo.make(song, place / "out.mp4", library=library.folder)
    return 1000 * sync.distances_s(made.video, made.plan)


def table(figures: dict[str, float], beats: int) -> None:
    """Show the figures to people."""
    shown = Table(title=f"flash after click, {beats} beats", title_justify="left")
    for column in ("", "measured", "to reach"):
        shown.add_column(column, justify="right")
    for name, value in figures.items():
        shown.add_row(name, str(value), TARGETS[name])
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    main()
