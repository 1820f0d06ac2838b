"""The document of a move, as the search index ``bachata_move_embeddings`` maps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bachateo.errors import SearchError
from bachateo.moves.library import Move

INDEX = "bachata_move_embeddings"
VECTORS_VERSION = 1  # of how vectors are made; an index of another version is made anew
# Name in a query, and length. The field is called NAME_embedding.
VECTOR_DIMS: Mapping[str, int] = {"audio": 128, "lead": 512, "follow": 512, "interaction": 256, "text": 384}
KEYWORDS = ("clip_id", "move_label", "difficulty", "energy_level", "lead_follow_roles", "version")
FLOATS = ("estimated_tempo", "quality_score", "detection_rate", "processing_time")
FIELDS = (*KEYWORDS, *FLOATS, "frame_count", "video_path", "created_at")

Vector = NDArray[np.float32]


def vector_field(name: str) -> str:
    """Return the field that holds a vector."""
    return f"{name}_embedding"


MAPPING: Mapping[str, Any] = {
    "properties": {
        **{
            vector_field(name): {"type": "dense_vector", "dims": dims, "index": True, "similarity": "cosine"}
            for name, dims in VECTOR_DIMS.items()
        },
        **{name: {"type": "keyword"} for name in KEYWORDS},
        **{name: {"type": "float"} for name in FLOATS},
        "frame_count": {"type": "integer"},
        "video_path": {"type": "text"},
        "created_at": {"type": "date"},
    }
}


@dataclass(frozen=True)
class MoveDocument:
    """What the index knows about a move.

    Attributes
    ----------
    fields
        The values of ``FIELDS``; ``created_at`` is left out when unknown.
    vectors
        By the names of ``VECTOR_DIMS``, float32, finite and not zero; a vector that is unknown is left out.
    """

    fields: Mapping[str, Any]
    vectors: Mapping[str, Vector]

    def __post_init__(self) -> None:
        """Refuse vectors that do not fit the mapping."""
        for name, vector in self.vectors.items():
            require_vector(name, vector, self.clip_id)

    @property
    def clip_id(self) -> str:
        """The move's name, which is the document's ``_id``."""
        return str(self.fields["clip_id"])

    def source(self) -> dict[str, Any]:
        """Return the document as it is sent to Elasticsearch."""
        return {**self.fields, **{vector_field(name): vector.tolist() for name, vector in self.vectors.items()}}


def require_vector(name: str, vector: Vector, owner: str) -> None:
    """Refuse a vector that does not fit the mapping.

    Parameters
    ----------
    name
        Its field in the mapping.
    vector
        Shape ``(dims,)``.
    owner
        What it belongs to, for messages.

    Raises
    ------
    SearchError
        Its name is unknown, its length another, or it is zero or not finite: it would have no cosine.
    """
    if name not in VECTOR_DIMS:
        raise SearchError("CH110", f"{owner} has a vector {name!r}; there are {', '.join(VECTOR_DIMS)}.")
    if vector.shape != (VECTOR_DIMS[name],):
        raise SearchError(
            "CH111", f"the {name} vector of {owner} has shape {vector.shape}; it needs {VECTOR_DIMS[name]} numbers."
        )
    if not np.isfinite(vector).all() or not vector.any():
        raise SearchError("CH112", f"the {name} vector of {owner} is zero or not finite. Leave it out.")


def move_document(move: Move, vectors: Mapping[str, Vector]) -> MoveDocument:
    """Return the document of a move and its vectors."""
    fields = {name: getattr(move, name) for name in FIELDS}
    if not move.created_at:
        del fields["created_at"]
    return MoveDocument(fields, dict(vectors))


def move_text(move: Move) -> str:
    """Return the text of a move for its text vector: its label in words, and its description."""
    label = move.move_label.replace("_", " ")
    return f"{label}. {move.description}" if move.description else label
