"""A library of many real films: ingested in a cold process, then danced to a song.

Give a folder of films and its annotations; each is filmed again, faster or slower, mirrored, in other light, in clothes
of other colours, and begun elsewhere, until there are as many as asked for. Real encoders' habits stay: B-frames, few
keyframes, AAC. A `wardrobe` in the annotations is hidden from the ingest, and compared with what it sees; a clip
without one counts as clothes of its own, and is dyed so.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from itertools import combinations, pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from sandbox import house

console = Console(stderr=True)
ENDS = ("intros", "outro")  # these are roles, too
TURNS = (0.0, 0.17, 0.33, 0.5, 0.67)  # of the hues of clothes
# Children encode: the larger of the largest of them and of the process itself.
INGEST = """
import json, resource, sys
from pathlib import Path
from bachateo.moves import Library
from bachateo.moves.ingest import ingest
films, annotations, out = map(Path, sys.argv[1:4])
report = ingest(films, annotations, out, height=int(sys.argv[4]))
peak_kb = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
moves = Library.load(out).moves
print(json.dumps({
    "moves": len(moves),
    "seen": {move.clip_id: move.wardrobe for move in moves},
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
print(json.dumps({
    "film_s": made.duration_s,
    "dance_s": sum(made.seconds.values()),
    "distinct_share": made.plan.distinct_share,
    "changes_share": made.plan.changes_share,
    "danced": [placed.move.clip_id for placed in made.plan.moves],
    "relaxed": made.plan.relaxed,
}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench ingest", description=__doc__)
    parser.add_argument("--films", type=Path, required=True, help="folder of films")
    parser.add_argument("--annotations", type=Path, help="by default annotations.json in that folder")
    parser.add_argument("--count", type=int, default=150, help="how many films (default %(default)s)")
    parser.add_argument("--height", type=int, default=720, help="height of the library (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=180, help="length of the song danced to (default %(default)s)")
    parser.add_argument(
        "--figures",
        type=int,
        help="so many different figures are danced in each of the clothes, as in the library of a school; by default "
        "as annotated. With few a plan cannot stay in the same clothes, since a figure may not come back so soon",
    )
    arguments = parser.parse_args()
    annotations = arguments.annotations or arguments.films / "annotations.json"
    song = house.demo_song(house.LOCAL / "demo" / f"bench-{arguments.seconds}.mp3", seconds=arguments.seconds)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        said = json.loads(annotations.read_text())
        worn = film_again(arguments.films, said, place / "films", arguments.count, arguments.figures)
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
        **clothes(taken["seen"], worn, danced["danced"]),
        "distinct_share": round(danced["distinct_share"], 3),
        "changes_share": danced["changes_share"] and round(danced["changes_share"], 3),
    }
    shown = Table("", "measured", title="a library of real films", title_justify="left")
    for key, value in figures.items():
        shown.add_row(key, str(value))
    for code in sorted(set(taken["refused"])):
        shown.add_row(f"refused with {code}", str(taken["refused"].count(code)))
    console.print(shown)
    for sentence in danced["relaxed"]:
        console.print(f"given up: {sentence}")
    print(json.dumps(figures))


def clothes(seen: dict[str, str], worn: dict[str, str], danced: list[str]) -> dict[str, float]:
    """Compare the clothes that were seen with those that were worn, film by film and cut by cut."""
    # A film of several parts has the name of the film, and a number behind it.
    films = {clip: next(film for film in sorted(worn, key=len, reverse=True) if clip.startswith(film)) for clip in seen}
    pairs = [(a, b) for a, b in combinations(sorted(set(films.values())), 2) if a in seen and b in seen]
    same = [seen[a] == seen[b] for a, b in pairs if worn[a] == worn[b]]
    other = [seen[a] != seen[b] for a, b in pairs if worn[a] != worn[b]]
    cuts = [worn[films[before]] != worn[films[after]] for before, after in pairwise(danced)]
    return {
        "wardrobes_worn": len(set(worn.values())),
        "wardrobes_seen": len(set(seen.values())),
        "same_clothes_seen": round(sum(same) / len(same), 3),
        "other_clothes_told": round(sum(other) / len(other), 3),
        "changes_share_worn": round(sum(cuts) / len(cuts), 3),
    }


def film_again(films: Path, annotations: dict, place: Path, count: int, figures: int | None) -> dict[str, str]:
    """Write so many films and their annotations; return what is worn in each."""
    rng = random.Random(0)  # noqa: S311 - the same films in every run
    entries, worn, outfits = [], {}, {}
    for number in track(range(count), "filming again", console=console):
        entry = annotations["clips"][number % len(annotations["clips"])]
        clip = f"{entry['clip_id']}-{number}"
        source, target = films / entry["video_path"], place / f"{clip}.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        # The clips of a film in the same clothes, all six: then come the next ones.
        turn = number // len(annotations["clips"]) % len(TURNS)
        outfit = outfits.setdefault(entry.get("wardrobe") or entry["clip_id"], len(outfits))
        table = place / f"clothes-{outfit}-{turn}.cube"
        if not table.exists():
            table.write_text(colour_table(TURNS[turn], neutral=0.21 * outfit + 1.7 * TURNS[turn]))
        filmed(source, target, speed=rng.uniform(0.93, 1.07), skip_s=rng.uniform(0, 0.3), clothes=table, rng=rng)
        worn[clip] = f"{outfit} {turn}"
        hidden = ("clip_id", "video_path", "estimated_tempo", "wardrobe")
        words = {k: v for k, v in entry.items() if k not in hidden}
        if figures and words["move_label"] not in ENDS:
            # Each time that the clips come again in the same clothes, they show another figure.
            words["move_label"] += f" {number // (len(annotations['clips']) * len(TURNS)) % figures}"
        entries.append(words | {"clip_id": clip, "video_path": target.name})
    (place / "annotations.json").write_text(json.dumps(annotations | {"clips": entries}))
    return worn


def colour_table(turn: float, neutral: float) -> str:
    """Return a table for FFmpeg's lut3d that turns the hues of clothes; those of skin, wood and walls stay.

    White, grey and black clothes get the hue ``neutral``, unless nothing turns: all films have some of them.
    """
    steps = np.linspace(0, 1, 33)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    largest, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    spread = np.maximum(largest - least, 1e-9)
    hue = np.where(
        largest == red,
        (green - blue) / spread,
        np.where(largest == green, 2 + (blue - red) / spread, 4 + (red - green) / spread),
    )
    hue, saturation = hue / 6 % 1, (largest - least) / np.maximum(largest, 1e-9)
    skin = (hue > 0.02) & (hue < 0.15)  # noqa: PLR2004 - orange to yellow
    dyed = ~skin & (saturation > 0.3)  # noqa: PLR2004
    plain = ~dyed & ((largest < 0.3) | (saturation < 0.08)) & (turn > 0)  # noqa: PLR2004
    new_hue = np.where(dyed, hue + turn, np.where(plain, neutral, hue)) % 1
    new_saturation = np.where(plain, 0.6, saturation)
    bright = np.where(plain & (largest < 0.3), largest * 1.5, largest)  # noqa: PLR2004
    rows = []
    for shift in (0, 4, 2):  # red, green, blue
        at = np.abs((new_hue * 6 + shift) % 6 - 3) - 1
        rows.append(bright * (1 - new_saturation * (1 - at.clip(0, 1))))
    cube = np.stack(rows, axis=-1).reshape(-1, 3)
    return "LUT_3D_SIZE 33\n" + "\n".join(" ".join(f"{value:.5f}" for value in row) for row in cube) + "\n"


def filmed(source: Path, target: Path, *, speed: float, skip_s: float, clothes: Path, rng: random.Random) -> None:
    """Encode a film again as phones do: B-frames, hardly a keyframe, sound at 48 kHz."""
    pictures = [f"setpts=PTS/{speed:.4f}", f"eq=brightness={rng.uniform(-0.06, 0.06):.3f}"]
    pictures += [f"lut3d=file={clothes}"]
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
