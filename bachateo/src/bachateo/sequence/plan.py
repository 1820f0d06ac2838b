"""A plan: which clip is danced from which beat of the song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from pathlib import Path

from bachateo.moves import Move
from bachateo.music import Analysis
from bachateo.sequence.wishes import Wishes

# What a plan is to have, where the library allows it.
LEAST_DISTINCT = 0.6  # of the films
MOST_OF_FEW = 0.75  # of the films that fit, where they are too few for that
MOST_CHANGES = 0.25  # share of the cuts at which the couple or its clothes change


@dataclass(frozen=True)
class PlacedMove:
    """A move in its place.

    Attributes
    ----------
    move
        What is danced.
    clip
        The file that shows it.
    first_beat
        Index of its count 1 in the beats of the song.
    start_s, end_s
        When it begins and ends in the song, in seconds.
    tempo_ratio
        Tempo of the song there, divided by the tempo of the clip.
    reasons
        Why it was chosen, in sentences for people.
    """

    move: Move
    clip: Path
    first_beat: int
    start_s: float
    end_s: float
    tempo_ratio: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The whole choreography: the song's analysis and the moves in their order, without a gap.

    Attributes
    ----------
    analysis, moves
        What was heard, and what is danced to it.
    relaxed
        Which wishes were given up because nothing fits them all, in sentences for people.
    wishes
        What was asked for.
    library
        Folder of the library the clips are in.
    song, song_sha256
        The song's file and the SHA-256 of its content, in hexadecimal; ``None`` and empty when not known.
    """

    analysis: Analysis
    moves: tuple[PlacedMove, ...]
    relaxed: tuple[str, ...] = ()
    wishes: Wishes = field(default_factory=Wishes)
    library: Path = Path()
    song: Path | None = None
    song_sha256: str = ""

    @property
    def distinct_share(self) -> float:
        """How many different films are shown, as a share of all moves: 1 shows none twice."""
        return distinct_share([placed.move for placed in self.moves])

    @property
    def changes_share(self) -> float | None:
        """At how many of the cuts the clothes change, of those where both are known; ``None`` where there is none."""
        return changes_share([placed.move for placed in self.moves])


def lacking_films(moves: Sequence[Move], fitting: int) -> int:
    """Return how many more different films these moves were to show, of ``fitting`` that fit the song."""
    wanted = min(LEAST_DISTINCT * len(moves), MOST_OF_FEW * fitting)
    return max(0, ceil(wanted) - len({move.shows for move in moves}))


def distinct_share(moves: Sequence[Move]) -> float:
    """Return how many of the moves show a film that none before shows, as a share."""
    return len({move.shows for move in moves}) / len(moves)


def changes_share(moves: Sequence[Move]) -> float | None:
    """Return at how many of the cuts the clothes change, of those where both are known; ``None``: of none."""
    known = [
        before.wardrobe != after.wardrobe for before, after in pairwise(moves) if before.wardrobe and after.wardrobe
    ]
    return sum(known) / len(known) if known else None
