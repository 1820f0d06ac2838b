"""A library of many moves: how long its index takes to make, to open and to search, in a process of its own."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bachateo.moves.index import MoveDocument
from bachateo.moves.index.document import VECTOR_DIMS
from bachateo.moves.index.local import FILE_NAME, LocalMoveIndex
from bachateo.moves.library import DIFFICULTIES, ENERGY_LEVELS

# In a process of its own, so that its memory is that of a search alone.
SEARCHES = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from bachateo.moves.index import MoveQuery
from bachateo.moves.index.document import VECTOR_DIMS
from bachateo.moves.index.local import LocalMoveIndex
from bachateo.moves.library import DIFFICULTIES, ENERGY_LEVELS
path, count = Path(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(1)
began = time.perf_counter()
index = LocalMoveIndex(path)
moves = index.count()
open_ms = 1000 * (time.perf_counter() - began)
took_ms, cpu_ms, hits = [], [], 0
for number in range(count):
    vectors = {name: rng.normal(size=dims).astype(np.float32) for name, dims in VECTOR_DIMS.items()}
    # Without filters, with one and with both; by music and text as an engine asks, and with every vector.
    asked = vectors if number % 2 else {name: vectors[name] for name in ("audio", "text")}
    difficulty = DIFFICULTIES[number % 3] if number % 4 > 1 else None
    energy = ENERGY_LEVELS[number % 3] if number % 4 > 2 else None
    query = MoveQuery(asked, difficulty=difficulty, energy_level=energy)
    began, worked = time.perf_counter(), time.process_time()
    found = index.search(query)
    documents = index.get_many([hit.clip_id for hit in found.hits[:20]])
    took_ms.append(1000 * (time.perf_counter() - began))
    cpu_ms.append(1000 * (time.process_time() - worked))
    hits += len(found.hits)
# Pages of the mapped file count as this process's memory, but the system takes them back when it needs them.
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(json.dumps({
    "open_ms": round(open_ms, 2),
    "search_p50_ms": round(float(np.percentile(took_ms, 50)), 2),
    "search_p95_ms": round(float(np.percentile(took_ms, 95)), 2),
    "search_cpu_p50_ms": round(float(np.percentile(cpu_ms, 50)), 2),
    "search_cpu_p95_ms": round(float(np.percentile(cpu_ms, 95)), 2),
    "hits": round(hits / count, 1),
    "private_mb": round(int(status["RssAnon"].split()[0]) / 1024, 1),
    "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
}))
"""
TARGETS = {"search_p95_ms": 20.0}
BLOCK = 1000


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench search", description=__doc__)
    parser.add_argument("--moves", type=int, default=100_000, help="size of the library (default %(default)s)")
    parser.add_argument("--searches", type=int, default=200, help="searches that are timed (default %(default)s)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, FILE_NAME)
        began = time.perf_counter()
        LocalMoveIndex.create(path, synthetic_moves(arguments.moves), arguments.moves)
        figures = {"moves": arguments.moves, "build_s": round(time.perf_counter() - began, 2)}
        size_mb = path.stat().st_size / 1e6
        argv = [sys.executable, "-c", SEARCHES, str(path), str(arguments.searches)]
        figures |= json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout)
    table(figures, arguments.searches, size_mb)
    print(json.dumps(figures))


def synthetic_moves(count: int) -> Iterator[MoveDocument]:
    """Make moves whose vectors are random, sorted by their names."""
    rng = np.random.default_rng(0)
    for number in range(count):
        if number % BLOCK == 0:
            blocks = {name: rng.normal(size=(BLOCK, dims)).astype(np.float32) for name, dims in VECTOR_DIMS.items()}
        clip_id = f"move_{number:07}"
        fields = {
            "clip_id": clip_id,
            "move_label": f"move_{number % 997}",
            "difficulty": DIFFICULTIES[number % 3],
            "energy_level": ENERGY_LEVELS[number // 3 % 3],
            "lead_follow_roles": "both",
            "version": "synthetic",
            "estimated_tempo": 100.0 + number % 60,
            "quality_score": 0.3 + number % 70 / 100,
            "detection_rate": 1.0,
            "processing_time": 0.0,
            "frame_count": 104,
            "video_path": f"{number % 100}/{clip_id}.mp4",
            "created_at": "2025-11-01T12:00:00+00:00",
        }
        yield MoveDocument(fields, {name: block[number % BLOCK] for name, block in blocks.items()})


def table(figures: dict[str, float], searches: int, size_mb: float) -> None:
    """Show the figures to people."""
    title = f"{searches} searches among {figures['moves']:,} moves, an index of {size_mb:.0f} MB"
    shown = Table(title=title, title_justify="left")
    for column in ("", "measured", "to reach"):
        shown.add_column(column, justify="right")
    for name, value in figures.items():
        shown.add_row(name, str(value), f"≤ {TARGETS[name]}" if name in TARGETS else "")
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    main()
