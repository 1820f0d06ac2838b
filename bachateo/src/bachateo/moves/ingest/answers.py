"""What a child says of a film, checked: a film that took the child over may have it say anything."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from bachateo.errors import ClipError
from bachateo.moves.ingest.landmarks import LARGEST
from bachateo.moves.ingest.watching import COLOURS
from bachateo.moves.library import COUNTS
from bachateo.moves.looks import FIELDS

MOST_TIMES = 100_000
LATEST_MS = 24 * 3600 * 1000
LONGEST_TEXT = 100
PAIR_NUMBERS = 2
BOX_NUMBERS = 4  # left, top, width, height
MB = 1024 * 1024


def checked_answer(document: object, work: str, film: str) -> dict[str, Any]:
    """Return the answer if it has the form that the work returns.

    Parameters
    ----------
    document
        What the child answered.
    work
        Name of the function in :mod:`bachateo.moves.ingest.clip`.
    film
        Name of the film, for the message.

    Raises
    ------
    ClipError
        CH091: it has another form.
    """
    form = FORMS[work]
    if (
        isinstance(document, Mapping)
        and set(document) == set(form)
        and all(fits(document[name]) for name, fits in form.items())
    ):
        return dict(document)
    raise ClipError(
        "CH091", f"{film} made the program that read it answer nonsense. It may be made to do harm: leave it out."
    )


def machine_works(folder: Path, room_mb: int) -> bool:
    """Return whether files can be written here; if so, an error of the system was the film's.

    Parameters
    ----------
    folder
        Where clips are written.
    room_mb
        The room on the disk that one film may take.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(MB))
            file.flush()
        return shutil.disk_usage(folder).free >= room_mb * MB
    except OSError:
        return False


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TIMES


def _numbers(value: object) -> bool:
    return isinstance(value, list) and len(value) <= MOST_TIMES and all(map(_number, value))


def _probability(value: object) -> bool:
    return _number(value) and 0 < cast("float", value) <= 1


def _bar_scores(value: object) -> bool:
    """Whether there is one for each half beat of a bar, or none at all."""
    return _numbers(value) and len(cast("list[float]", value)) in {0, COUNTS}


def _pair(value: object) -> bool:
    return _numbers(value) and len(cast("list[float]", value)) == PAIR_NUMBERS


def _box(value: object) -> bool:
    if not (isinstance(value, list) and len(value) == BOX_NUMBERS and all(map(_count, value))):
        return False
    _, _, width, height = value
    return bool(width and height)


def _colours(value: object) -> bool:
    """Whether there are different colours, and how much there is of each."""
    if not isinstance(value, list) or len(value) > COLOURS or not all(map(_pair, value)):
        return False
    colours = [colour for colour, _ in value]
    known = all(_count(colour) and colour < COLOURS for colour in colours)
    return known and len(set(colours)) == len(colours) and all(share > 0 for _, share in value)


def _landmarks(value: object) -> bool:
    """Whether there are landmarks, each with its time in milliseconds."""
    if not isinstance(value, list) or len(value) > MOST_TIMES or len(value) % 2:
        return False
    whole = all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in value)
    return whole and max(value[::2], default=0) < LARGEST and max(value[1::2], default=0) < LATEST_MS


def _look(value: object) -> bool:
    return _numbers(value) and len(cast("list[float]", value)) in {0, len(FIELDS)}


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


FORMS: Mapping[str, Mapping[str, Callable[[object], bool]]] = {
    "examine": {
        "beats_s": _numbers,
        "first_count": _count,
        "confidence": _numbers,
        "bar_scores": _bar_scores,
        "count_confidence": _probability,
        "landmarks": _landmarks,
        "pictures_s": _pair,
        "box": _box,
        "sharpness": _number,
        "brightest_cd": _number,
        "seconds": _number,
    },
    "normalise": {
        "beats_s": _numbers,
        "frame_count": _count,
        "parameters": _text,
        "seconds": _number,
        "colours": _colours,
        "start_look": _look,
        "end_look": _look,
    },
}
