"""Planning a 180 s song: with a large library, with what a search would leave of it, with the starter library.

Each library is planned in a process of its own, several times with different seeds; the figure is the median. The
moves are synthetic: labels, tempi, lengths, poses and wardrobes as a library of real clips might have them.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bachateo.moves import DIFFICULTIES, ENERGY_LEVELS, Library, Move
from bachateo.moves.starter import starter_moves
from bachateo.music import Analysis
from bachateo.sequence import MoveTable, Wishes, plan_sequence

SECONDS, TEMPO_BPM = 180, 126
LABELS, WARDROBES, POSES, POSE_LENGTH = 200, 25, 400, 52
TARGETS = {"plan_s": 2.0, "candidates_plan_s": 0.3, "starter_plan_s": 0.1}


def main() -> None:
    parser = argparse.ArgumentParser(prog="script/bench plan", description=__doc__)
    parser.add_argument("--moves", type=int, default=100_000, help="size of the large library (default %(default)s)")
    parser.add_argument("--candidates", type=int, default=2_000, help="left by a search (default %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="measured runs (default %(default)s)")
    parser.add_argument("--one", choices=("large", "candidates", "starter"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments)))
        return
    large, candidates, starter = (in_a_process(name, arguments) for name in ("large", "candidates", "starter"))
    figures = {
        "moves": arguments.moves,
        "plan_s": large["plan_s"],
        "table_s": large["table_s"],
        "candidates_plan_s": candidates["plan_s"],
        "starter_plan_s": starter["plan_s"],
        "peak_rss_mb": large["peak_rss_mb"],
        "rss_of_the_moves_mb": large["moves_rss_mb"],
    }
    show(figures, arguments.runs)
    print(json.dumps(figures))


def in_a_process(name: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Measure one library in a process of its own, so that its memory is its own too."""
    argv = [sys.executable, __file__, "--one", name, "--runs", str(arguments.runs)]
    argv += ["--moves", str(arguments.moves), "--candidates", str(arguments.candidates)]
    return dict(json.loads(subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout))


def measure(name: str, arguments: argparse.Namespace) -> dict[str, float]:
    if name == "starter":
        moves = starter_moves()
    else:
        moves = synthetic_moves(arguments.moves if name == "large" else arguments.candidates)
    library, song = Library(Path("bench"), moves), synthetic_song()
    relevance = {move.clip_id: (number % 100) / 99 for number, move in enumerate(moves)} if name == "candidates" else {}
    moves_rss_mb = rss_mb()
    plan_sequence(song, library, Wishes(seed=arguments.runs), relevance=relevance)  # warm-up
    table_s, plan_s = [], []
    for seed in range(arguments.runs):
        began = time.perf_counter()
        table = MoveTable.of(library.moves)
        made = time.perf_counter()
        plan_sequence(song, library, Wishes(seed=seed), table=table, relevance=relevance)
        table_s.append(made - began)
        # The columns are part of it: nothing is left out of the figure.
        plan_s.append(time.perf_counter() - began)
    return {
        "plan_s": round(statistics.median(plan_s), 3),
        "table_s": round(statistics.median(table_s), 3),
        "peak_rss_mb": round(rss_mb(), 1),
        "moves_rss_mb": round(moves_rss_mb, 1),
    }


def rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def synthetic_song() -> Analysis:
    """Return a song whose tempo drifts by two per cent and whose energy rises and falls."""
    rng = np.random.default_rng(0)
    beats = round(SECONDS * TEMPO_BPM / 60)
    drift = 1 + 0.02 * np.sin(np.arange(beats) / 40) + rng.normal(0, 0.005, beats)
    beats_s = 0.4 + np.cumsum(60 / TEMPO_BPM * drift)
    eight_counts = (beats - 2) // 8
    energy = np.clip(0.5 + 0.4 * np.sin(np.arange(eight_counts) / 4) + rng.normal(0, 0.1, eight_counts), 0, 1)
    return Analysis(
        duration_s=float(beats_s[-1]) + 0.3,
        tempo_bpm=float(TEMPO_BPM),
        beats_s=tuple(beats_s.tolist()),
        first_count=1,
        energy=tuple(energy.tolist()),
    )


def synthetic_moves(count: int) -> tuple[Move, ...]:
    """Return moves of all labels, tempi and lengths; every fiftieth opens or closes a choreography."""
    rng = np.random.default_rng(1)
    poses = [tuple(pose) for pose in rng.normal(0, 0.4, (POSES, POSE_LENGTH)).tolist()]
    moves = []
    for number in range(count):
        tempo, beats = float(rng.uniform(95, 160)), int(rng.choice((8, 16, 32), p=(0.7, 0.2, 0.1)))
        role = {0: "intro", 50: "outro"}.get(number % 100)
        steps = 60 / tempo * (1 + rng.normal(0, 0.01, beats))
        moves.append(
            Move(
                clip_id=f"clip-{number:06}",
                move_label=role or f"label-{int(rng.integers(LABELS)):03}",
                difficulty=DIFFICULTIES[int(rng.integers(3))],
                energy_level=ENERGY_LEVELS[int(rng.integers(3))],
                lead_follow_roles="both",
                estimated_tempo=tempo,
                quality_score=float(rng.uniform(0.5, 1)),
                frame_count=beats * 15,
                video_path=f"clip-{number:06}.mp4",
                version="bench",
                beats=beats,
                beats_s=(0.0, *np.cumsum(steps).tolist()),
                role=role,
                wardrobe=f"couple-{int(rng.integers(WARDROBES)):02}",
                start_pose=poses[int(rng.integers(POSES))],
                end_pose=poses[int(rng.integers(POSES))],
            )
        )
    return tuple(moves)


def show(figures: dict[str, float], runs: int) -> None:
    """Show the figures to people."""
    shown = Table(title=f"planning a song of {SECONDS} s, medians of {runs} runs", title_justify="left")
    for column in ("", "measured", "to reach"):
        shown.add_column(column, justify="right")
    for name, value in figures.items():
        shown.add_row(name, str(value), f"≤ {TARGETS[name]}" if name in TARGETS else "")
    Console(stderr=True).print(shown)


if __name__ == "__main__":
    main()
