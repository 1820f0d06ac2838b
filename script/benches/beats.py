"""How well beats, bars and eight-counts are heard, in songs that are made with their truth.

Without --songs it makes songs of two families: hard ones (loud off-beats, pickups, drift, tempo steps, noise, bad
rooms, bare bands) and phrased ones, whose 1s are known (derecho, majao and mambo; odd introductions, inserted bars,
breaks, ramps, silence, applause, noise or free tempo before, low bit rate). Every second song is played with a sound
font, where npm can fetch it, the others with synthesised instruments. Of music that is no bachata (a waltz, a
flamenco in twelves, free tempo) it should be said that it does not look like four beats a bar.

Songs for judging have seeds from 101 on, by default; the engine was tuned with seeds 1 to 20, and its weights were
learned from seeds 10,000 and above.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import mir_eval
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bachateo.errors import SongError
from bachateo.music.analysis import Analysis
from bachateo.music.analyzing import analyze_samples
from bachateo.music.song import SAMPLE_RATE_HZ, DecodedSong, read_song
from sandbox import house

sys.path.insert(0, str(house.ROOT))

from tests.trials import hard_songs, other_music, phrased_songs, sound_font

SUFFIXES = {".mp3", ".wav", ".flac", ".ogg", ".opus", ".m4a"}
WINDOW_S = 0.07
EIGHT, BAR = 8, 4
SURE = (0.7, 0.8, 0.9, 0.95)  # how sure a 1 was: these part the groups whose share of right ones is looked at
TARGETS = {"beat_f": "≥ 0.97", "downbeat_f": "≥ 0.96", "eight_f": "≥ 0.85", "p95_ms": "≤ 12"}
COLUMNS = ("beat_f", "downbeat_f", "eight_f", "cmlt", "amlt", "p95_ms")
FIGURES = """\
figures, each the plain mean over the songs; of the beats those count that were heard, not those that only go on:
  beat_f       F-measure of the beats within 70 ms of the true ones (mir_eval)
  downbeat_f   F-measure of the first beats of the bars, the same way
  eight_f      F-measure of the 1s of the eight-counts, the same way; of the songs whose 1s are known
  cmlt, amlt   share of the beats in correct continuity; amlt allows half and double tempo and the off-beat (mir_eval)
  p95_ms       95th percentile of how far a beat that counts as found is from the true one; 70 when none is found
  lowest_beat_f   the song that is heard worst
  librosa_..., aubio_...   the same of librosa.beat.beat_track and aubio.tempo as they come; they know no bars, so every
                           fourth and eighth beat from their first one on counts
  ones_sure, ones_error   how sure the 1s were on average, and how far from that the share of the right ones is, over
                          groups that were alike sure (the expected calibration error)
  false_alarms      share of the songs with truth of which it is said that they do not look like four beats a bar
  uncertain_alarms  share of them of which some part is said to be uncertain
  others_told       share of the music that is no bachata of which either is said
  seconds_per_song_minute   decoding and hearing, in a process that is warm, over all songs
