"""What became of each clip, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bachateo.files import written_aside

REPORT_NAME = "ingest-report.json"
FORMAT = 1
MARGIN = 0.75  # below this probability or share of the votes a person is asked to look
REASONS = {
    "CH082": "bad annotation",
    "CH083": "unknown word",
    "CH084": "duplicate id",
    "CH085": "path leads out",
    "CH086": "missing file",
    "CH087": "no sound",
    "CH088": "no stable beat",
    "CH089": "too short",
    "CH090": "corrupt",
    "CH018": "crashed the decoder",
    "CH019": "too much work",
    "CH091": "failed",
    "CH092": "other parameters",
    "CH094": "no shape of a film",
    "CH095": "holds too much",
    "CH096": "unknown colours",
}


@dataclass(frozen=True)
class AcceptedClip:
    """A clip that is in the library.

    Attributes
    ----------
    clip_id
        Its name in the annotations.
    moves, beats
        The moves that it became, and the length of each.
    tempo_bpm, quality_score
        Of the first of them.
    first_count
        Index of the beat on which that one begins, among ``heard_s``.
    heard_s
        Every beat of the film in seconds.
    certainty
        How sure it is that a bar begins on the 1, with all that speaks against it; below ``MARGIN`` it is a warning.
    bar_confidence, count_confidence
        How sure it is that a bar begins on the 1, and that this is no 5: probabilities.
    votes, vote_share
        How many films with the same recording were asked where the 1 is, and which share of the votes its bar got.
    count_share
        Which share of the votes for this bar say that it begins with a 1 and not with a 5.
    on_five
        Whether it begins on a 5, because it is too short from its 1 on; then there is a warning, too.
    contradicted_by
        Films with the same recording that keep another 1.
    warnings
        What a person should look at.
    """

    clip_id: str
    moves: tuple[str, ...]
    beats: tuple[int, ...]
    tempo_bpm: float
    quality_score: float
    first_count: int
    heard_s: tuple[float, ...]
    certainty: float
    bar_confidence: float
    count_confidence: float
    votes: int
    vote_share: float
    count_share: float
    on_five: bool
    contradicted_by: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class RefusedClip:
    """A clip that is not in the library, and why.

    Attributes
    ----------
    clip_id, line
        Which one, and where the annotations speak of it.
    code, message
        Of the error.
    """

    clip_id: str
    line: int
    code: str
    message: str

    @property
    def reason(self) -> str:
        """The reason in two or three words."""
        return REASONS.get(self.code, "failed")


@dataclass(frozen=True)
class Report:
    """The outcome of an ingest.

    Attributes
    ----------
    library
        The library's folder.
    size, rate_hz
        Width and height of its pictures in pixels, and how many there are a second; 0 when no clip was accepted.
    accepted, refused
        The clips, in the order of the annotations; those whose 1 is most doubtful first, then those
        that begin on a 5.
    encoded
        How many moves this run encoded; the others were finished before.
    """

    library: Path
    size: tuple[int, int]
    rate_hz: int
    accepted: tuple[AcceptedClip, ...]
    refused: tuple[RefusedClip, ...]
    encoded: int

    def to_json(self) -> str:
        """Return the report for a program."""
        document = {"format": FORMAT, **asdict(self), "library": str(self.library)}
        document["refused"] = [{**asdict(refused), "reason": refused.reason} for refused in self.refused]
        return json.dumps(document, indent=1)

    def save(self) -> None:
        """Write the report into the library."""
        with written_aside(self.library / REPORT_NAME) as aside:
            aside.write_text(self.to_json(), encoding="utf-8")

    def lines(self) -> Iterator[str]:
        """Yield the report for a person."""
        names = [clip.clip_id for clip in self.accepted] + [clip.clip_id for clip in self.refused]
        width = max(map(len, names), default=0)
        for clip in self.accepted:
            beats = " + ".join(str(length) for length in clip.beats)
            yield f"{clip.clip_id:{width}}  {clip.tempo_bpm:5.1f} bpm  quality {clip.quality_score:.2f}  {beats} beats"
            yield from (f"{'':{width}}  warning: {warning}" for warning in clip.warnings)
        for refused in self.refused:
            yield f"{refused.clip_id:{width}}  refused, {refused.reason}"
            yield f"{'':{width}}  {refused.code}  {refused.message}"
        if fives := sum(clip.count_confidence < MARGIN for clip in self.accepted):
            yield (
                f"{fives} of the clips may begin on a 5: the probability of the 1 is below {MARGIN:.0%}; it is "
                f"count_confidence in {REPORT_NAME}"
            )
        moves = sum(len(clip.moves) for clip in self.accepted)
        yield (
            f"{len(self.accepted)} clips accepted, {len(self.refused)} refused; "
            f"{moves} moves, {self.encoded} of them encoded now"
            + (f"; {self.size[0]}x{self.size[1]} at {self.rate_hz} pictures a second" if self.accepted else "")
        )
