"""The choreography as data: beats, counts and moves, for players, pages and other programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from bachateo.errors import VideoError
from bachateo.files import written_aside
from bachateo.sequence import Plan

FORMAT = 1


@dataclass(frozen=True)
class Beat:
    """A beat of the song.

    Attributes
    ----------
    time_s
        When it falls, in seconds.
    count
        What a teacher calls on it, 1 to 8.
    """

    time_s: float
    count: int


@dataclass(frozen=True)
class TimelineMove:
    """A move in its place.

    Attributes
    ----------
    start_s, end_s
        When it begins and ends in the song, in seconds.
    label
        Its name, for people.
    description
        What is danced, in a sentence; may be empty.
    clip_id, difficulty, energy, beats
        Of the clip that shows it; ``beats`` is its length.
    tempo_ratio
        Tempo of the song there, divided by the tempo of the clip.
    reasons
        Why it was chosen, in sentences.
    """

    start_s: float
    end_s: float
    label: str
    description: str
    clip_id: str
    difficulty: str
    energy: str
    beats: int
    tempo_ratio: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Timeline:
    """A choreography from its first to its last second.

    Attributes
    ----------
    song
        Title of the song.
    duration_s, tempo_bpm
        Its length in seconds and its median tempo in beats per minute.
    beats, moves
        In the order of time.
    relaxed
        Which wishes were given up because nothing fits them all, in sentences.
    distinct_share, changes_share
        As of :class:`bachateo.sequence.Plan`.
    """

    song: str
    duration_s: float
    tempo_bpm: float
    beats: tuple[Beat, ...]
    moves: tuple[TimelineMove, ...]
    relaxed: tuple[str, ...] = ()
    distinct_share: float = 1.0
    changes_share: float | None = None

    def to_json(self) -> str:
        """Return the document that :meth:`from_json` reads."""
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        VideoError
            It is no timeline of this format.
        """
        try:
            return cls(**_fields(json.loads(text)))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise VideoError(
                "CH065", f"this is no timeline of format {FORMAT} ({error!r}). Make the choreography again."
            ) from error


def _fields(document: dict[str, Any]) -> dict[str, Any]:
    if document.pop("format") != FORMAT:
        raise ValueError("another format")
    moves = (TimelineMove(**{**move, "reasons": tuple(move["reasons"])}) for move in document["moves"])
    beats = (Beat(**beat) for beat in document["beats"])
    return {**document, "beats": tuple(beats), "moves": tuple(moves), "relaxed": tuple(document["relaxed"])}


def timeline_of(plan: Plan, song: str) -> Timeline:
    """Return the timeline of a plan.

    Parameters
    ----------
    plan
        What is danced.
    song
        Title of the song.
    """
    heard = plan.analysis
    beats = (Beat(time_s, count) for time_s, count in zip(heard.beats_s, heard.counts, strict=True))
    moves = (
        TimelineMove(
            start_s=placed.start_s,
            end_s=placed.end_s,
            label=placed.move.move_label.replace("_", " "),
            description=placed.move.description,
            clip_id=placed.move.clip_id,
            difficulty=placed.move.difficulty,
            energy=placed.move.energy_level,
            beats=placed.move.beats,
            tempo_ratio=placed.tempo_ratio,
            reasons=placed.reasons,
        )
        for placed in plan.moves
    )
    return Timeline(
        song,
        heard.duration_s,
        heard.tempo_bpm,
        tuple(beats),
        tuple(moves),
        plan.relaxed,
        distinct_share=plan.distinct_share,
        changes_share=plan.changes_share,
    )


def write_timeline(timeline: Timeline, path: Path) -> None:
    """Write a timeline as JSON, whole or not at all."""
    with written_aside(path) as aside:
        aside.write_text(timeline.to_json(), encoding="utf-8")
