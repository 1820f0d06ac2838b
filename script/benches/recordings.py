"""Films that were cut from one recording: does each of them get the 1 of the others, and is what stays doubtful said?

Songs are cut into films that overlap, each with its own loudness and noise, encoded as phones do, and given to the
ingest. Two films that share music contradict each other where the 1 of one is no 1 of the other. Without --songs it
makes songs whose true bars and 1s are known, of the kinds of `script/bench beats`; the probability that ingest tells
was fitted to other seeds, below 100.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, groupby
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bachateo.moves.ingest import ingest
from bachateo.moves.ingest.annotations import read_entries
from bachateo.moves.ingest.records import Records
from bachateo.moves.ingest.report import MARGIN, AcceptedClip, Report
from bachateo.moves.ingest.run import LIMITS, Ingestion
from sandbox import house

sys.path.insert(0, str(house.ROOT))

from tests.trials import hard_songs, phrased_songs, sound_font

SUFFIXES = {".mp3", ".wav", ".flac", ".ogg", ".opus", ".m4a", ".mp4", ".mov"}
SHORTEST_S, LONGEST_S = 8.0, 20.0
WITHIN = 1.6  # times the longest: all films of a song are within so much of it, so that most of them overlap
SHARED_S = 4.0  # of music at least: two films that have so much in common are compared
NEAR_S = 0.07
BAR, EIGHT = 4, 8
FIGURES = """\
figures:
  films, refused, recordings   how many were made, and refused by the ingest
  pairs             pairs of films that share at least four seconds of music
  found             share of these pairs whose films the ingest counted together
  contradictions_alone   pairs of which the 1 of one is no 1 of the other, as each film is heard alone
  contradictions    the same, as the ingest leaves them
  unwarned          of those, the pairs of which neither film has a warning; to reach: 0
  doubtful          share of the films whose 1 is said to be doubtful
  on_five           share of those that are too short from their 1 on, so that they begin on a 5, which is said, too
  wrong_bars, wrong_bars_unwarned   where the truth is known: films whose 1 is neither a 1 nor a 5; and those of them
                    without a warning
  right_bars_warned share of the films with a right bar of which it is said that they are doubtful
  right_ones        share of the films whose 1 is a 1 and no 5
  bar_confidence, count_confidence   what the ingest says of both on average, to be compared with the shares
