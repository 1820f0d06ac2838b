"""Moves for the tests of the indexes: enough of them that every rule of the contract decides something."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bachateo.moves.index import MoveDocument
from bachateo.moves.index.document import VECTOR_DIMS

MANY = 460  # more than the 400 candidates of a search

MakeDocument = Callable[..., MoveDocument]


def _document(clip_id: str, rng: np.random.Generator, **changed: object) -> MoveDocument:
    fields = {
        "clip_id": clip_id,
        "move_label": clip_id,
        "difficulty": "beginner",
        "energy_level": "low",
        "lead_follow_roles": "both",
        "version": "test",
        "estimated_tempo": 128.0,
        "quality_score": 1.0,
        "detection_rate": 0.9,
        "processing_time": 1.5,
        "frame_count": 104,
        "video_path": f"basic/{clip_id}.mp4",
        "created_at": "2025-11-01T12:00:00+00:00",
        **changed,
    }
    vectors = {name: rng.normal(0.1, 1, dims).astype(np.float32) for name, dims in VECTOR_DIMS.items()}
    return MoveDocument(fields, vectors)


@pytest.fixture(scope="session")
def make_document() -> MakeDocument:
    rng = np.random.default_rng(1)

    def make(clip_id: str, **changed: object) -> MoveDocument:
        return _document(clip_id, rng, **changed)

    return make


@pytest.fixture(scope="session")
def documents() -> tuple[MoveDocument, ...]:
    """``MANY`` moves, sorted.

    Few are ``intermediate`` and ``high``, fewer than five ``advanced``; some are of too little quality, some lack
    vectors, and every fifth repeats the vectors of the one before it.
    """
    rng = np.random.default_rng(2)
    made: list[MoveDocument] = []
    for number in range(MANY):
        difficulty = "advanced" if number % 115 == 0 else ("beginner", "intermediate")[number % 2]
        energy = "high" if number % 77 == 0 else ("low", "medium")[number // 2 % 2]
        # 0.5 itself is enough.
        quality = (1.0, 0.5, 0.4999, 0.8)[number % 4]
        document = _document(f"move{number:03}", rng, difficulty=difficulty, energy_level=energy, quality_score=quality)
        vectors = dict(made[-1].vectors if number % 5 == 4 else document.vectors)
        if number % 9 == 3:
            del vectors[("lead", "text", "interaction")[number % 3]]
        if number % 50 == 7:
            vectors.pop("audio", None)
        made.append(MoveDocument(document.fields, vectors))
    return tuple(made)


@pytest.fixture(scope="session")
def queries() -> dict[str, np.ndarray]:
    """A vector of each kind to ask with."""
    rng = np.random.default_rng(3)
    return {name: rng.normal(0.1, 1, dims).astype(np.float32) for name, dims in VECTOR_DIMS.items()}
