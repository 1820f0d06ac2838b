"""A planned choreography becomes a video: beside ffmpeg copying the same clips, and one pass of the fastest encoder.

Measured in a cold process, without its imports, with the writing out to the disk (fsync); ffmpeg's times hold its
start and no fsync.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
from rich.console import Console
from rich.table import Table

from sandbox import house

ONE_RUN = """
import json, resource, sys, time
from pathlib import Path
from bachateo import music, video
from bachateo.moves import Library
from bachateo.sequence import Wishes, plan_sequence
song, out, library, cache = map(Path, sys.argv[1:])
sound = video.encode_sound(song, cache=cache)
plan = plan_sequence(music.analyze_song(song, cache=cache), Library.load(library), Wishes(relax=True))
began = time.perf_counter()
video.assemble(plan, sound.path, out)
print(json.dumps({
    "assemble_s": time.perf_counter() - began,
    "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "audio_cached": sound.cached,
    "clips": [str(placed.clip) for placed in plan.moves],
    "sound": str(sound.path),
}))
"""
TARGETS = {"assemble_s": "≤ 0.4", "ratio_to_copy": "≤ 1", "ratio_to_ultrafast": "≥ 60", "peak_rss_mb": "≤ 120"}
LIBRARY = house.LOCAL / "moves-720"


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench assembly", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="measured runs after one warm-up (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=180, help="length of the song (default %(default)s)")
    parser.add_argument("--library", type=Path, help="by default the starter library, drawn at 1280x720")
    arguments = parser.parse_args()
    song = house.demo_song(house.LOCAL / "demo" / f"bench-{arguments.seconds}.mp3", seconds=arguments.seconds)
    library = arguments.library or drawn()
    with tempfile.TemporaryDirectory() as place:
        figures = measure(song, library, Path(place), arguments.runs)
    table(figures, arguments.seconds, arguments.runs)
    print(json.dumps(figures))


def drawn() -> Path:
    """Return the starter library in the size of real clips, drawn once."""
    command = [house.PROGRAMS / "bachateo", "library", "starter", LIBRARY, "--height", "720"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return LIBRARY


def measure(song: Path, library: Path, place: Path, runs: int) -> dict[str, float | bool]:
    """Take turns, so that a noisy moment meets all three."""
    argv = [sys.executable, "-c", ONE_RUN, str(song), str(place / "out.mp4"), str(library), str(place / "cache")]
    first = json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)
    concat = place / "clips.txt"
    concat.write_text("".join(f"file '{Path(clip).resolve()}'\n" for clip in first["clips"]))
    ours, copied = [], []
    for _ in range(runs):
        ours.append(json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout))
        copied.append(seconds_of(lambda: ffmpeg(concat, first["sound"], place / "copy.mp4", "copy")))
    encoded = seconds_of(lambda: ffmpeg(concat, first["sound"], place / "x.mp4", "libx264", "-preset", "ultrafast"))
    assemble_s = statistics.median(run["assemble_s"] for run in ours)
    copy_s = statistics.median(copied)
    return {
        "assemble_s": round(assemble_s, 3),
        "ffmpeg_copy_s": round(copy_s, 3),
        "ultrafast_s": round(encoded, 3),
        "ratio_to_copy": round(assemble_s / copy_s, 3),
        "ratio_to_ultrafast": round(encoded / assemble_s, 1),
        "peak_rss_mb": round(max(run["peak_rss_mb"] for run in ours), 1),
        "audio_cached": all(run["audio_cached"] for run in ours),
    }


def ffmpeg(concat: Path, sound: str, out: Path, *codec: str) -> None:
    """Join the clips as they are, without any warp, with the same sound."""
    inputs = ["-f", "concat", "-safe", "0", "-i", str(concat), "-i", sound, "-map", "0:v", "-map", "1:a"]
    outputs = ["-c:a", "copy", "-c:v", *codec, "-movflags", "+faststart", str(out)]
    program = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run([program, "-y", "-v", "error", "-nostdin", *inputs, *outputs], check=True)


def seconds_of(work: Callable[[], None]) -> float:
    """Return how long something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def table(figures: dict[str, float | bool], seconds: int, runs: int) -> None:
    """Show the figures to people."""
    shown = Table(title=f"{seconds} s assembled, medians of {runs} runs", title_justify="left")
    for column in ("", "measured", "to reach"):
        shown.add_column(column, justify="right")
    for name, value in figures.items():
        shown.add_row(name, str(value), TARGETS.get(name, ""))
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    main()
