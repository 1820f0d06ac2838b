"""The moves of a library as columns, so that a hundred thousand can be judged at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from bachateo.errors import SequencingError
from bachateo.moves import DIFFICULTIES, ENERGY_LEVELS, Move
from bachateo.music.analysis import COUNTS

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]

ROLES = (None, "intro", "outro")


@dataclass(frozen=True)
class MoveTable:
    """Moves as columns, one row a move. Made once for a library; a plan only reads it.

    Attributes
    ----------
    moves
        In an order of their own, whatever the order they came in, so that a seed means the same: by label, length,
        role, wardrobe and ``clip_id``.
    labels, styles, wardrobes
        The words behind the codes below.
    label, style, wardrobe, role, difficulty, energy, film
        Codes, ``(moves,)``. A style or a wardrobe that is unknown has the code of the empty word.
    group, cell
        Moves of one label, length and role share a group; those of one wardrobe in it a cell. Both ascend.
    eight_counts, quality
        Length in eight-counts; 0 to 1.
    first
        Row of each move's first eight-count in ``intervals_s``.
    intervals_s
        Seconds from each beat of a clip to the next, ``(eight-counts of all moves, 8)``.
    """

    moves: tuple[Move, ...]
    labels: tuple[str, ...]
    styles: tuple[str, ...]
    wardrobes: tuple[str, ...]
    label: Rows
    style: Rows
    wardrobe: Rows
    role: Rows
    difficulty: Rows
    energy: Rows
    film: Rows
    group: Rows
    cell: Rows
    eight_counts: Rows
    quality: Array
    first: Rows
    intervals_s: Array

    @classmethod
    def of(cls, moves: Iterable[Move]) -> MoveTable:
        """Make the columns of some moves."""
        listed = sorted(moves, key=attrgetter("clip_id"))
        labels, label = _codes([move.move_label for move in listed])
        wardrobes, wardrobe = _codes([move.wardrobe for move in listed])
        beats = np.array([move.beats for move in listed], np.intp)
        role = np.array([ROLES.index(move.role) for move in listed], np.intp)
        order = np.lexsort((wardrobe, role, beats, label))
        ordered = [listed[index] for index in order]
        label, wardrobe, role, eight_counts = label[order], wardrobe[order], role[order], beats[order] // COUNTS
        styles, style = _codes([move.style for move in ordered])
        return cls(
            moves=tuple(ordered),
            labels=labels,
            styles=styles,
            wardrobes=wardrobes,
            label=label,
            style=style,
            wardrobe=wardrobe,
            role=role,
            difficulty=np.array([DIFFICULTIES.index(move.difficulty) for move in ordered], np.intp),
            energy=np.array([ENERGY_LEVELS.index(move.energy_level) for move in ordered], np.intp),
            film=_codes([move.shows for move in ordered])[1],
            group=_numbered(label, eight_counts, role),
            cell=_numbered(label, eight_counts, role, wardrobe),
            eight_counts=eight_counts,
            quality=np.array([move.quality_score for move in ordered], float),
            first=np.cumsum(eight_counts) - eight_counts,
            intervals_s=_intervals(ordered),
        )

    def __len__(self) -> int:
        """Return how many moves there are."""
        return len(self.moves)

    def poses(self, rows: Rows, name: str) -> Array:
        """Return a pose or a look of some moves, by the field's name, ``(rows, numbers)``; NaN where it is unknown.

        Raises
        ------
        SequencingError
            Two poses differ in length, or a number is not finite.
        """
        poses = [getattr(self.moves[row], name) for row in rows.tolist()]
        length = next((len(pose) for pose in poses if pose is not None), 0)
        unknown = (np.nan,) * length
        for row, pose in zip(rows.tolist(), poses, strict=True):
            if pose is not None and (len(pose) != length or not np.isfinite(pose).all()):
                raise SequencingError(
                    "CH058",
                    f"{name} of {self.moves[row].clip_id} has {len(pose)} numbers; it needs {length} finite ones, as "
                    "the other moves have. Work the poses and looks of the library out again.",
                )
        return np.array([unknown if pose is None else pose for pose in poses], float).reshape(len(rows), length)


def _codes(words: Sequence[str]) -> tuple[tuple[str, ...], Rows]:
    known = tuple(sorted(set(words)))
    code = {word: number for number, word in enumerate(known)}
    return known, np.array([code[word] for word in words], np.intp)


def _numbered(*columns: Rows) -> Rows:
    """Number the runs of equal values, from 0."""
    changes = np.zeros(len(columns[0]), bool)
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.cumsum(changes)


def _intervals(moves: Sequence[Move]) -> Array:
    times = np.fromiter(chain.from_iterable(move.beats_s for move in moves), float)
    # From the end of a clip to the first beat of the next is no step.
    ends = np.cumsum([move.beats + 1 for move in moves], dtype=np.intp)[:-1]
    return np.delete(np.diff(times), ends - 1).reshape(-1, COUNTS)
