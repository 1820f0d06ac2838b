"""What is known about a film, and the documents of the moves that it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from bachateo.moves.ingest.annotations import Annotation
from bachateo.moves.ingest.quality import quality_score
from bachateo.moves.ingest.recordings import Counted
from bachateo.moves.ingest.report import MARGIN, AcceptedClip
from bachateo.moves.ingest.span import MoveSpan
from bachateo.moves.library import Move

VERSION = 3  # of the clips; those of another version are encoded anew
# Annotated tempi are read off a display or rounded by software; beyond this, one of the two is wrong.
TEMPO_FAR_FRACTION = 0.05
MOST_NAMED = 3
LOOK = "Look at the clip, and say with first_count which beat is a 1."
LEAST_QUALITY = 0.5  # the search leaves out what scores below

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Film:
    """What is known about an annotated film before it is encoded.

    Attributes
    ----------
    annotation
        The annotation of the clip.
    content
        Digest of its content.
    examined
        As :func:`bachateo.moves.ingest.clip.examine` returned it.
    counted
        Its beats, as films with the same recording agree.
    spans
        The parts that become moves.
    """

    annotation: Annotation
    content: str
    examined: Record
    counted: Counted
    spans: tuple[MoveSpan, ...]

    @property
    def certainty(self) -> float:
        """How sure it is that a bar begins on its 1; 0 where another film contradicts it. See ``MARGIN``."""
        counted = self.counted
        if counted.contradicted_by:
            return 0.0
        if self.annotation.first_count is not None:
            return 1.0
        return min(counted.bar_confidence, counted.share)


@dataclass(frozen=True)
class Part:
    """A part of a film that becomes the move ``clip_id``."""

    film: Film
    span: MoveSpan
    clip_id: str

    @property
    def annotation(self) -> Annotation:
        """The annotation of the film."""
        return self.film.annotation


def parts_of(films: Iterable[Film], taken: set[str]) -> dict[str, Part]:
    """Return the parts of all films by their names: that of the film, and with ``_2``, ``_3`` … for the following.

    Parameters
    ----------
    films
        In the order of the annotations.
    taken
        Names from the annotations.
    """
    parts: dict[str, Part] = {}
    for film in films:
        names = _names(film.annotation.clip_id, taken)
        parts.update((name, Part(film, span, name)) for name, span in zip(names, film.spans, strict=False))
    return parts


def _names(clip_id: str, taken: set[str]) -> Iterator[str]:
    yield clip_id
    yield from (name for number in count(2) if (name := f"{clip_id}_{number}") not in taken)


def move_of(part: Part, record: Record, size: tuple[int, int], rate_hz: int, wardrobe: str) -> Move:
    """Return the document of a move.

    Parameters
    ----------
    part
        What it was made of.
    record
        As :func:`bachateo.moves.ingest.clip.normalise` returned it, with ``video_path`` and ``created_at``.
    size, rate_hz
        Of its pictures: width and height in pixels, and how many there are a second.
    wardrobe
        The name of the clothes that are danced in.
    """
    said, span, examined = part.annotation, part.span, part.film.examined
    quality = said.quality_score
    if quality is None:
        heard = examined["confidence"][span.first_count :][: span.beats]
        quality = quality_score(heard, examined["sharpness"], examined["box"][3], size[1])
    return Move(
        clip_id=part.clip_id,
        move_label=said.move_label,
        difficulty=said.difficulty,
        energy_level=said.energy_level,
        lead_follow_roles=said.lead_follow_roles,
        estimated_tempo=round(span.tempo_bpm, 2),
        quality_score=quality,
        frame_count=record["frame_count"],
        video_path=record["video_path"],
        version=f"ingested-{VERSION}-{size[0]}x{size[1]}-{rate_hz}",
        beats=span.beats,
        beats_s=tuple(record["beats_s"]),
        role=said.role,
        description=said.description,
        style=said.style,
        wardrobe=wardrobe,
        start_look=tuple(record["start_look"]) or None,
        end_look=tuple(record["end_look"]) or None,
        processing_time=round(examined["seconds"] + record["seconds"], 3),
        created_at=record["created_at"],
    )


def accepted_of(film: Film, moves: Iterable[Move]) -> AcceptedClip:
    """Return what the report says about a film that became these moves."""
    made = tuple(moves)
    return AcceptedClip(
        clip_id=film.annotation.clip_id,
        moves=tuple(move.clip_id for move in made),
        beats=tuple(move.beats for move in made),
        tempo_bpm=made[0].estimated_tempo,
        quality_score=made[0].quality_score,
        first_count=film.spans[0].first_count,
        heard_s=film.counted.beats_s,
        certainty=film.certainty,
        bar_confidence=film.counted.bar_confidence,
        count_confidence=film.counted.count_confidence,
        votes=film.counted.votes,
        vote_share=film.counted.share,
        count_share=film.counted.count_share,
        on_five=film.counted.on_five,
        contradicted_by=film.counted.contradicted_by,
        warnings=tuple(_warnings(film, made[0])),
    )


def _warnings(film: Film, move: Move) -> Iterator[str]:
    said, counted = film.annotation, film.counted
    if counted.contradicted_by:
        yield (
            f"the 1 contradicts that of {', '.join(counted.contradicted_by[:MOST_NAMED])}, which has the same "
            "recording. Look at both, and say with first_count which beat is a 1, or with beats_s where the beats are."
        )
    elif film.certainty < MARGIN:
        yield f"the 1 is doubtful: {'; '.join(_doubts(counted))}; {MARGIN:.0%} would be sure. {LOOK}"
    if counted.on_five:
        yield (
            "it begins on a 5: from the 1 that was heard on, it is shorter than one eight-count. Give a longer clip, "
            "or say with first_count which beat is a 1."
        )
    tempo_bpm = said.estimated_tempo
    if tempo_bpm and abs(move.estimated_tempo / tempo_bpm - 1) > TEMPO_FAR_FRACTION:
        yield (
            f"estimated_tempo (line {said.line}) is {tempo_bpm:.0f}; {move.estimated_tempo:.0f} was heard. "
            "Look at the clip, and note the times of its beats as beats_s if they are wrong."
        )
    if move.quality_score < LEAST_QUALITY:
        yield f"the quality is below {LEAST_QUALITY}: the search leaves this clip out."


def _doubts(counted: Counted) -> Iterator[str]:
    """Yield what makes the 1 doubtful, with the numbers."""
    if counted.bar_confidence < MARGIN:
        yield f"the probability that a bar begins there is {counted.bar_confidence:.0%}"
    if counted.share < MARGIN:
        yield f"{counted.votes} clips share this recording, and the bar has {counted.share:.0%} of their votes"
