"""A song in, a video out, in a cold process: how long each stage takes and how much memory it needs.

`--growth` makes songs of 30 s, 3 min and 30 min instead, and tells time and memory for each minute of song.
"""

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
import bachateo
song, out, library, cache = map(Path, sys.argv[1:])
made = bachateo.make(song, out, library=library, cache=cache)
# The children decode and encode; the larger of them and of this process itself.
peak_kb = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({
    "song_s": made.duration_s,
    "analyse_s": made.seconds["analyzing"],
    "plan_s": made.seconds["selecting"],
    "assemble_s": made.seconds["generating"],
    "total_s": time.perf_counter() - began,
    "peak_rss_mb": peak_kb / 1024,
    "audio_cached": made.audio_cached,
}))
"""
TARGETS = {"total_s": "≤ 4", "again_s": "≤ 0.8", "peak_rss_mb": "≤ 500"}
LENGTHS_S = (30, 180, 1800)


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench generate", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="measured runs after one warm-up (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=180, help="length of the song (default %(default)s)")
    parser.add_argument("--growth", action="store_true", help="songs of 30 s, 3 min and 30 min, one run each")
    arguments = parser.parse_args()
    library = house.moves_library()
    with tempfile.TemporaryDirectory() as place:
        if arguments.growth:
            figures = growth(library, Path(place))
        else:
            figures = generation(library, Path(place), arguments.seconds, arguments.runs)
    print(json.dumps(figures))


def generation(library: Path, place: Path, seconds: int, runs: int) -> dict[str, float | bool]:
    """Make a new song and the same song again, several times."""
    song = demo_song(seconds)
    once = place / "warm-up"
    run(song, library, once)
    new_song = median([run(song, library, place / str(number)) for number in range(runs)])
    known_song = median([run(song, library, once) for _ in range(runs)])
    figures = new_song | {"again_s": known_song["total_s"]}
    rows = [(name, value, known_song.get(name, ""), TARGETS.get(name, "")) for name, value in figures.items()]
    table(f"a choreography in a cold process, medians of {runs} runs", ("new song", "known song", "to reach"), rows)
    return figures


def growth(library: Path, place: Path) -> dict[str, dict[str, float]]:
    """Make a new song of each length, once; return time and memory for each minute of song."""
    figures = {}
    for seconds in LENGTHS_S:
        made = run(demo_song(seconds), library, place / str(seconds))
        again = run(demo_song(seconds), library, place / str(seconds))
        minutes = seconds / 60
        figures[f"{seconds}_s"] = {
            "total_s": round(made["total_s"], 2),
            "again_s": round(again["total_s"], 2),
            "peak_rss_mb": round(made["peak_rss_mb"], 1),
            "seconds_per_song_minute": round(made["total_s"] / minutes, 3),
            "rss_mb_per_song_minute": round(made["peak_rss_mb"] / minutes, 2),
        }
    names = list(figures["30_s"])
    rows = [(name, *(figures[f"{seconds}_s"][name] for seconds in LENGTHS_S)) for name in names]
    table("growth with the length of the song", [f"{seconds} s" for seconds in LENGTHS_S], rows)
    return figures


def demo_song(seconds: int) -> Path:
    """Return a synthesised song of this length, made once."""
    return house.demo_song(house.LOCAL / "demo" / f"bench-{seconds}.mp3", seconds=seconds)


def run(song: Path, library: Path, folder: Path) -> dict[str, float]:
    """Make one choreography in a process of its own; the song is known when ``folder`` holds its cache."""
    argv = [sys.executable, "-c", ONE_RUN, str(song), str(folder / "video.mp4"), str(library), str(folder / "cache")]
    return dict(json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout))


def median(runs: list[dict[str, float]]) -> dict[str, float | bool]:
    """Return the median of each figure; a switch must be the same in all runs."""
    (cached,) = {bool(run["audio_cached"]) for run in runs}
    figures = {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0]}
    return figures | {"audio_cached": cached}


def table(title: str, columns: list[str] | tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """Show the figures to people."""
    shown = Table(title=title, title_justify="left")
    for column in ("", *columns):
        shown.add_column(column, justify="right")
    for row in rows:
        shown.add_row(*map(str, row))
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    main()
