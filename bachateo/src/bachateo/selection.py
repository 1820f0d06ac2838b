"""Which moves are offered for a song: those that a search finds, and every intro and outro."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bachateo.cache import cached, content_key
from bachateo.moves import DIFFICULTIES, ENERGY_LEVELS, Library
from bachateo.moves.index import MoveIndex, MoveQuery
from bachateo.moves.index.document import Vector
from bachateo.moves.vectors.sound import describe_sound
from bachateo.music.song import DecodedSong
from bachateo.sequence import Wishes

VERSION = 1  # of the vectors; a cached one of another version is not used

# Given the vectors of a song by their names in a query, and the wishes, returns clip_id to how well it goes with the
# song, 0 to 1.
MoveSearch = Callable[[Mapping[str, Vector], Wishes], Mapping[str, float]]


def song_vectors(song: Path, *, cache: Path, read: Callable[[], DecodedSong]) -> dict[str, Vector]:
    """Return what a song is looked for with, or remember it from a file of the same content.

    Parameters
    ----------
    song
        The song.
    cache
        Folder that remembers.
    read
        Gives the decoded song.

    Returns
    -------
    dict
        ``audio``, shape ``(128,)``, see :func:`bachateo.moves.vectors.sound.describe_sound`.
    """
    name = f"sound-vector-{VERSION}-{content_key(song)}.npy"
    entry, _ = cached(cache, name, lambda aside: _write(describe_sound(read().samples), aside))
    return {"audio": np.load(entry, allow_pickle=False)}


def search_every_level(index: MoveIndex, vectors: Mapping[str, Vector], wishes: Wishes) -> dict[str, float]:
    """Look for all that may be danced: in each difficulty that is allowed and each energy that is wished.

    One search finds 200 moves at most, and a song has soft and loud parts: so each level is searched apart.

    Parameters
    ----------
    index
        Where to search.
    vectors
        What to compare with, by the name of the field.
    wishes
        Difficulty and energy.
    """
    found: dict[str, float] = {}
    for difficulty in DIFFICULTIES[: wishes.hardest + 1]:
        for energy in (wishes.energy,) if wishes.energy else ENERGY_LEVELS:
            query = MoveQuery(vectors, difficulty=difficulty, energy_level=energy)
            found |= {hit.clip_id: hit.score for hit in index.search(query).hits}
    return found


def offer_moves(library: Library, found: Mapping[str, float]) -> Library:
    """Return the part of a library that was found, and its intros and outros: they need not sound like the song.

    Where nothing was found, no clip has a sound to compare with, and the whole library is offered.
    """
    if not found:
        return library
    return Library(library.folder, tuple(move for move in library.moves if move.clip_id in found or move.role))


def _write(vector: Vector, path: Path) -> None:
    # An open file, since numpy would add a suffix to the name.
    with path.open("wb") as file:
        np.save(file, vector, allow_pickle=False)
