"""From a library to its index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from choreographer.errors import SearchError
from choreographer.moves.index import MoveIndex
from choreographer.moves.index.document import MoveDocument, Vector, move_document, move_text
from choreographer.moves.index.local import FILE_NAME, LocalMoveIndex, is_fresh, library_stamp
from choreographer.moves.index.query import MoveQuery
from choreographer.moves.library import INDEX_NAME, Library, Move
from choreographer.moves.vectors.measured import measure_clip
from choreographer.moves.vectors.motion import describe_motion
from choreographer.moves.vectors.posing import PoseModel, find_pose_model
from choreographer.moves.vectors.sentence import describe_text
from choreographer.moves.vectors.sound import describe_sound
from choreographer.music.song import Song

VERSION = 1  # of the vectors; an index of another version is made anew

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


def index_library(
    library: Library, *, anew: bool = False, on_progress: Progress = lambda _done, _total: None
) -> Indexed:
    """Make the index of a library in its folder, unless it is there, whole and of this ``library.json``.

    Parameters
    ----------
    library
        The library; clips that were not measured yet are measured, and the measurements kept beside them.
    anew
        Make it whatever is there, for instance after a pose model was installed.
    on_progress
        Called with the number of moves that are described and that there are.

    Raises
    ------
    SearchError
        What was measured in a clip cannot be read, or the pose model fails.
    """
    path = library.folder / FILE_NAME
    if not anew and _is_complete(library):
        return Indexed(len(library.moves), changed=False)
    # Before the moves are read: whoever changes the library meanwhile makes this index stale.
    stamp = {**library_stamp(library.folder / INDEX_NAME), "vectors": VERSION}
    described = _Described(library, on_progress)
    LocalMoveIndex.create(path, described, len(library.moves), stamp)
    return described.indexed(len(library.moves))


def send_library(library: Library, index: MoveIndex, *, on_progress: Progress = lambda _done, _total: None) -> Indexed:
    """Add the moves of a library to an index; moves of other libraries in it stay."""
    described = _Described(library, on_progress)
    index.add(described)
    return described.indexed(index.count())


def describe_move(library: Library, move: Move, pose_model: PoseModel | None = None) -> MoveDocument:
    """Return the document of a move with every vector that is known.

    ``audio`` from the clip's own sound, ``lead``, ``follow`` and ``interaction`` from the poses of its dancers,
    ``text`` from its label and description.
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
    sound: Song | Vector | None = None,
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
        vectors["audio"] = describe_sound(sound.samples) if isinstance(sound, Song) else np.asarray(sound, np.float32)
    if text.strip():
        vectors["text"] = describe_text(text)
    return MoveQuery(vectors, difficulty=difficulty, energy_level=energy_level)


@lru_cache(maxsize=1024)
def _text_vector(text: str) -> Vector:
    return describe_text(text)


def _is_complete(library: Library) -> bool:
    try:
        index = LocalMoveIndex(library.folder / FILE_NAME)
        index.layout.verify()
    except SearchError:
        return False
    stamp = index.layout.library
    return stamp.get("vectors") == VERSION and is_fresh(stamp, library.folder / INDEX_NAME)
