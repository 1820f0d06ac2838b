"""A song in, a choreography video out: the stages in their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bachateo.media.track import sound_encoding

if TYPE_CHECKING:
    from bachateo.selection import MoveSearch
    from bachateo.sequence import PlacedMove, Plan
    from bachateo.video import Sidecars


@dataclass(frozen=True)
class Choreography:
    """A finished choreography.

    Attributes
    ----------
    video
        The file that was written.
    duration_s
        Length of the song and of the video, in seconds.
    tempo_bpm
        Median tempo of the song, in beats per minute.
    moves
        The moves in the order they are danced, with the time each begins.
    moves_considered
        How many clips the library offered before any filter.
    seconds
        Wall time of each stage: ``analyzing``, ``selecting``, ``generating``.
    audio_cached
        Whether the encoded sound track came from the cache.
    plan
        What was heard in the song, every move in its place and why, and which wishes were given up.
    """

    video: Path
    duration_s: float
    tempo_bpm: float
    moves: tuple[PlacedMove, ...]
    moves_considered: int
    seconds: Mapping[str, float]
    audio_cached: bool
    plan: Plan


def make(
    song: Path,
    out: Path,
    *,
    library: Path,
    difficulty: str | None = None,
    energy: str | None = None,
    seed: int = 0,
    style: str | None = None,
    relax: bool | tuple[str, ...] = False,
    search: MoveSearch | None = None,
    cache: Path | None = None,
    sidecars: Sidecars | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> Choreography:
    """Make a choreography video for a song.

    Parameters
    ----------
    song
        An mp3, m4a, ogg, opus, flac, wav or mp4, 10 s to 45 min long.
    out
        The mp4 to write. It appears whole or not at all; an existing file is replaced.
    library
        Folder with ``library.json`` and the clips it names.
    difficulty
        ``beginner``, ``intermediate`` or ``advanced``: nothing harder is danced, and of the rest the moves of
        this level are preferred. ``None`` for no limit.
    energy
        ``low``, ``medium`` or ``high``: the energy to keep throughout. ``None`` follows the song.
    seed
        The same seed gives the same choreography; another seed another one.
    style
        The style to prefer, one that moves of the library have. ``None`` for any.
    relax
        What may be given up when nothing satisfies everything, as in :class:`bachateo.sequence.Wishes`.
    search
        Finds the moves that go with the song, see :mod:`bachateo.selection`: these are offered, and the better
        they go with it the rather they are danced. ``None`` offers the whole library alike.
    cache
        Folder for what was heard in the song and for its encoded sound, by content. ``None`` keeps nothing.
    sidecars
        Where the timeline, the captions, the chapters and the thumbnail shall be; ``None`` writes none. They appear
        together with the video.
    on_stage
        Called with ``"analyzing"``, ``"selecting"`` and ``"generating"`` as each begins. Whatever it raises
        aborts the work and leaves no file.

    Returns
    -------
    Choreography
        What was made and how long it took.

    Raises
    ------
    BachateoError
        The song, the library or the wish cannot be served; the message says why and what would help.
    """
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        if on_stage is not None:
            on_stage(name)
        began = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - began

    with ExitStack() as stack:
        kept = cache or Path(stack.enter_context(TemporaryDirectory(prefix="bachateo-")))
        with stage("analyzing"):
            # The sound is encoded on another core while the beats are tracked, and while all that needs is loaded.
            encoded = stack.enter_context(sound_encoding(song, cache=kept))
            from bachateo import music, video  # noqa: PLC0415
            from bachateo.moves import Library  # noqa: PLC0415
            from bachateo.selection import offer_moves, song_vectors  # noqa: PLC0415
            from bachateo.sequence import Wishes, plan_sequence  # noqa: PLC0415

            read = music.song_reader(song)
            analysis = music.analyze_song(song, cache=kept, read=read)
            vectors = song_vectors(song, cache=kept, read=read) if search else {}
            read.cache_clear()
        with stage("selecting"):
            moves = Library.load(library)
            wishes = Wishes(difficulty=difficulty, energy=energy, seed=seed, style=style, relax=relax)
            found = search(vectors, wishes) if search else {}
            offered = offer_moves(moves, found) if search else moves
            plan = plan_sequence(analysis, offered, wishes, relevance=found)
        with stage("generating"):
            sound = encoded()
            if sidecars:
                stack.enter_context(video.sidecars_aside(plan, song.stem, sidecars))
            video.assemble(plan, sound.path, out)
    return Choreography(
        video=out,
        duration_s=analysis.duration_s,
        tempo_bpm=analysis.tempo_bpm,
        moves=plan.moves,
        moves_considered=len(moves.moves),
        seconds=seconds,
        audio_cached=sound.cached,
        plan=plan,
    )
