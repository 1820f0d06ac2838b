"""Songs and libraries of every kind, small enough to try everything with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from bachateo.moves import DIFFICULTIES, ENERGY_LEVELS, Library, Move
from bachateo.music import Analysis
from bachateo.sequence import Wishes

Case = tuple[Analysis, Library, Wishes]


def _beats(rng: np.random.Generator, count: int, tempo: float, jitter: float) -> tuple[float, ...]:
    steps = 60 / tempo * (1 + rng.uniform(-jitter, jitter, count))
    return tuple(np.concatenate(([0.0], np.cumsum(steps))).tolist())


def _move(rng: np.random.Generator, number: int, labels: int, spread: float, jitter: float) -> Move:
    tempo, beats = float(rng.uniform(124 - spread, 124 + spread)), int(rng.choice((8, 8, 8, 16, 32)))
    role = str(rng.choice(("", "", "", "", "", "", "intro", "outro"))) or None
    start, end = (None if rng.random() < 0.3 else tuple(rng.normal(0, 0.5, 4).tolist()) for _ in range(2))
    return Move(
        clip_id=f"clip{number}",
        move_label=role or f"label{rng.integers(labels)}",
        difficulty=str(rng.choice(DIFFICULTIES)),
        energy_level=str(rng.choice(ENERGY_LEVELS)),
        lead_follow_roles="both",
        estimated_tempo=tempo,
        quality_score=float(rng.uniform(0.5, 1)),
        frame_count=beats * 15,
        video_path=f"clip{number}.mp4",
        version="test",
        beats=beats,
        beats_s=_beats(rng, beats, tempo, jitter),
        role=role,
        style=str(rng.choice(("", "romantic", "playful"))),
        wardrobe=str(rng.choice(("", "red", "blue"))),
        start_pose=start,
        end_pose=end,
    )


@st.composite
def _cases(draw: st.DrawFn, moves: int = 40, eight_counts: int = 16) -> Case:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    slots, count = draw(st.integers(1, eight_counts)), draw(st.integers(1, moves))
    spread, jitter = draw(st.sampled_from((1.0, 12.0, 30.0))), draw(st.sampled_from((0.0, 0.01, 0.04)))
    labels = draw(st.sampled_from((3, 8, 20)))
    first = draw(st.integers(0, 7))
    beats_s = (
        np.array(_beats(rng, first + slots * 8 + draw(st.integers(0, 7)), draw(st.floats(105, 145)), jitter)) + 0.3
    )
    analysis = Analysis(
        duration_s=float(beats_s[-1]) + 0.2,
        tempo_bpm=124.0,
        beats_s=tuple(beats_s.tolist()),
        first_count=first,
        energy=tuple(rng.uniform(0, 1, slots).tolist()),
    )
    library = Library(Path("library"), tuple(_move(rng, number, labels, spread, jitter) for number in range(count)))
    wishes = Wishes(
        difficulty=draw(st.sampled_from((None, *DIFFICULTIES))),
        energy=draw(st.sampled_from((None, *ENERGY_LEVELS))),
        seed=draw(st.integers(0, 99)),
        style=draw(st.sampled_from((None, "romantic"))),
        relax=draw(st.sampled_from((False, True, ("repeats",), ("tempo", "ends")))),
    )
    return analysis, library, wishes


@pytest.fixture(scope="session")
def cases() -> st.SearchStrategy[Case]:
    return _cases()


@pytest.fixture(scope="session")
def tiny_cases() -> st.SearchStrategy[Case]:
    return _cases(moves=5, eight_counts=5)