"""

Times = NDArray[np.float64]
console = Console(stderr=True, width=120)


@dataclass(frozen=True)
class Cut:
    """A film: from where in which recording it is."""

    recording: Path
    start_s: float
    stop_s: float


@dataclass(frozen=True)
class Grid:
    """The beats of a film in the time of its recording, and which of them is a 1."""

    cut: Cut
    beats_s: Times
    first_count: int

    @property
    def one_s(self) -> float:
        """When its 1 is."""
        return float(self.beats_s[self.first_count])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="script/bench recordings",
        description=__doc__,
        epilog=FIGURES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--songs", type=Path, help="songs or films; what is true beside each as .json, or not")
    parser.add_argument("--cuts", type=int, default=6, help="films of each song (default %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=301, help="another seed, other songs and cuts (default %(default)s)"
    )
    parser.add_argument("--shortest", type=float, default=SHORTEST_S, help="seconds (default %(default)s)")
    parser.add_argument("--longest", type=float, default=LONGEST_S, help="seconds (default %(default)s)")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)  # noqa: S311 - the same films in every run
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        songs = songs_in(arguments.songs, parser) if arguments.songs else [*made_songs(place, arguments.seed)]
        cuts = film(songs, place / "films", arguments.cuts, (arguments.shortest, arguments.longest), rng)
        console.print(f"ingesting {len(cuts)} films")
        annotations = place / "films" / "annotations.json"
        report = ingest(place / "films", annotations, place / "library", height=90)
        alone = heard_alone(annotations, place / "library", cuts)
        figures = measured(report, alone, cuts)
    table(figures)
    print(json.dumps(figures))


def songs_in(folder: Path, parser: argparse.ArgumentParser) -> list[Path]:
    """Return the songs and films below a folder."""
    songs = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not songs:
        parser.error(f"{folder} holds no song.")
    return songs


def made_songs(place: Path, seed: int) -> Iterator[Path]:
    """Make a song of each kind."""
    font = sound_font.fetch_font(house.ROOT / ".local" / "sound-fonts")
    kinds = [(hard_songs.write_hard_song, kind) for kind in hard_songs.KINDS]
    kinds += [(phrased_songs.write_phrased_song, kind) for kind in phrased_songs.KINDS]
    for number, (write, kind) in enumerate(track(kinds, "making songs", console=console), seed):
        # The time of an mp3 is told differently by different decoders, by some hundredths of a second.
        path = place / f"{kind} {number}.{'mp3' if kind == 'low bit rate' else 'wav'}"
        write(path, kind, number, seconds=75, sound=sound_font.FontBand(font, number) if font and number % 2 else None)
        yield path


def film(
    songs: list[Path], folder: Path, count: int, lengths_s: tuple[float, float], rng: random.Random
) -> dict[str, Cut]:
    """Cut so many films out of each song and write their annotations."""
    folder.mkdir()
    cuts, entries = {}, []
    for number, song in enumerate(track(songs, "filming", console=console)):
        whole_s = length_s(song)
        within_s = min(WITHIN * lengths_s[1], whole_s)
        first_s = rng.uniform(0, whole_s - within_s)
        for part in range(count):
            seconds = min(rng.uniform(*lengths_s), within_s)
            start_s = first_s + rng.uniform(0, within_s - seconds)
            name = f"recording-{number}-{part}"
            shoot(song, folder / f"{name}.mp4", start_s, seconds, rng)
            cuts[name] = Cut(song, start_s, start_s + seconds)
            entries.append({"clip_id": name, "video_path": f"{name}.mp4", "move_label": "basic", "difficulty": "low"})
            entries[-1]["energy_level"] = "low"
    (folder / "annotations.json").write_text(json.dumps({"clips": entries}))
    return cuts


def length_s(song: Path) -> float:
    """Return how long a song is."""
    with av.open(str(song)) as container:
        return container.duration / av.time_base


def shoot(song: Path, target: Path, start_s: float, seconds: float, rng: random.Random) -> None:
    """Write a film with a part of a song, as loud as it happens to be, in a room that is not quite still."""
    louder, noise = rng.uniform(0.2, 1), rng.uniform(0, 0.01)
    sound = f"[0:a]volume={louder:.3f}[music];anoisesrc=a={noise:.5f}:r=44100[noise];"
    sound += "[music][noise]amix=duration=first:normalize=0[sound]"
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", "-nostdin", "-ss", f"{start_s:.4f}"]
    argv += ["-t", f"{seconds:.4f}", "-i", song, "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=15"]
    argv += ["-filter_complex", sound, "-map", "1:v", "-map", "[sound]", "-t", f"{seconds:.4f}"]
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "96k"]
    subprocess.run([*argv, *codec, target], check=True)


def heard_alone(annotations: Path, library: Path, cuts: dict[str, Cut]) -> dict[str, Grid]:
    """Return how each film was heard, before the others were asked."""
    run = Ingestion(Records(library), LIMITS, 1, lambda _stage, _done, _total: None)
    told = run.annotated(read_entries(annotations), annotations.parent)
    found = {name: run.found(annotation) for name, annotation in told.items()}
    return {
        name: Grid(cuts[name], np.array(record["beats_s"]) + cuts[name].start_s, record["first_count"])
        for name, record in found.items()
        if record
    }


def measured(report: Report, alone: dict[str, Grid], cuts: dict[str, Cut]) -> dict[str, float | None]:
    """Return the figures."""
    clips = {clip.clip_id: clip for clip in report.accepted}
    grids = {name: grid_of(clip, cuts[name]) for name, clip in clips.items()}
    pairs = [*sharing(grids)]
    left = [pair for pair in pairs if contradict(*(grids[name] for name in pair))]
    doubtful = {name for name, clip in clips.items() if clip.certainty < MARGIN}
    warned = doubtful | {name for name, clip in clips.items() if clip.on_five}
    together = [all(clips[name].votes > 1 for name in pair) for pair in pairs]
    return {
        "recordings": len({cut.recording for cut in cuts.values()}),
        "films": len(cuts),
        "refused": len(report.refused),
        **{f"refused, {reason}": number for reason, number in Counter(each.reason for each in report.refused).items()},
        "pairs": len(pairs),
        "found": round(float(np.mean(together)), 3) if pairs else None,
        "contradictions_alone": sum(contradict(alone[one], alone[other]) for one, other in pairs),
        "contradictions": len(left),
        "unwarned": sum(not warned & set(pair) for pair in left),
        "doubtful": round(len(doubtful) / len(clips), 3),
        "on_five": round(sum(clip.on_five for clip in clips.values()) / len(clips), 3),
        **compared({name: (grids[name], clips[name]) for name in clips}, doubtful),
    }


def grid_of(clip: AcceptedClip, cut: Cut) -> Grid:
    return Grid(cut, np.array(clip.heard_s) + cut.start_s, clip.first_count)


def sharing(grids: dict[str, Grid]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of films that share music."""
    ordered = sorted(grids, key=lambda name: grids[name].cut.recording)
    for _, names in groupby(ordered, key=lambda name: grids[name].cut.recording):
        for one, other in combinations(names, 2):
            a, b = grids[one].cut, grids[other].cut
            if min(a.stop_s, b.stop_s) - max(a.start_s, b.start_s) >= SHARED_S:
                yield one, other


