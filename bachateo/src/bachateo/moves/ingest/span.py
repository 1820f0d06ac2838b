"""Which parts of a clip become moves: each from a 1, a whole number of eight-counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from bachateo.errors import ClipError
from bachateo.moves.library import COUNTS

LENGTHS = (8, 16, 32)  # beats of a move: one, two or four eight-counts
# A clip is cut by eye: a picture more or less at its ends has no meaning.
TOLERANCE_S = 0.05


@dataclass(frozen=True)
class MoveSpan:
    """The part of a clip that becomes a move.

    Attributes
    ----------
    first_count
        Index of the beat on which it begins, a 1.
    beats_s
        When each of its beats falls and when it ends, in the time of the film.
    """

    first_count: int
    beats_s: tuple[float, ...]

    @property
    def beats(self) -> int:
        """Length in beats."""
        return len(self.beats_s) - 1

    @property
    def tempo_bpm(self) -> float:
        """Beats per minute."""
        return 60 * self.beats / (self.beats_s[-1] - self.beats_s[0])


def choose_spans(
    beats_s: Sequence[float],
    first_count: int,
    pictures_s: tuple[float, float],
    *,
    beats: int | None = None,
    role: str | None = None,
) -> tuple[MoveSpan, ...]:
    """Divide a clip into moves, from its first 1 as far as its eight-counts reach.

    Three eight-counts become a move of two and one of one. An intro is only its first part, since what follows opens
    nothing any more; an outro only its last.

    Parameters
    ----------
    beats_s
        Every beat of the clip, in seconds.
    first_count
        Index of a 1; the first 1 of which there are pictures begins the first move.
    pictures_s
        When the first picture is shown, and when the last one ends.
    beats
        How long the move is, where it is noted; the rest is left out.
    role
        ``intro``, ``outro`` or ``None``.

    Raises
    ------
    ClipError
        CH089: less than one eight-count, or than ``beats``, is left.
    """
    start_s, end_s = pictures_s
    seen = [beat_s for beat_s in beats_s if beat_s <= end_s + TOLERANCE_S]
    first = first_count
    while first < len(seen) and seen[first] < start_s - TOLERANCE_S:
        first += COUNTS
    left = max(0, len(seen) - 1 - first)
    if left < (beats or COUNTS):
        raise ClipError(
            "CH089",
            f"{left} of the {len(seen)} beats of the clip come after its first 1, beat {first}; a move needs "
            f"{beats or COUNTS}. Give a longer clip, or say with first_count which beat is a 1.",
        )
    lengths = [beats] if beats else _lengths(left)
    if role:
        if role == "outro":
            first += sum(lengths) - lengths[0]
        lengths = lengths[:1]
    starts = accumulate(lengths, initial=first)
    return tuple(
        MoveSpan(start, tuple(seen[start : start + length + 1])) for start, length in zip(starts, lengths, strict=False)
    )


def _lengths(left: int) -> list[int]:
    """Divide a number of beats into the longest moves there are."""
    lengths: list[int] = []
    for length in reversed(LENGTHS):
        lengths += [length] * ((left - sum(lengths)) // length)
    return lengths
