"""From a library to its index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from bachateo.errors import SearchError
from bachateo.moves.index import MoveIndex
from bachateo.moves.index.document import MoveDocument, Vector, move_document, move_text
from bachateo.moves.index.local import FILE_NAME, LocalMoveIndex, library_stamp
from bachateo.moves.index.query import MoveQuery
from bachateo.moves.library import INDEX_NAME, Library, Move
from bachateo.moves.vectors.measured import measure_clip
from bachateo.moves.vectors.motion import describe_motion
from bachateo.moves.vectors.posing import PoseModel, find_pose_model
from bachateo.moves.vectors.sentence import describe_text
from bachateo.moves.vectors.sound import describe_sound
from bachateo.music.song import DecodedSong

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Indexed:
    """What was indexed.

    Attributes
    ----------
    moves
        How many there are in the index.
    changed
        Whether it was made; otherwise it was complete already.
    without_sound, without_poses
        How many moves have no audio vector, so that no music finds them, and none of motion. ``None`` when nothing
        was made.
    """

    moves: int
    changed: bool
    without_sound: int | None = None
    without_poses: int | None = None


class _Described:
    """Documents of a library's moves, sorted by ``clip_id``, made one at a time."""

    def __init__(self, library: Library, on_progress: Progress) -> None:
        self.library, self.on_progress = library, on_progress
        self.without_sound = self.without_poses = 0
        self.pose_model = find_pose_model()

    def __iter__(self) -> Iterator[MoveDocument]:
        moves = sorted(self.library.moves, key=lambda move: move.clip_id)
        for number, move in enumerate(moves):
            self.on_progress(number, len(moves))
            document = describe_move(self.library, move, self.pose_model)
            self.without_sound += "audio" not in document.vectors
            self.without_poses += "lead" not in document.vectors
            yield document
        self.on_progress(len(moves), len(moves))

    def indexed(self, moves: int) -> Indexed:
        return Indexed(moves, changed=True, without_sound=self.without_sound, without_poses=self.without_poses)


def index_library(folder: Path, *, anew: bool = False, on_progress: Progress = lambda _done, _total: None) -> Indexed:
    """Make the index of a library in its folder, unless it is there, whole and of this ``library.json``.

    Parameters
    ----------
    folder
        Of the library; clips that were not measured yet are measured, and the measurements kept beside them.
    anew
        Make it whatever is there, for instance after a pose model was installed.
    on_progress
        Called with the number of moves that are described and that there are.

    Raises
    ------
    LibraryError
        There is no library, or it cannot be read.
    SearchError
        What was measured in a clip cannot be read, or the pose model fails.
    """
    if not anew and _is_complete(folder):
        return Indexed(LocalMoveIndex.of_library(folder).count(), changed=False)
    index = folder / INDEX_NAME
    # Before the moves are read: a change of the library meanwhile makes this index stale.
    stamp = library_stamp(index) if index.is_file() else {}
    library = Library.load(folder)
    described = _Described(library, on_progress)
    LocalMoveIndex.create(folder / FILE_NAME, described, len(library.moves), stamp)
    return described.indexed(len(library.moves))


def send_library(library: Library, index: MoveIndex, *, on_progress: Progress = lambda _done, _total: None) -> Indexed:
    """Add the moves of a library to an index; moves of other libraries in it stay.

    Parameters
    ----------
    library
        The moves.
    index
        Where they are added.
    on_progress
        Called with how many moves are done and how many there are.
    """
    described = _Described(library, on_progress)
    index.add(described)
    return described.indexed(index.count())


def describe_move(library: Library, move: Move, pose_model: PoseModel | None = None) -> MoveDocument:
    """Return the document of a move with every vector that is known.

    ``audio`` from the clip's own sound, ``lead``, ``follow`` and ``interaction`` from the poses of its dancers,
    ``text`` from its label and description.

    Parameters
    ----------
    library
        Where the clip is.
    move
        The move.
    pose_model
        Finds the dancers of a clip whose poses are not known.
    """
    measured = measure_clip(library.clip(move), move.beats_s, pose_model)
    vectors: dict[str, Vector] = {"text": _text_vector(move_text(move))}
    if measured.audio is not None:
        vectors["audio"] = measured.audio
    if measured.track is not None:
        motion = describe_motion(measured.track)
        vectors.update(lead=motion.lead, follow=motion.follow, interaction=motion.interaction)
    return move_document(move, vectors)


def song_query(
    sound: DecodedSong | Vector | None = None,
    *,
    text: str = "",
    difficulty: str | None = None,
    energy_level: str | None = None,
) -> MoveQuery:
    """Return the query for moves that go with a song and a text.

    Parameters
    ----------
    sound
        A decoded song, or its vector as ``describe_sound`` gave it before.
    text
        What is wished for, in English; empty for nothing.
    difficulty, energy_level
        What a move must have.

    Raises
    ------
    SearchError
        There is neither sound nor text, or a filter has a value that no move has.
    """
    vectors: dict[str, Vector] = {}
    if sound is not None:
        vectors["audio"] = (
            describe_sound(sound.samples) if isinstance(sound, DecodedSong) else np.asarray(sound, np.float32)
        )
    if text.strip():
        vectors["text"] = describe_text(text)
    return MoveQuery(vectors, difficulty=difficulty, energy_level=energy_level)


@lru_cache(maxsize=1024)
def _text_vector(text: str) -> Vector:
    return describe_text(text)


def _is_complete(folder: Path) -> bool:
    try:
        LocalMoveIndex.of_library(folder).layout.verify()
    except SearchError:
        return False
    return True
