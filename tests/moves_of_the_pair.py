"""Moves for this repository's pair to search: their documents in an index, and their clips in a folder."""

from pathlib import Path

import numpy as np

from bachateo.moves.index import MoveDocument
from bachateo.moves.index.document import VECTOR_DIMS
from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex

MOVES = 24


def put(url: str, folder: Path) -> None:
    """Fill the index of a server, and a folder with the clips."""
    index = ElasticsearchMoveIndex(url)
    index.add(documents())
    index.close()
    for document in documents():
        clip = folder / document.fields["video_path"]
        clip.parent.mkdir(parents=True, exist_ok=True)
        clip.touch()


def documents() -> list[MoveDocument]:
    """Return moves of few kinds: some of too little quality, some without a vector, some that repeat the one before."""
    rng = np.random.default_rng(4)
    kinds = {name: rng.normal(0.2, 1, (5, dims)) for name, dims in VECTOR_DIMS.items()}
    made: list[MoveDocument] = []
    for number in range(MOVES):
        fields = {
            "clip_id": f"move{number:02}",
            "difficulty": ("beginner", "beginner", "intermediate", "advanced")[number % 4],
            "energy_level": ("low", "medium", "high")[number % 3],
            "quality_score": (1.0, 0.5, 0.4999, 0.8)[number // 2 % 4],
            "video_path": f"group{number % 3}/move{number:02}.mp4",
        }
        mixed = {name: (rng.normal(0, 1, 5) @ kind).astype(np.float32) for name, kind in kinds.items()}
        vectors = dict(made[-1].vectors) if number % 5 == 4 else mixed
        if number == 8:  # and the one that repeats it
            del vectors["lead"]
        made.append(MoveDocument(fields, vectors))
    return made
