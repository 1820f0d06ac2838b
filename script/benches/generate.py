"""A song in, a video out, in a cold process: how long each stage takes and how much memory it needs."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox import house

# One process a run, so that imports and the interpreter's start are in the total.
ONE_RUN = """
import json, resource, sys, time
began = time.perf_counter()
from pathlib import Path
import choreographer
song, out, library, cache = map(Path, sys.argv[1:])
made = choreographer.make(song, out, library=library, cache=cache)
print(json.dumps({
    "song_s": made.duration_s,
    "analyse_s": made.seconds["analyzing"],
    "plan_s": made.seconds["selecting"],
    "assemble_s": made.seconds["generating"],
    "total_s": time.perf_counter() - began,
    "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "audio_cached": made.audio_cached,
}))
"""
TARGETS = {"assemble_s": 0.6, "total_s": 8.0, "peak_rss_mb": 600.0}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench generate", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="measured runs after one warm-up (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=180, help="length of the song (default %(default)s)")
    arguments = parser.parse_args()
    library = house.moves_library()
    song = house.demo_song(house.LOCAL / "demo" / f"bench-{arguments.seconds}.mp3", seconds=arguments.seconds)
    with tempfile.TemporaryDirectory() as place:
        once = Path(place, "warm-up")
        run(song, library, once)
        new_song = [run(song, library, Path(place, str(number))) for number in range(arguments.runs)]
        known_song = [run(song, library, once) for _ in range(arguments.runs)]
    table(median(new_song), median(known_song), arguments.runs)
    print(json.dumps(median(new_song)))


def run(song: Path, library: Path, folder: Path) -> dict[str, float]:
    """Make one choreography in a process of its own; the song is known when ``folder`` holds its cache."""
    argv = [sys.executable, "-c", ONE_RUN, str(song), str(folder / "video.mp4"), str(library), str(folder / "cache")]
    return dict(json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout))


def median(runs: list[dict[str, float]]) -> dict[str, float | bool]:
    """Return the median of each figure; a switch must be the same in all runs."""
    (cached,) = {bool(run["audio_cached"]) for run in runs}
    figures = {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}
    return figures | {"audio_cached": cached}


def table(new_song: dict[str, float | bool], known_song: dict[str, float | bool], runs: int) -> None:
    """Show the figures to people."""
    shown = Table(title=f"a choreography in a cold process, medians of {runs} runs", title_justify="left")
    for column in ("", "new song", "known song", "to reach"):
        shown.add_column(column, justify="right")
    for name, value in new_song.items():
        target = f"≤ {TARGETS[name]}" if name in TARGETS else ""
        shown.add_row(name, str(value), str(known_song[name]), target)
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    main()
