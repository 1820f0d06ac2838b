"""Asking for moves: what is asked, how answers are ranked, what is answered. One contract for every index.

``docs/reference/search.md`` says the same in words; the original has a search of its own after the same contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bachateo.errors import SearchError
from bachateo.moves.index.document import VECTOR_DIMS, Vector, require_vector
from bachateo.moves.library import DIFFICULTIES, ENERGY_LEVELS

NEIGHBOURS = 400  # k and num_candidates
MOST_HITS = 200
LEAST_QUALITY = 0.5
FEWEST_HITS = 5
WEIGHTS: Mapping[str, float] = {"text": 0.35, "audio": 0.35, "lead": 0.10, "follow": 0.10, "interaction": 0.10}
FILTERS: Mapping[str, Sequence[str]] = {"difficulty": DIFFICULTIES, "energy_level": ENERGY_LEVELS}
# Scores that agree so far are a tie: the same vectors may be summed in another order elsewhere.
TIE_DECIMALS = 9

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class MoveQuery:
    """What is looked for.

    Attributes
    ----------
    vectors
        By the names of ``VECTOR_DIMS``, at least one of them. Neighbours are looked for by ``audio``, or without it by
        the first there is in the order of ``VECTOR_DIMS``, text before the others.
    difficulty, energy_level
        What a move must have; ``None`` for any.
    """

    vectors: Mapping[str, Vector]
    difficulty: str | None = None
    energy_level: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be looked for."""
        if not self.vectors:
            raise SearchError("CH113", "a search needs a song, a text or another vector to compare moves with.")
        for name, vector in self.vectors.items():
            require_vector(name, vector, "the query")
        for name, allowed in FILTERS.items():
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise SearchError("CH114", f"{name} of the query is {value!r}; it must be one of {', '.join(allowed)}.")

    @property
    def neighbour_vector(self) -> str:
        """The name of the vector by which neighbours are found."""
        return next(name for name in ("audio", "text", *VECTOR_DIMS) if name in self.vectors)

    @property
    def filters(self) -> dict[str, str]:
        """What a move must have, by field."""
        return {name: value for name in FILTERS if (value := getattr(self, name)) is not None}

    def relaxed_filters(self) -> Iterator[dict[str, str]]:
        """Yield the filters, then without the energy, then without the difficulty."""
        filters = self.filters
        yield filters
        for name in ("energy_level", "difficulty"):
            if name in filters:
                filters = {other: value for other, value in filters.items() if other != name}
                yield filters


@dataclass(frozen=True)
class Hit:
    """A move that was found.

    Attributes
    ----------
    clip_id
        Its name.
    score
        0 to 1, the weighted sum of ``parts``.
    parts
        How similar each vector is, ``(cos + 1) / 2``; 0.5 where the query or the move has none.
    """

    clip_id: str
    score: float
    parts: Mapping[str, float]


@dataclass(frozen=True)
class SearchResult:
    """What was found.

    Attributes
    ----------
    hits
        The best first.
    dropped_filters
        Which filters left too few moves and were dropped, in that order.
    """

    hits: tuple[Hit, ...]
    dropped_filters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Neighbours:
    """The nearest moves by one vector, in any order; at least the ``MOST_HITS`` nearest, with all that tie.

    Attributes
    ----------
    clip_ids
        Their names.
    quality
        Shape ``(n,)``.
    cosines
        With each vector of the query, each of shape ``(n,)``; 0 where a move has no such vector.
    """

    clip_ids: Sequence[str]
    quality: Scores
    cosines: Mapping[str, Scores] = field(default_factory=dict)

    def rows(self, rows: Sequence[int]) -> Neighbours:
        """Return some of them."""
        picked = {name: cosines[list(rows)] for name, cosines in self.cosines.items()}
        return Neighbours([self.clip_ids[row] for row in rows], self.quality[list(rows)], picked)


def rank(query: MoveQuery, found: Neighbours) -> tuple[Hit, ...]:
    """Return the hits among the neighbours: the nearest 200, of quality, by their weighted similarity."""
    hits = found.rows(hit_rows(query, found))
    nothing = np.zeros(len(hits.clip_ids))
    parts = {name: (hits.cosines.get(name, nothing) + 1) / 2 for name in WEIGHTS}
    scores = weighted(parts)
    return tuple(
        Hit(hits.clip_ids[row], float(scores[row]), {name: float(part[row]) for name, part in parts.items()})
        for row in _best(scores, hits.clip_ids)
    )


def hit_rows(query: MoveQuery, found: Neighbours) -> list[int]:
    """Return which neighbours are hits: those of quality among the nearest 200."""
    nearest = _best(found.cosines[query.neighbour_vector], found.clip_ids)[:MOST_HITS]
    return [row for row in nearest if found.quality[row] >= LEAST_QUALITY]


def weighted(parts: Mapping[str, Scores]) -> Scores:
    """Return the score of each move, from how similar each vector is."""
    scores: Scores = np.sum([weight * parts[name] for name, weight in WEIGHTS.items()], axis=0)
    return scores


def cosines_with(rows: NDArray[np.float32], vector: Vector) -> Scores:
    """Return the cosine of each row with a vector, in double precision; 0 where a row is zero."""
    wide, other = rows.astype(np.float64), vector.astype(np.float64)
    # Not a matrix product: its sum may differ in the last digit from row to row, and equal moves must tie.
    products = np.einsum("ij,j->i", wide, other)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide) * np.einsum("i,i->", other, other))
    cosines: Scores = np.divide(products, lengths, out=np.zeros(len(rows)), where=lengths > 0)
    return cosines


def _best(scores: Scores, clip_ids: Sequence[str]) -> list[int]:
    rounded = np.round(scores, TIE_DECIMALS)
    return sorted(range(len(clip_ids)), key=lambda row: (-rounded[row], clip_ids[row]))