A song in which no beat is heard counts as 0 and 70 ms. aubio is GPL, so it is not locked: it is measured where
`.local/uv/bin/uv pip install --python .venv aubio-ledfx` was run.
"""

Times = NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """What a tracker hears in one song, in seconds."""

    beats: Times
    downbeats: Times
    ones: Times
    not_four: bool = False
    uncertain: bool = False
    sure: Times = field(default_factory=lambda: np.empty(0))  # of each of the ones


@dataclass(frozen=True)
class Result:
    """What came out for one song: the figures of each tracker; and how sure each 1 was, and whether it is right."""

    name: str
    figures: dict[str, dict[str, float]]
    heard: Heard
    took_s: float
    minutes: float
    sure: tuple[tuple[float, bool], ...] = ()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="script/bench beats",
        description=__doc__,
        epilog=FIGURES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--songs", type=Path, help="folder of songs, each with its truth beside it as .json")
    parser.add_argument("--count", type=int, default=2, help="songs of each kind to make (default %(default)s)")
    parser.add_argument("--seed", type=int, default=101, help="another seed, other songs (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=75, help="length of the songs made (default %(default)s)")
    arguments = parser.parse_args()
    console = Console(stderr=True, width=120)
    with tempfile.TemporaryDirectory() as made:
        # librosa's compiled code beside its modules crashes for ever when a process was killed while writing it.
        os.environ["NUMBA_CACHE_DIR"] = made
        if arguments.songs is None:
            font = sound_font.fetch_font(house.ROOT / ".local" / "sound-fonts")
            console.print("every second song with a sound font" if font else "no npm, so no sound font: synthesised")
            songs = make_songs(Path(made), font, arguments.count, arguments.seed, arguments.seconds)
        else:
            songs = songs_in(arguments.songs, parser)
        results = [measure(song) for song in songs]
        others = [] if arguments.songs else [*others_told(Path(made), arguments.count, arguments.seed)]
    figures = means(results) | ({"others_told": round(float(np.mean(others)), 3)} if others else {})
    table(results, figures, console)
    print(json.dumps(figures))


def songs_in(folder: Path, parser: argparse.ArgumentParser) -> Iterator[Path]:
    """Return the songs of a folder that have their truth beside them."""
    songs = sorted(
        path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES and path.with_suffix(".json").is_file()
    )
    if not songs:
        parser.error(f"{folder} holds no song with its true beats beside it as .json.")
    return iter(songs)


def make_songs(folder: Path, font: Path | None, count: int, seed: int, seconds: float) -> Iterator[Path]:
    """Make songs, one after the other as they are measured."""
    for family, kinds, write in (
        ("hard", hard_songs.KINDS, hard_songs.write_hard_song),
        ("phrased", phrased_songs.KINDS, phrased_songs.write_phrased_song),
    ):
        for kind in kinds:
            for number in range(seed, seed + count):
                path = folder / f"{family}, {kind} {number}.mp3"
                band = sound_font.FontBand(font, number) if font and number % 2 == 0 else None
                write(path, kind, number, seconds=seconds, sound=band)
                yield path


def others_told(folder: Path, count: int, seed: int) -> Iterator[bool]:
    """Make music that is no bachata and tell of each whether the engine says so."""
    for kind in other_music.KINDS:
        for number in range(seed, seed + count):
            path = folder / f"other, {kind} {number}.mp3"
            other_music.write_other_music(path, kind, number)
            heard = by_engine(read_song(path))
            yield heard.not_four or heard.uncertain or not len(heard.beats)


def measure(path: Path) -> Result:
    """Hear one song with each tracker and compare with its truth."""
    truth = {name: np.array(times) for name, times in json.loads(path.with_suffix(".json").read_text()).items()}
    began = time.perf_counter()
    song = read_song(path)
    heard = {"": by_engine(song)}
    took_s = time.perf_counter() - began
    heard["librosa_"] = by_librosa(song.samples)
    if find_spec("aubio"):
        heard["aubio_"] = by_aubio(song.samples)
    figures = {tracker: compared(found, truth) for tracker, found in heard.items()}
    own = heard[""]
    # A waltz has beats and no eight-counts.
    known = truth.get("ones", np.empty(0))
    right = [bool(np.abs(known - one_s).min() < WINDOW_S) for one_s in own.ones] if len(known) else []
    sure = tuple(zip(own.sure.tolist(), right, strict=False))
    return Result(path.name, figures, own, took_s, song.duration_s / 60, sure)


def by_engine(song: DecodedSong) -> Heard:
    """Return the beats that this engine heard, not those that only go on."""
    try:
        analysis = analyze_samples(song)
    except SongError:
        return Heard(np.empty(0), np.empty(0), np.empty(0))
    found = np.array(analysis.beats_s)[np.array(analysis.confidence) > 0]
    ones = [(beats_s, sure) for beats_s, sure in _sure_ones(analysis) if beats_s in found]
    return Heard(
        found,
        np.intersect1d(found, analysis.downbeats_s),
        np.array([one_s for one_s, _ in ones]),
        sure=np.array([sure for _, sure in ones]),
        not_four=not analysis.looks_like_four_beats,
        uncertain=bool(analysis.uncertain_s),
    )


def _sure_ones(analysis: Analysis) -> Iterator[tuple[float, float]]:
    return ((phrase.start_s, phrase.confidence) for phrase in analysis.phrases)


def by_librosa(samples: NDArray[np.float32]) -> Heard:
    """Return the beats that librosa hears."""
    import librosa  # noqa: PLC0415 - after main has said where it may write

    _, beats = librosa.beat.beat_track(y=samples, sr=SAMPLE_RATE_HZ, units="time")
    return counted(np.asarray(beats, float))


def by_aubio(samples: NDArray[np.float32]) -> Heard:
    """Return the beats that aubio hears."""
    import aubio  # noqa: PLC0415 - not everywhere

    hop = 512
    tempo = aubio.tempo("default", 2 * hop, hop, SAMPLE_RATE_HZ)
    whole = samples[: len(samples) // hop * hop].reshape(-1, hop)
    return counted(np.array([tempo.get_last_s() for block in whole if tempo(np.array(block))[0]], float))


def counted(beats: Times) -> Heard:
    """Count beats from the first one on."""
    return Heard(beats, beats[::BAR], beats[::EIGHT])


def compared(found: Heard, truth: dict[str, Times]) -> dict[str, float]:
    """Return the figures of one tracker for one song."""
    beats = truth["beats"]
    _, cmlt, _, amlt = (0.0,) * 4 if len(found.beats) < BAR else mir_eval.beat.continuity(beats, found.beats)
    figures = {
        "beat_f": mir_eval.beat.f_measure(beats, found.beats, WINDOW_S),
        "downbeat_f": mir_eval.beat.f_measure(truth["downbeats"], found.downbeats, WINDOW_S),
        "cmlt": cmlt,
        "amlt": amlt,
        "p95_ms": p95_ms(beats, found.beats),
    }
    if len(truth.get("ones", ())):
        figures["eight_f"] = mir_eval.beat.f_measure(truth["ones"], found.ones, WINDOW_S)
    return figures


def p95_ms(true: Times, found: Times) -> float:
    """Return the 95th percentile of the absolute errors of the beats that were found."""
    pairs = mir_eval.util.match_events(true, found, WINDOW_S)
    errors = [abs(found[j] - true[i]) for i, j in pairs] or [WINDOW_S]
    return float(1000 * np.percentile(errors, 95))


def means(results: list[Result]) -> dict[str, float]:
    """Return each figure over all songs."""
    figures = {}
    for tracker in results[0].figures:
        for column in COLUMNS:
            values = [result.figures[tracker][column] for result in results if column in result.figures[tracker]]
            if values:
                figures[tracker + column] = round(float(np.mean(values)), 3)
    sure = np.array([each for result in results for each in result.sure]).reshape(-1, 2)
    pace = sum(result.took_s for result in results) / sum(result.minutes for result in results)
    lowest = min(result.figures[""]["beat_f"] for result in results)
    return {
        **figures,
        "lowest_beat_f": round(lowest, 3),
        **(
            {"ones_sure": round(float(sure[:, 0].mean()), 3), "ones_error": calibration_error(sure)}
            if len(sure)
            else {}
        ),
        "false_alarms": round(float(np.mean([result.heard.not_four for result in results])), 3),
        "uncertain_alarms": round(float(np.mean([result.heard.uncertain for result in results])), 3),
        "seconds_per_song_minute": round(pace, 3),
        "songs": len(results),
    }


def calibration_error(sure: Times) -> float:
    """Return how far the share of right 1s is from how sure they were, on average over those that were alike sure."""
    group = np.digitize(sure[:, 0], SURE)
    apart = [abs(float(np.diff(sure[group == each].mean(axis=0))[0])) * np.mean(group == each) for each in set(group)]
    return round(float(sum(apart)), 3)


def table(results: list[Result], overall: dict[str, float], console: Console) -> None:
    """Show the figures to people."""
    shown = Table(title=f"beats of {len(results)} songs", title_justify="left")
    shown.add_column("")
    for column in COLUMNS:
        shown.add_column(column, justify="right")
    for result in results:
        own = result.figures[""]
        shown.add_row(result.name, *(f"{own[column]:.3f}" if column in own else "" for column in COLUMNS))
    shown.add_section()
    for tracker in results[0].figures:
        name = f"mean, {tracker[:-1] or 'this engine'}"
        shown.add_row(name, *(str(overall.get(tracker + column, "")) for column in COLUMNS))
    shown.add_row("to reach", *(TARGETS.get(column, "") for column in COLUMNS))
    console.print(shown)
    if "aubio_" not in results[0].figures:
        console.print("aubio is not installed, so it was not measured; see --help")
    console.print(f"lowest beat_f {overall['lowest_beat_f']} (to reach ≥ 0.9)")
    console.print(
        f"said of songs with truth: not four beats {overall['false_alarms']}, uncertain {overall['uncertain_alarms']}; "
        f"of other music either: {overall.get('others_told', 'not tried')}"
    )
    console.print(f"{overall['seconds_per_song_minute']} s per minute of song")


if __name__ == "__main__":
    main()