def contradict(one: Grid, other: Grid) -> bool:
    """Whether the 1 of one film is no 1 of the other, by most of the beats that both have."""
    inside = (other.beats_s >= one.beats_s[0]) & (other.beats_s <= one.beats_s[-1])
    at = np.interp(other.beats_s[inside], one.beats_s, np.arange(len(one.beats_s))) - one.first_count
    off = (at - np.flatnonzero(inside) + other.first_count + EIGHT / 2) % EIGHT - EIGHT / 2
    return bool(len(off)) and float(np.median(np.abs(off))) > 0.2  # noqa: PLR2004 - of a beat


def compared(films: dict[str, tuple[Grid, AcceptedClip]], doubtful: set[str]) -> dict[str, float | None]:
    """Compare the films with what is true, where that is known."""
    right_bar: dict[str, bool] = {}
    right_one: dict[str, bool] = {}
    for name, (grid, _) in films.items():
        beside = grid.cut.recording.with_suffix(".json")
        truth = json.loads(beside.read_text()) if beside.is_file() else {}
        for times, right in (("downbeats", right_bar), ("ones", right_one)):
            if truth.get(times):
                right[name] = bool(np.abs(np.array(truth[times]) - grid.one_s).min() < NEAR_S)
    if not right_bar:
        return {}
    wrong = {name for name, right in right_bar.items() if not right}
    counted = [name for name in right_one if right_bar[name]]
    return {
        "wrong_bars": len(wrong),
        "wrong_bars_unwarned": len(wrong - doubtful),
        "right_bars_warned": round(float(np.mean([name in doubtful for name in right_bar if name not in wrong])), 3),
        "bar_confidence": round(float(np.mean([films[name][1].bar_confidence for name in right_bar])), 3),
        "right_bars": round(1 - len(wrong) / len(right_bar), 3),
        "count_confidence": round(float(np.mean([films[name][1].count_confidence for name in counted])), 3),
        "right_ones": round(float(np.mean([right_one[name] for name in counted])), 3),
    }


def table(figures: dict[str, float | None]) -> None:
    """Show the figures to people."""
    shown = Table(title="films that share a recording", title_justify="left")
    for column in ("", "measured", "to reach"):
        shown.add_column(column, justify="right")
    for name, value in figures.items():
        shown.add_row(name, str(value), "0" if name == "unwarned" else "")
    console.print(shown)


if __name__ == "__main__":
    main()
