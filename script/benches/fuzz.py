"""Damaged and crafted files through everything that reads untrusted files: none may crash, hang or leave a trace.

Each file is refused with a reason, or accepted; one in `--every` of them is also heard and encoded as songs are, and
taken into a library as films are. Crashed is what ends otherwise, hung what takes longer than the limits of the child
allow, left behind what is still there afterwards: files and processes. A decoder that crashed did so in its child,
where it may; a worker that dies ends the bench with its traceback: nothing of that kind may happen.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

import bachateo
from bachateo import isolation
from bachateo.errors import BachateoError, ClipError
from bachateo.media.track import encode_sound
from bachateo.moves.ingest import ingest
from bachateo.music.analyzing import analyze_samples
from bachateo.music.demo import write_demo_song
from bachateo.music.recording import CODECS
from bachateo.music.song import LIMITS, check_song, read_song
from sandbox import house

sys.path.insert(0, str(house.ROOT))

from tests.trials.crafted import crafted
from tests.trials.damage import mutants, write_tiny_packets
from tests.trials.sync import flash_library

console = Console(stderr=True)
# Beyond the child's own limit: the start of the process, and the beat tracker on what was accepted.
PATIENCE_S = 20
SEED_SECONDS = 10.5
SLOWEST = 5


def analyse(path: Path) -> None:
    """Decode a song and hear its beats."""
    analyze_samples(read_song(path))


def encode(path: Path) -> None:
    """Make the sound track of a video."""
    with tempfile.TemporaryDirectory() as cache:
        encode_sound(path, cache=Path(cache))


def take_in(path: Path) -> None:
    """Make a library of one clip."""
    words = {"clip_id": "clip", "move_label": "basic", "difficulty": "low", "energy_level": "low"}
    with tempfile.TemporaryDirectory() as place:
        annotations = Path(place, "annotations.json")
        annotations.write_text(json.dumps({"clips": [words | {"video_path": path.name}]}))
        for refused in ingest(path.parent, annotations, Path(place, "library"), height=90, workers=1).refused:
            raise ClipError(refused.code, refused.message)


# What reads untrusted files. The first gets every file.
READERS: dict[str, Callable[[Path], object]] = {
    "check": check_song,
    "analyse": analyse,
    "encode": encode,
    "ingest": take_in,
}
# What is done with a song only when it was accepted.
AFTER_CHECK = ("analyse", "encode")


@dataclass
class Fate:
    """How reading a file ended: the worst of all readers."""

    file: str
    outcome: str = "accepted"
    codes: list[str] = field(default_factory=list)
    cpu_s: float = 0.0
    readings: int = 0
    decoder_crashed: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=5000, help="how many damaged files (default %(default)s)")
    parser.add_argument("--crafted", type=int, default=312, help="how many crafted ones (default %(default)s)")
    parser.add_argument(
        "--every", type=int, default=1, help="all readers for one file in so many (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed, other damage (default %(default)s)")
    parser.add_argument("--minutes", type=float, help="begin no file after so many minutes")
    parser.add_argument("--workers", type=int, help="files at a time (default: one for each core)")
    parser.add_argument("--no-tiny", action="store_true", help="leave out the file of a million tiny packets")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        temporary = Path(place, "tmp")
        temporary.mkdir()
        files = written(Path(place), arguments)
        fates = list(tried(files, temporary, arguments))
        left = [*temporary.iterdir()]
    outcomes, codes = Counter(fate.outcome for fate in fates), Counter(code for fate in fates for code in fate.codes)
    slowest = sorted(fates, key=lambda fate: fate.cpu_s / fate.readings, reverse=True)[:SLOWEST]
    figures = {
        "files": len(fates),
        "crafted": min(arguments.crafted, len(fates)),
        "readings": sum(fate.readings for fate in fates),
        **{outcome: outcomes[outcome] for outcome in ("refused", "accepted", "crashed", "hung")},
        "decoder_crashed": sum(fate.decoder_crashed for fate in fates),
        "left_behind": len(left) + len(children()),
        "codes": dict(sorted(codes.items())),
        "slowest_cpu_s": {fate.file: round(fate.cpu_s / fate.readings, 2) for fate in slowest},
        "seed": arguments.seed,
        "seconds": round(time.monotonic() - began, 1),
    }
    table(figures)
    print(json.dumps(figures))


def written(place: Path, arguments: argparse.Namespace) -> Iterator[Path]:
    """Write one file at a time; its reader removes it."""
    seeds = {}
    for suffix in CODECS:
        path = place / f"seed{suffix}"
        write_demo_song(path, seconds=SEED_SECONDS, seed=arguments.seed)
        seeds[suffix] = path.read_bytes()
    film = place / "film.mp4"
    bachateo.make(place / "seed.mp3", film, library=flash_library(place / "flashes").folder)
    seeds[".mp4"] = film.read_bytes()
    if not arguments.no_tiny:
        write_tiny_packets(place / "tiny.ogg")
        yield place / "tiny.ogg"
    # The crafted ones first: they are the worse ones.
    made = chain(
        islice(crafted(seeds, arguments.seed), arguments.crafted),
        islice(mutants(seeds, arguments.seed), arguments.files),
    )
    for number, (name, content) in enumerate(made):
        path = place / f"{number}-{name}"
        path.write_bytes(content)
        yield path


def tried(files: Iterator[Path], temporary: Path, arguments: argparse.Namespace) -> Iterator[Fate]:
    """Give each file to its readers; yield how it ended."""
    context = multiprocessing.get_context("spawn")
    workers = arguments.workers or len(os.sched_getaffinity(0))
    until = time.monotonic() + 60 * (arguments.minutes or float("inf"))
    with ProcessPoolExecutor(workers, context, use_temporary, (temporary,)) as pool:
        waiting: deque[tuple[Path, Future[Fate]]] = deque()
        total = arguments.files + arguments.crafted + (not arguments.no_tiny)
        for number, path in enumerate(track(files, "trying", total=total, console=console)):
            if time.monotonic() > until:
                break
            readers = [*READERS] if number % arguments.every == 0 else [*READERS][:1]
            waiting.append((path, pool.submit(fate_of, path, readers)))
            # Few at a time, so that few lie on the disk.
            if len(waiting) > 8 * workers:
                yield settled(*waiting.popleft())
        yield from (settled(*pair) for pair in waiting)


def settled(path: Path, future: Future[Fate]) -> Fate:
    """Wait until a file has been read and remove it."""
    outcome = future.result()
    path.unlink()
    return outcome


def use_temporary(folder: Path) -> None:
    """Let a worker leave its temporary files where they can be counted."""
    tempfile.tempdir = str(folder)


def fate_of(path: Path, readers: list[str]) -> Fate:
    """Let the readers read a file."""
    fate = Fate(path.name)
    for name in readers:
        if name in AFTER_CHECK and fate.outcome != "accepted":
            continue
        began, cpu_s = time.monotonic(), children_cpu_s()
        try:
            READERS[name](path)
        except BachateoError as error:
            fate.outcome = "refused" if fate.outcome == "accepted" else fate.outcome
            fate.codes.append(error.code)
            fate.decoder_crashed |= "crashed the decoder" in error.message
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            console.print(f"{name} of {path.name}: {error!r}")
            fate.outcome = "crashed"
        fate.cpu_s += children_cpu_s() - cpu_s
        fate.readings += 1
        if time.monotonic() - began > LIMITS.seconds + PATIENCE_S:
            fate.outcome = "hung"
    return fate


def children_cpu_s() -> float:
    """Return the computing time of all children of this process so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def children() -> list[str]:
    """Return the numbers of limited children that are still there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue  # it ended meanwhile
        if str(isolation.CHILD).encode() in command:
            found.append(process.name)
    return found


def table(figures: dict[str, Any]) -> None:
    """Show the figures to people."""
    shown = Table(title="files of strangers", title_justify="left")
    for column in ("", "measured", "to reach"):
        shown.add_column(column, justify="right")
    for name, value in figures.items():
        shown.add_row(name, str(value), "0" if name in {"crashed", "hung", "left_behind"} else "")
    console.print(shown)


if __name__ == "__main__":
    main()
