"""Look moves up: those of the library, as the engine reads it."""

import logging
from functools import lru_cache
from pathlib import Path

from django.conf import settings

import bachateo
from bachateo.moves import INDEX_NAME, Library, Move
from config.errors import NotFoundError, UnavailableError

log = logging.getLogger(__name__)


def library() -> Library:
    """Return the library as it is on disk now. Raises UnavailableError."""
    folder = Path(settings.MOVES_LIBRARY)
    try:
        index = (folder / INDEX_NAME).stat()
        return _loaded(folder, index.st_mtime_ns, index.st_size)
    except (bachateo.BachateoError, OSError) as error:
        # The reason holds paths of this machine, so only the log shows it.
        log.error("the library of moves cannot be used: %s", error)  # noqa: TRY400 - expected; a traceback adds nothing
        raise UnavailableError("The library of moves cannot be read; the log says why.", code="library") from error


@lru_cache(maxsize=2)
def _loaded(folder: Path, _mtime_ns: int, _size: int) -> Library:
    # Loading reads every clip; the index file is rewritten whenever clips change.
    return Library.load(folder)


def moves(
    *,
    difficulty: str = "",
    energy: str = "",
    label: str = "",
    tempo_min: float | None = None,
    tempo_max: float | None = None,
) -> list[Move]:
    """Return the moves that fit everything asked for, in the library's order."""
    found = list(library().moves)
    if difficulty:
        found = [move for move in found if move.difficulty == difficulty]
    if energy:
        found = [move for move in found if move.energy_level == energy]
    if label:
        found = [move for move in found if move.move_label == label]
    if tempo_min is not None:
        found = [move for move in found if move.estimated_tempo >= tempo_min]
    if tempo_max is not None:
        found = [move for move in found if move.estimated_tempo <= tempo_max]
    return found


def move_of(clip_id: str) -> Move:
    """Return one move. Raises NotFoundError."""
    for move in library().moves:
        if move.clip_id == clip_id:
            return move
    raise NotFoundError(f"There is no move {clip_id!r}.", code="move-missing")
