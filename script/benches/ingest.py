"""A library of many real films: ingested in a cold process, then danced to a song.

Give a folder of films and its annotations; each is filmed again, faster or slower, mirrored, in other light, and begun
elsewhere, until there are as many as asked for. Real encoders' habits stay: B-frames, few keyframes, AAC.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sandbox import house

console = Console(stderr=True)
# Children encode: the larger of the largest of them and of the process itself.
INGEST = """
import json, resource, sys
from pathlib import Path
from bachateo.moves import Library
from bachateo.moves.ingest import ingest
films, annotations, out = map(Path, sys.argv[1:4])
report = ingest(films, annotations, out, height=int(sys.argv[4]))
peak_kb = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({
    "moves": len(Library.load(out).moves),
    "refused": [refused.code for refused in report.refused],
    "peak_rss_mb": peak_kb / 1024,
}))
"""
DANCE = """
import json, sys
from pathlib import Path
import bachateo
song, out, library, cache = map(Path, sys.argv[1:])
made = bachateo.make(song, out, library=library, cache=cache, relax=True)
print(json.dumps({"film_s": made.duration_s, "dance_s": sum(made.seconds.values())}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench ingest", description=__doc__)
    parser.add_argument("--films", type=Path, required=True, help="folder of films")
    parser.add_argument("--annotations", type=Path, help="by default annotations.json in that folder")
    parser.add_argument("--count", type=int, default=150, help="how many films (default %(default)s)")
    parser.add_argument("--height", type=int, default=720, help="height of the library (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=180, help="length of the song danced to (default %(default)s)")
    arguments = parser.parse_args()
    annotations = arguments.annotations or arguments.films / "annotations.json"
    song = house.demo_song(house.LOCAL / "demo" / f"bench-{arguments.seconds}.mp3", seconds=arguments.seconds)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        film_again(arguments.films, json.loads(annotations.read_text()), place / "films", arguments.count)
        began = time.perf_counter()
        words = [place / "films", place / "films" / "annotations.json", place / "library", arguments.height]
        taken = run(INGEST, *words)
        ingest_s = time.perf_counter() - began
        danced = run(DANCE, song, place / "out.mp4", place / "library", place / "cache")
        megabytes = sum(file.stat().st_size for file in (place / "library").rglob("*.mp4")) / 1e6
    figures = {
        "films": arguments.count,
        "moves": taken["moves"],
        "refused": len(taken["refused"]),
        "ingest_s": round(ingest_s, 1),
        "seconds_per_film": round(ingest_s / arguments.count, 2),
        "peak_rss_mb": round(taken["peak_rss_mb"], 1),
        "library_mb": round(megabytes, 1),
        "film_s": round(danced["film_s"], 1),
        "dance_s": round(danced["dance_s"], 2),
    }
    shown = Table("", "measured", title="a library of real films", title_justify="left")
    for key, value in figures.items():
        shown.add_row(key, str(value))
    for code in sorted(set(taken["refused"])):
        shown.add_row(f"refused with {code}", str(taken["refused"].count(code)))
    console.print(shown)
    print(json.dumps(figures))


def film_again(films: Path, annotations: dict, place: Path, count: int) -> None:
    """Write so many films and their annotations."""
    rng = random.Random(0)  # noqa: S311 - the same films in every run
    entries = []
    for number in track(range(count), "filming again", console=console):
        entry = annotations["clips"][number % len(annotations["clips"])]
        clip = f"{entry['clip_id']}-{number}"
        source, target = films / entry["video_path"], place / f"{clip}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        filmed(source, target, speed=rng.uniform(0.93, 1.07), skip_s=rng.uniform(0, 0.3), rng=rng)
        words = {k: v for k, v in entry.items() if k not in ("clip_id", "video_path", "estimated_tempo")}
        entries.append(words | {"clip_id": clip, "video_path": target.name})
    (place / "annotations.json").write_text(json.dumps(annotations | {"clips": entries}))


def filmed(source: Path, target: Path, *, speed: float, skip_s: float, rng: random.Random) -> None:
    """Encode a film again as phones do: B-frames, hardly a keyframe, sound at 48 kHz."""
    pictures = [f"setpts=PTS/{speed:.4f}", f"eq=brightness={rng.uniform(-0.06, 0.06):.3f}"]
    pictures += ["hflip"] if rng.random() < 0.5 else []  # noqa: PLR2004 - every other one
    filters = ["-vf", ",".join(pictures), "-af", f"atempo={speed:.4f}"]
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "250", "-c:a", "aac", "-ar", "48000"]
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-nostdin", "-ss", f"{skip_s:.3f}", "-i", source]
    subprocess.run([*argv, *filters, *codec, target], check=True)


def run(program: str, *arguments: object) -> dict:
    """Run a program in a cold process and return what it printed."""
    argv = [sys.executable, "-c", program, *map(str, arguments)]
    return json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    main()
