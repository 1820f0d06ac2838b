"""Do the steps land on the beat? Clips of flashes dance to a song of strokes; flash and stroke are compared as decoded.

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

TARGETS = {"mean_ms": "|mean| ≤ 3", "p95_ms": "≤ 6", "max_ms": "≤ 8"}

CLIP_TEMPI = (0.9, 0.97, 1.03, 1.13)  # of the song's: most clips are danced slower or faster than they were made


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench sync", description=__doc__)
    parser.add_argument("--seconds", type=int, default=180, help="length of the song (default %(default)s)")
    parser.add_argument("--bpm", type=float, default=124, help="tempo, which drifts by 3 %% (default %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        figures = {sound: measure(Path(place), sound, arguments.bpm, arguments.seconds) for sound in sync.SOUNDS}
    table(figures)
    print(json.dumps({f"{sound}_{name}": value for sound, own in figures.items() for name, value in own.items()}))


def measure(place: Path, sound: str, bpm: float, seconds: int) -> dict[str, float]:
    """Make the choreography to one kind of stroke and return how far the flashes are from the strokes."""
    library = sync.flash_library(place / sound, tempi_bpm=[round(bpm * ratio) for ratio in CLIP_TEMPI])
    song = place / f"{sound}.wav"
    sync.write_clicks(song, sync.drifting_beats(bpm, seconds), seconds, sound=sound)
    made = bachateo.make(song, place / f"{sound}.mp4", library=library.folder)
    distances_ms = 1000 * sync.distances_s(made.video, made.plan)
    return {
        "mean_ms": round(float(distances_ms.mean()), 2),
        "p95_ms": round(float(np.percentile(np.abs(distances_ms), 95)), 2),
        "max_ms": round(float(np.abs(distances_ms).max()), 2),
        "beats": len(distances_ms),
    }


def table(figures: dict[str, dict[str, float]]) -> None:
    """Show the figures to people."""
    shown = Table(title="flash after stroke", title_justify="left")
    for column in ("", *figures, "to reach"):
        shown.add_column(column, justify="right")
    for name in (*TARGETS, "beats"):
        shown.add_row(name, *(str(own[name]) for own in figures.values()), TARGETS.get(name, ""))
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    main()
