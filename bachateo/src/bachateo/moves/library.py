"""A library of moves: ``library.json`` and the clips it names.

The document of a move uses the field names of the search index ``bachata_move_embeddings`` (``clip_id``,
``move_label``, ``difficulty``, ``energy_level``, ``lead_follow_roles``, ``estimated_tempo``, ``quality_score``,
``frame_count``, ``video_path``, ``version``) and adds what assembly needs: ``beats`` (length), ``beats_s`` (when
each beat falls in the clip, and when the clip ends) and ``role`` (``intro``, ``outro`` or null).
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from bachateo.errors import LibraryError
from bachateo.files import written_aside

INDEX_NAME = "library.json"
FORMAT = 1
DIFFICULTIES = ("beginner", "intermediate", "advanced")
ENERGY_LEVELS = ("low", "medium", "high")
ROLES = (None, "intro", "outro")
COUNTS = 8


@dataclass(frozen=True)
class Move:
    """One clip.

    Attributes
    ----------
    clip_id, move_label
        Its name, unique in the library, and the name of what is danced; several clips may show one move.
    difficulty, energy_level
        One of ``DIFFICULTIES`` and of ``ENERGY_LEVELS``.
    lead_follow_roles
        Who dances: ``both``, ``lead_focus`` or ``follow_focus``.
    estimated_tempo
        Beats per minute in the clip.
    quality_score
        0 to 1.
    frame_count
        Pictures in the clip.
    video_path
        The clip, relative to the library's folder.
    version
        Of whatever made the clip.
    beats
        Length in beats, a multiple of eight. The clip begins on a 1.
    beats_s
        When each beat falls in the clip and when the clip ends, in seconds; ``beats + 1`` numbers.
    role
        ``intro`` opens a choreography, ``outro`` closes it, ``None`` is danced in between.
    description
        What is danced, in a sentence; with the label, what a search by text finds.
    style
        The feeling of it, in one word of the library's own (``romantic``, ``playful`` …); empty when unknown.
    wardrobe
        Who dances in which clothes, in one word of the library's own: a cut between two of the same is smooth.
        Empty when unknown.
    start_pose, end_pose
        How the couple stands in the first and the last picture, as :mod:`bachateo.moves.poses` says; ``None``
        when unknown.
    start_look, end_look
        How the couple looks there, as :mod:`bachateo.moves.looks` says: what is known where poses are not.
    film
        What the clip shows, where several show the same pictures, at other tempi say; empty where no other does.
    detection_rate
        In how many of the pictures both dancers were found, 0 to 1.
    processing_time
        Seconds that making the clip took.
    created_at
        When the clip was made, ISO 8601; empty when unknown.
    """

    clip_id: str
    move_label: str
    difficulty: str
    energy_level: str
    lead_follow_roles: str
    estimated_tempo: float
    quality_score: float
    frame_count: int
    video_path: str
    version: str
    beats: int
    beats_s: tuple[float, ...]
    role: str | None = None
    description: str = ""
    style: str = ""
    wardrobe: str = ""
    start_pose: tuple[float, ...] | None = None
    end_pose: tuple[float, ...] | None = None
    start_look: tuple[float, ...] | None = None
    end_look: tuple[float, ...] | None = None
    film: str = ""
    detection_rate: float = 0.0
    processing_time: float = 0.0
    created_at: str = ""

    def __post_init__(self) -> None:
        """Refuse what could not be danced."""
        for name, value, allowed in (
            ("difficulty", self.difficulty, DIFFICULTIES),
            ("energy_level", self.energy_level, ENERGY_LEVELS),
            ("role", self.role, ROLES),
        ):
            if value not in allowed:
                raise LibraryError("CH024", f"{name} of {self.clip_id} is {value!r}; it must be one of {allowed}.")
        if not (math.isfinite(self.estimated_tempo) and self.estimated_tempo > 0):
            raise LibraryError(
                "CH025",
                f"estimated_tempo of {self.clip_id} is {self.estimated_tempo}; a move needs a finite tempo above 0.",
            )
        if self.beats < COUNTS or self.beats % COUNTS:
            raise LibraryError("CH026", f"{self.clip_id} has {self.beats} beats; a move needs a multiple of {COUNTS}.")
        rising = all(before < after for before, after in pairwise(self.beats_s))
        if len(self.beats_s) != self.beats + 1 or not rising:
            raise LibraryError(
                "CH027",
                f"beats_s of {self.clip_id} has {len(self.beats_s)} times; "
                f"it needs {self.beats + 1} rising ones: each beat and the end.",
            )

    @property
    def shows(self) -> str:
        """What the clip shows: its film, or itself."""
        return self.film or self.clip_id

    @property
    def eight_counts(self) -> int:
        """Length in eight-counts."""
        return self.beats // COUNTS


@dataclass(frozen=True)
class Library:
    """The moves of one folder."""

    folder: Path
    moves: tuple[Move, ...]

    @classmethod
    def load(cls, folder: Path) -> Library:
        """Read ``library.json`` and check that every clip is there.

        Raises
        ------
        LibraryError
            There is no library, it cannot be read, or a move in it cannot be danced.
        """
        index = folder / INDEX_NAME
        try:
            document = json.loads(index.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise LibraryError(
                "CH020",
                f"there is no {INDEX_NAME} in {folder}. Draw the starter library: bachateo library starter DIR",
            ) from error
        except ValueError as error:
            raise LibraryError("CH021", f"{index} is not valid JSON ({error}). Restore it or draw it anew.") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise LibraryError(
                "CH022", f"{index} is not a library of format {FORMAT}. Make it again with this version."
            )
        moves = tuple(_read_move(fields, index) for fields in document.get("moves", ()))
        if not moves:
            raise LibraryError("CH023", f"{index} lists no moves. Add some, or draw the starter library.")
        library = cls(folder, moves)
        library._check()
        return library

    def save(self) -> None:
        """Write ``library.json``."""
        moves = [asdict(move) for move in self.moves]
        with written_aside(self.folder / INDEX_NAME) as aside:
            aside.write_text(json.dumps({"format": FORMAT, "moves": moves}, indent=1), encoding="utf-8")

    def clip(self, move: Move) -> Path:
        """Return where the clip of a move is."""
        return self.folder / move.video_path

    def _check(self) -> None:
        seen: set[str] = set()
        for move in self.moves:
            if move.clip_id in seen:
                raise LibraryError("CH028", f"clip_id {move.clip_id} is there twice. Every clip needs its own.")
            seen.add(move.clip_id)
            if not self.clip(move).resolve().is_relative_to(self.folder.resolve()):
                raise LibraryError("CH029", f"video_path of {move.clip_id} leads out of the library. Move the clip in.")
            if not self.clip(move).is_file():
                raise LibraryError("CH030", f"the clip {self.clip(move)} is missing. Restore it or remove the move.")


def _read_move(fields: Any, index: Path) -> Move:
    if not isinstance(fields, dict):
        raise LibraryError("CH031", f"{index} lists {fields!r}, which is no move. Every move is an object.")
    try:
        known = {name: fields[name] for name, field in Move.__dataclass_fields__.items() if field.default is MISSING}
        optional = {name: fields[name] for name in Move.__dataclass_fields__ if name not in known and name in fields}
        for name in ("start_pose", "end_pose", "start_look", "end_look"):
            if optional.get(name) is not None:
                optional[name] = tuple(optional[name])
        return Move(**{**known, **optional, "beats_s": tuple(fields["beats_s"])})
    except KeyError as error:
        name = fields.get("clip_id", "a move")
        raise LibraryError("CH032", f"{name} in {index} has no field {error}. Every move needs it.") from error
    except TypeError as error:
        name = fields.get("clip_id", "a move")
        raise LibraryError(
            "CH033", f"{name} in {index} has a field of the wrong type ({error}). Correct it."
        ) from error
