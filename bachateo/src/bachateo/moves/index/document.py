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

# Elasticsearch names a document by at most so many bytes, and finds a word of at most so many.
MOST_BYTES: Mapping[str, int] = {**dict.fromkeys(KEYWORDS, 32_766), "clip_id": 512}
SMALLEST, LARGEST = (float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max))

Vector = NDArray[np.float32]


def vector_field(name: str) -> str:
    """Return the field that holds a vector."""
    return f"{name}_embedding"


# Elasticsearch 9 quantises vectors unless told otherwise, and then misses neighbours. "flat" compares the vectors as
# they are with every move of the index.
_VECTOR: Mapping[str, Any] = {
    "type": "dense_vector",
    "index": True,
    "similarity": "cosine",
    "index_options": {"type": "flat"},
}
MAPPING: Mapping[str, Any] = {
    "properties": {
        **{vector_field(name): {**_VECTOR, "dims": dims} for name, dims in VECTOR_DIMS.items()},
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
        """Refuse what no index of these fields could hold: Elasticsearch's limits count for every one."""
        for name, most in MOST_BYTES.items():
            if (size := len(str(self.fields.get(name, "")).encode())) > most:
                shown = f"{self.clip_id[:40]}…" if len(self.clip_id) > 40 else self.clip_id  # noqa: PLR2004
                raise SearchError("CH125", f"{name} of {shown} has {size:,} bytes; it may have {most:,}. Shorten it.")
        for name in FLOATS:
            value = self.fields.get(name, 0.0)
            if not isinstance(value, int | float) or not abs(value) <= LARGEST:
                raise SearchError("CH126", f"{name} of {self.clip_id} is {value!r}; it must be a number of 32 bits.")
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
        Its name is unknown, its length another, or its squared length is no number of 32 bits: it would have no cosine.
    """
    if name not in VECTOR_DIMS:
        raise SearchError("CH110", f"{owner} has a vector {name!r}; there are {', '.join(VECTOR_DIMS)}.")
    if vector.shape != (VECTOR_DIMS[name],):
        raise SearchError(
            "CH111", f"the {name} vector of {owner} has shape {vector.shape}; it needs {VECTOR_DIMS[name]} numbers."
        )
    squared = float(np.square(vector, dtype=np.float64).sum())
    if not SMALLEST <= squared <= LARGEST:
        raise SearchError(
            "CH112", f"the {name} vector of {owner} is zero, not finite, tiny or huge: it has no cosine. Leave it out."
        )


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
