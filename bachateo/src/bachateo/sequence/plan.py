"""A plan: which clip is danced from which beat of the song."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bachateo.moves import Move
from bachateo.music import Analysis
from bachateo.sequence.wishes import Wishes


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
