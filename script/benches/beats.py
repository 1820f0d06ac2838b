"""How well beats are heard, in songs with known beats.

Without --songs it makes hard songs of its own: loud off-beats, pickups, drift, tempo steps, noise, bad
rooms, bare bands.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mir_eval
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bachateo.errors import SongError
from bachateo.music.analyzing import analyze_samples
from bachateo.music.song import SAMPLE_RATE_HZ, read_song
from sandbox import house

sys.path.insert(0, str(house.ROOT))

from tests.trials.hard_songs import KINDS, write_hard_song

SUFFIXES = {".mp3", ".wav", ".flac", ".ogg", ".opus", ".m4a"}
WINDOW_S = 0.07
TARGETS = {"beat_f": "≥ 0.94", "downbeat_f": "≥ 0.92", "p95_ms": "≤ 12"}
FIGURES = """\
figures, each the plain mean over the songs; of the beats those count that were heard, not those that only go on:
  beat_f       F-measure of the beats within 70 ms of the true ones (mir_eval)
  downbeat_f   F-measure of the first beats of the bars, the same way
  p95_ms       95th percentile of how far a beat that counts as found is from the true one; 70 when none is found
  tempo_err_pct   how far the tempo is from the median of the true one
  seconds_per_song_minute   decoding and hearing, in a process that is warm, over all songs
  librosa_...  the same of librosa.beat.beat_track as it comes
A song in which no beat is heard counts as 0, 70 ms and 100 %.
"""

Times = NDArray[np.float64]


@dataclass(frozen=True)
class Figures:
    """What came out for one song."""

    name: str
    beat_f: float
    downbeat_f: float
    p95_ms: float
    tempo_err_pct: float
    librosa_beat_f: float
    librosa_p95_ms: float
    took_s: float
    minutes: float


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="script/bench beats",
        description=__doc__,
        epilog=FIGURES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--songs", type=Path, help="folder of songs, each with its truth beside it as .json")
    parser.add_argument("--count", type=int, default=4, help="songs of each kind to make (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other songs (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="length of the songs made (default %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        # librosa's compiled code beside its modules crashes for ever when a process was killed while writing it.
        os.environ["NUMBA_CACHE_DIR"] = made
        if arguments.songs is None:
            songs = make_songs(Path(made), arguments.count, arguments.seed, arguments.seconds)
        else:
            songs = songs_in(arguments.songs, parser)
        results = [measure(song) for song in songs]
    table(results)
    print(json.dumps(means(results)))


def songs_in(folder: Path, parser: argparse.ArgumentParser) -> list[Path]:
    """Return the songs of a folder that have their truth beside them."""
    songs = sorted(
        path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES and path.with_suffix(".json").is_file()
    )
    if not songs:
        parser.error(f"{folder} holds no song with its true beats beside it as .json.")
    return songs


def make_songs(folder: Path, count: int, seed: int, seconds: float) -> Iterator[Path]:
    """Make hard songs, one after the other as they are measured."""
    for kind in KINDS:
        for number in range(count):
            path = folder / f"{kind} {seed + number}.mp3"
            write_hard_song(path, kind, seed + number, seconds=seconds)
            yield path


def measure(path: Path) -> Figures:
    """Hear one song and compare with its truth."""
    truth = json.loads(path.with_suffix(".json").read_text())
    beats, downbeats = np.array(truth["beats"]), np.array(truth["downbeats"])
    began = time.perf_counter()
    song = read_song(path)
    try:
        heard = analyze_samples(song)
        found = np.array(heard.beats_s)[np.array(heard.confidence) > 0]
        ones, tempo = np.intersect1d(found, heard.downbeats_s), heard.tempo_bpm
    except SongError:
        found, ones, tempo = np.empty(0), np.empty(0), 0.0
    took_s = time.perf_counter() - began
    import librosa  # noqa: PLC0415 - after main has said where it may write

    _, others = librosa.beat.beat_track(y=song.samples, sr=SAMPLE_RATE_HZ, units="time")
    true_tempo = 60 / float(np.median(np.diff(beats)))
    return Figures(
        name=path.name,
        beat_f=mir_eval.beat.f_measure(beats, found, WINDOW_S),
        downbeat_f=mir_eval.beat.f_measure(downbeats, ones, WINDOW_S),
        p95_ms=p95_ms(beats, found),
        tempo_err_pct=100 * abs(tempo / true_tempo - 1),
        librosa_beat_f=mir_eval.beat.f_measure(beats, np.asarray(others), WINDOW_S),
        librosa_p95_ms=p95_ms(beats, np.asarray(others)),
        took_s=took_s,
        minutes=song.duration_s / 60,
    )


def p95_ms(true: Times, found: Times) -> float:
    """Return the 95th percentile of the absolute errors of the beats that were found."""
    pairs = mir_eval.util.match_events(true, found, WINDOW_S)
    errors = [abs(found[j] - true[i]) for i, j in pairs] or [WINDOW_S]
    return float(1000 * np.percentile(errors, 95))


def means(results: list[Figures]) -> dict[str, float]:
    """Return each figure over all songs."""
    names = ("beat_f", "downbeat_f", "p95_ms", "tempo_err_pct", "librosa_beat_f", "librosa_p95_ms")
    figures = {name: round(float(np.mean([getattr(result, name) for result in results])), 3) for name in names}
    pace = sum(result.took_s for result in results) / sum(result.minutes for result in results)
    return {**figures, "seconds_per_song_minute": round(pace, 3), "songs": len(results)}


def table(results: list[Figures]) -> None:
    """Show the figures to people."""
    overall = means(results)
    columns = ("beat_f", "downbeat_f", "p95_ms", "tempo_err_pct", "librosa_beat_f", "librosa_p95_ms")
    shown = Table(title=f"beats of {len(results)} songs", title_justify="left")
    shown.add_column("")
    for column in columns:
        shown.add_column(column, justify="right")
    for result in results:
        shown.add_row(result.name, *(f"{getattr(result, column):.3f}" for column in columns))
    shown.add_section()
    shown.add_row("mean", *(f"{overall[column]:.3f}" for column in columns))
    shown.add_row("to reach", *(TARGETS.get(column, "") for column in columns))
    console = Console(stderr=True, width=120)
    console.print(shown)
    console.print(f"{overall['seconds_per_song_minute']} s per minute of song")


if __name__ == "__main__":
    main()
