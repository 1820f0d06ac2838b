"""Damaged and malicious files through everything that reads untrusted files: none may crash, hang or leave a trace.

A file is refused with a reason, or accepted and heard to its end. Crashed is what ends otherwise, hung what takes
longer than the limits of the child allow, left behind what is still there afterwards: files and processes. A worker
that dies ends the bench with its traceback: nothing of that kind may happen.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

import bachateo
from bachateo import isolation
from bachateo.errors import BachateoError, ClipError
from bachateo.moves.ingest import ingest
from bachateo.music.analyzing import analyze_samples
from bachateo.music.demo import write_demo_song
from bachateo.music.recording import CODECS
from bachateo.music.song import LIMITS, read_song
from sandbox import house

sys.path.insert(0, str(house.ROOT))

from tests.trials.damage import mutants, write_tiny_packets
from tests.trials.sync import flash_library

console = Console(stderr=True)
# Beyond the child's own limit: the start of the process, and the beat tracker on what was accepted.
PATIENCE_S = 20
SEED_SECONDS = 10.5


def analyse(path: Path) -> None:
    """Decode a song and hear its beats."""
    analyze_samples(read_song(path))


def take_in(path: Path) -> None:
    """Make a library of one clip."""
    words = {"clip_id": "clip", "move_label": "basic", "difficulty": "low", "energy_level": "low"}
    with tempfile.TemporaryDirectory() as place:
        annotations = Path(place, "annotations.json")
        annotations.write_text(json.dumps({"clips": [words | {"video_path": path.name}]}))
        for refused in ingest(path.parent, annotations, Path(place, "library"), height=90, workers=1).refused:
            raise ClipError(refused.code, refused.message)


# What reads untrusted files. Every reader here gets every file.
READERS: dict[str, Callable[[Path], None]] = {"analyse": analyse, "ingest": take_in}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=2000, help="how many files (default %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other damage (default %(default)s)")
    parser.add_argument("--no-tiny", action="store_true", help="leave out the file of a million tiny packets")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        temporary = Path(place, "tmp")
        temporary.mkdir()
        files = written(Path(place), arguments.files, arguments.seed, tiny=not arguments.no_tiny)
        fates = Counter(tried(files, temporary, arguments.files))
        left = [*temporary.iterdir()]
    figures = {
        "files": arguments.files,
        **{fate: fates[fate] for fate in ("refused", "accepted", "crashed", "hung")},
        "left_behind": len(left) + len(children()),
        "seconds": round(time.monotonic() - began, 1),
    }
    table(figures)
    print(json.dumps(figures))


def written(place: Path, count: int, seed: int, *, tiny: bool) -> Iterator[Path]:
    """Write one file at a time; its reader removes it."""
    seeds = {}
    for suffix in CODECS:
        path = place / f"seed{suffix}"
        write_demo_song(path, seconds=SEED_SECONDS, seed=seed)
        seeds[suffix] = path.read_bytes()
    film = place / "film.mp4"
    bachateo.make(place / "seed.mp3", film, library=flash_library(place / "flashes").folder)
    seeds[".mp4"] = film.read_bytes()
    if tiny:
        write_tiny_packets(place / "tiny.ogg")
        yield place / "tiny.ogg"
        count -= 1
    for number, (name, content) in enumerate(islice(mutants(seeds, seed), count)):
        path = place / f"{number}-{name}"
        path.write_bytes(content)
        yield path


def tried(files: Iterator[Path], temporary: Path, total: int) -> Iterator[str]:
    """Give each file to each reader; yield how it ended."""
    context = multiprocessing.get_context("spawn")
    workers = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(workers, context, use_temporary, (temporary,)) as pool:
        waiting: deque[tuple[Path, Future[str]]] = deque()
        for path in track(files, "trying", total=total, console=console):
            waiting.append((path, pool.submit(fate, path)))
            # Few at a time, so that few lie on the disk.
            if len(waiting) > 2 * workers:
                yield settled(*waiting.popleft())
        yield from (settled(*pair) for pair in waiting)


def settled(path: Path, future: Future[str]) -> str:
    """Wait until a file has been read and remove it."""
    outcome = future.result()
    path.unlink()
    return outcome


def use_temporary(folder: Path) -> None:
    """Let a worker leave its temporary files where they can be counted."""
    tempfile.tempdir = str(folder)


def fate(path: Path) -> str:
    """Return how reading a file ended: the worst of all readers."""
    began, outcome = time.monotonic(), "accepted"
    for name, read in READERS.items():
        try:
            read(path)
        except BachateoError:
            outcome = "refused"
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            console.print(f"{name} of {path.name}: {error!r}")
            return "crashed"
    return "hung" if time.monotonic() - began > LIMITS.seconds + PATIENCE_S else outcome


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


def table(figures: dict[str, float]) -> None:
    """Show the figures to people."""
    shown = Table(title="files of strangers", title_justify="left")
    for column in ("", "measured", "to reach"):
        shown.add_column(column, justify="right")
    for name, value in figures.items():
        shown.add_row(name, str(value), "0" if name in {"crashed", "hung", "left_behind"} else "")
    console.print(shown)


if __name__ == "__main__":
    main()
