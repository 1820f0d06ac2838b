"""What people say about their clips: the annotation file."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bachateo.errors import ClipError
from bachateo.moves.ingest.span import LENGTHS
from bachateo.moves.library import COUNTS, DIFFICULTIES, ENERGY_LEVELS

# Annotators rate how hard a clip is; a library says who can dance it.
DIFFICULTY_WORDS = {"low": "beginner", "medium": "intermediate", "high": "advanced", **{d: d for d in DIFFICULTIES}}
ENERGY_WORDS = {level: level for level in ENERGY_LEVELS}
ROLE_WORDS = {"intro": "intro", "outro": "outro"}
ROLE_OF_LABEL = {"intro": "intro", "intros": "intro", "outro": "outro", "outros": "outro"}
LEAD_FOLLOW_WORDS = {word: word for word in ("both", "lead_focus", "follow_focus")}
LONGEST_TEXT = 500


@dataclass(frozen=True)
class Annotation:
    """What a person has noted about a clip.

    Attributes
    ----------
    clip_id, move_label, difficulty, energy_level, lead_follow_roles, role, description, style, wardrobe
        As in :class:`bachateo.moves.Move`.
    video
        The film.
    number, line
        Its place among the clips of the file, and the line on which it begins there; both from 1.
    estimated_tempo
        Beats per minute; only compared with what is heard.
    quality_score
        0 to 1; computed where it is not noted.
    first_count
        Index of the beat that is a 1, from 0 for the first beat that is heard.
    beats
        How long the move is.
    beats_s
        When each beat falls in the film, in seconds. Then none is listened for.
    """

    clip_id: str
    video: Path
    number: int
    line: int
    move_label: str
    difficulty: str
    energy_level: str
    lead_follow_roles: str = "both"
    role: str | None = None
    description: str = ""
    style: str = ""
    wardrobe: str = ""
    estimated_tempo: float | None = None
    quality_score: float | None = None
    first_count: int | None = None
    beats: int | None = None
    beats_s: tuple[float, ...] = ()


@dataclass(frozen=True)
class ClipEntry:
    """One clip of the file, as it is written there."""

    fields: Any
    number: int
    line: int

    @property
    def name(self) -> str:
        """What to call it in a message."""
        clip_id = self.fields.get("clip_id") if isinstance(self.fields, dict) else None
        return clip_id[:80] if isinstance(clip_id, str) and clip_id.isprintable() else f"clip {self.number}"


def read_entries(path: Path) -> list[ClipEntry]:
    """Read the clips of an annotation file: ``{"clips": [{"clip_id": …}, …]}``.

    Raises
    ------
    ClipError
        CH080: the file cannot be read. CH081: it lists no clips.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ClipError(
            "CH080", f"{path} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}. Correct it."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ClipError("CH080", f"the annotations {path} cannot be read ({error}). Give the file again.") from error
    clips = document.get("clips") if isinstance(document, dict) else None
    if not isinstance(clips, list) or not clips:
        raise ClipError("CH081", f'{path} lists no clips. It must be an object with "clips": [{{"clip_id": …}}, …].')
    lines = _lines(text, clips)
    return [ClipEntry(fields, number, line) for number, (fields, line) in enumerate(zip(clips, lines, strict=True), 1)]


def _lines(text: str, clips: list[Any]) -> list[int]:
    """Return the line on which each clip begins."""
    decoder, lines = json.JSONDecoder(), []
    starts = (match.end() for match in re.finditer(r'"clips"\s*:\s*\[', text))
    # The word may also stand in some description.
    position = next((start for start in starts if _begins(decoder, text, start - 1, clips)), None)
    if position is None:  # a key written with escapes
        return [1] * len(clips)
    for _ in clips:
        position = _skip(text, position)
        lines.append(text.count("\n", 0, position) + 1)
        _, position = decoder.raw_decode(text, position)
    return lines


def _begins(decoder: json.JSONDecoder, text: str, position: int, clips: list[Any]) -> bool:
    try:
        return bool(repr(decoder.raw_decode(text, position)[0]) == repr(clips))
    except json.JSONDecodeError:
        return False


def _skip(text: str, position: int) -> int:
    while text[position] in " \t\r\n,":
        position += 1
    return position


def annotation_of(entry: ClipEntry, folder: Path) -> Annotation:
    """Check what is noted about a clip.

    Parameters
    ----------
    entry
        As it is written.
    folder
        Where the films are; ``video_path`` is relative to it.

    Raises
    ------
    ClipError
        CH082: a field is missing or of the wrong kind. CH083: it is an unknown word. CH085: the path leads
        out of the folder. CH086: there is no such film.
    """
    reader = _Reader(entry)
    label = reader.text("move_label")
    return Annotation(
        clip_id=reader.text("clip_id"),
        video=_film(entry, folder, reader.text("video_path")),
        number=entry.number,
        line=entry.line,
        move_label=label,
        difficulty=reader.word("difficulty", DIFFICULTY_WORDS),
        energy_level=reader.word("energy_level", ENERGY_WORDS),
        lead_follow_roles=reader.word("lead_follow_roles", LEAD_FOLLOW_WORDS, default="both"),
        role=reader.word("role", ROLE_WORDS, default="") or ROLE_OF_LABEL.get(label.lower()),
        description=reader.text("description", default=""),
        style=reader.text("style", default=""),
        wardrobe=reader.text("wardrobe", default=""),
        estimated_tempo=reader.number("estimated_tempo", lambda bpm: bpm > 0, "a number above 0"),
        quality_score=reader.number("quality_score", lambda score: 0 <= score <= 1, "a number from 0 to 1"),
        first_count=reader.whole("first_count", lambda index: index >= 0, "a whole number, 0 for the first beat"),
        beats=reader.whole("beats", lambda beats: beats in LENGTHS, f"one of {LENGTHS}"),
        beats_s=reader.times("beats_s"),
    )


class _Reader:
    """Reads the fields of an entry, and says which one is wrong."""

    def __init__(self, entry: ClipEntry) -> None:
        if not isinstance(entry.fields, dict):
            raise ClipError("CH082", f"line {entry.line}: {entry.fields!r:.80} is no clip. Every clip is an object.")
        self._entry = entry
        self._fields: Mapping[str, Any] = entry.fields

    def text(self, field: str, *, default: str | None = None) -> str:
        value = self._fields.get(field, default)
        if not isinstance(value, str) or (default is None and not value.strip()) or not value.isprintable():
            raise self._wrong(field, "a text on one line")
        if len(value) > LONGEST_TEXT:
            raise self._wrong(field, f"{LONGEST_TEXT} characters at most")
        return value

    def word(self, field: str, words: Mapping[str, str], *, default: str | None = None) -> str:
        value = self._fields.get(field)
        if value is None and default is not None:
            return default
        if field not in self._fields:
            raise self._wrong(field, f"one of {', '.join(words)}")
        if not isinstance(value, str) or value not in words:
            raise self._wrong(field, f"one of {', '.join(words)}", code="CH083")
        return words[value]

    def number(self, field: str, holds: Callable[[float], bool], kind: str) -> float | None:
        value = self._fields.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value) or not holds(value):
            raise self._wrong(field, kind)
        return float(value)

    def whole(self, field: str, holds: Callable[[float], bool], kind: str) -> int | None:
        value = self.number(field, lambda number: number == int(number) and holds(number), kind)
        return None if value is None else int(value)

    def times(self, field: str) -> tuple[float, ...]:
        value = self._fields.get(field)
        if value is None:
            return ()
        kind = f"a list of at least {COUNTS + 1} rising numbers"
        if not isinstance(value, list) or len(value) <= COUNTS:
            raise self._wrong(field, kind)
        if any(isinstance(item, bool) or not isinstance(item, int | float) or not _finite(item) for item in value):
            raise self._wrong(field, kind)
        if value != sorted(set(value)):
            raise self._wrong(field, kind)
        return tuple(float(item) for item in value)

    def _wrong(self, field: str, kind: str, *, code: str = "CH082") -> ClipError:
        found = f"is {self._fields[field]!r:.80}" if field in self._fields else "is missing"
        return ClipError(code, f"{field} of {self._entry.name} (line {self._entry.line}) {found}; it must be {kind}.")


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number beyond any float
        return False


def _film(entry: ClipEntry, folder: Path, video_path: str) -> Path:
    where = f"video_path of {entry.name} (line {entry.line}), {video_path},"
    try:
        film = (folder / video_path).resolve()
        if not film.is_relative_to(folder.resolve()):
            raise ClipError("CH085", f"{where} leads out of {folder}. Move the film into the folder.")
        found = film.is_file()
    except (OSError, RuntimeError):  # a name too long, or links in a circle
        found = False
    if not found:
        raise ClipError("CH086", f"{where} is no file in {folder}. Correct the path, or restore the film.")
    return film
