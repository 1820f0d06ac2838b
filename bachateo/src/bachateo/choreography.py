"""A song in, a choreography video out: the stages in their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from bachateo.cache import content_key
from bachateo.errors import VideoError
from bachateo.media.track import SoundTrack, sound_encoding

if TYPE_CHECKING:
    from bachateo.moves import Library
    from bachateo.moves.index.document import Vector
    from bachateo.music import Analysis, Corrections
    from bachateo.selection import MoveSearch
    from bachateo.sequence import PlacedMove, Plan, Wishes
    from bachateo.video import Sidecars

Known = TypeVar("Known")  # what a plan is made of


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
    corrections: Corrections | tuple[float, ...] | None = None,
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
    corrections
        What was heard wrongly, or the times at which a dancer tapped along, from which that is worked out. ``None``
        obeys what stands beside the song.
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

    def wishes() -> Wishes:
        from bachateo.sequence import Wishes  # noqa: PLC0415

        return Wishes(difficulty=difficulty, energy=energy, seed=seed, style=style, relax=relax)

    making = _Making(song, out, library, cache, sidecars, on_stage)
    hear = partial(_hear, song, corrections, for_search=search is not None)
    return making.run(hear, partial(_plan, song, wishes, search))


def _hear(
    song: Path, corrections: Corrections | tuple[float, ...] | None, kept: Path, *, for_search: bool
) -> tuple[Analysis, Mapping[str, Vector]]:
    """Return what is heard in the song, and its vectors where a search wants them."""
    from bachateo import music  # noqa: PLC0415
    from bachateo.selection import song_vectors  # noqa: PLC0415

    read = music.song_reader(song)
    analysis = music.analyze_song(song, cache=kept, read=read, corrected=corrections is None)
    if corrections is not None:
        analysis = _corrected(analysis, corrections)
    vectors = song_vectors(song, cache=kept, read=read) if for_search else {}
    read.cache_clear()
    return analysis, vectors


def _plan(
    song: Path,
    wishes_of: Callable[[], Wishes],
    search: MoveSearch | None,
    known: tuple[Analysis, Mapping[str, Vector]],
    moves: Library,
) -> Plan:
    """Return the plan of what was heard, from what a search offers or from all moves."""
    from bachateo.selection import offer_moves  # noqa: PLC0415
    from bachateo.sequence import plan_sequence  # noqa: PLC0415

    (analysis, vectors), wishes = known, wishes_of()
    found = search(vectors, wishes) if search else {}
    offered = offer_moves(moves, found) if search else moves
    return replace(plan_sequence(analysis, offered, wishes, relevance=found), song_sha256=content_key(song))


def remake(
    song: Path,
    out: Path,
    *,
    plan: Path,
    number: int,
    library: Path,
    seed: int | None = None,
    cache: Path | None = None,
    sidecars: Sidecars | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> Choreography:
    """Make the video of a plan with one move replaced; all others stay.

    Parameters
    ----------
    song
        The song that was planned.
    out
        The mp4 to write. It appears whole or not at all; an existing file is replaced.
    plan
        The file of the plan, as :func:`bachateo.sequence.write_plan` writes it.
    number
        Which move, counted from 1.
    library
        Folder of the moves.
    seed
        Another seed may choose another move; by default the plan's.
    cache, sidecars, on_stage
        As for :func:`make`.

    Returns
    -------
    Choreography
        What was made and how long it took.

    Raises
    ------
    BachateoError
        The plan cannot be read, it is of another song, or nothing else fits; the message says why.
    """

    def known(_kept: Path) -> Plan:
        from bachateo.sequence import read_plan  # noqa: PLC0415

        before = read_plan(plan, library=library)
        require_song_of(before, song)
        return before

    def swapped(before: Plan, moves: Library) -> Plan:
        from bachateo.sequence import swap_move  # noqa: PLC0415

        wishes = before.wishes if seed is None else replace(before.wishes, seed=seed)
        return swap_move(before, moves, number, wishes=wishes)

    return _Making(song, out, library, cache, sidecars, on_stage).run(known, swapped)


def require_song_of(plan: Plan, song: Path) -> None:
    """Raise VideoError unless a plan was made for this song."""
    if plan.song_sha256 != content_key(song):
        raise VideoError(
            "CH067", f"{song.name} is not the song that was planned: its content differs. Give that one, or plan again."
        )


@dataclass(frozen=True)
class _Making:
    """The set-up of a video: where it comes from, where it goes, and the stages on the way."""

    song: Path
    out: Path
    library: Path
    cache: Path | None
    sidecars: Sidecars | None
    on_stage: Callable[[str], None] | None
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, know: Callable[[Path], Known], plan_of: Callable[[Known, Library], Plan]) -> Choreography:
        """Make the video.

        Parameters
        ----------
        know
            Finds out what the plan needs; it is given the folder of the cache.
        plan_of
            Makes the plan of that and of the library.
        """
        with ExitStack() as stack:
            kept = self.cache or Path(stack.enter_context(TemporaryDirectory(prefix="bachateo-")))
            with self._stage("analyzing"):
                # The sound is encoded on another core while the beats are tracked, and while all that needs is loaded.
                encoded = stack.enter_context(sound_encoding(self.song, cache=kept))
                from bachateo.moves import Library  # noqa: PLC0415

                known = know(kept)
            with self._stage("selecting"):
                moves = Library.load(self.library)
                plan = plan_of(known, moves)
            with self._stage("generating"):
                sound = self._cut(plan, encoded)
        return Choreography(
            video=self.out,
            duration_s=plan.analysis.duration_s,
            tempo_bpm=plan.analysis.tempo_bpm,
            moves=plan.moves,
            moves_considered=len(moves.moves),
            seconds=self.seconds,
            audio_cached=sound.cached,
            plan=plan,
        )

    def _cut(self, plan: Plan, encoded: Callable[[], SoundTrack]) -> SoundTrack:
        from bachateo import video  # noqa: PLC0415

        sound = encoded()
        with video.sidecars_aside(plan, self.song.stem, self.sidecars) if self.sidecars else nullcontext():
            video.assemble(plan, sound.path, self.out)
        return sound

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        if self.on_stage is not None:
            self.on_stage(name)
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began


def _corrected(analysis: Analysis, corrections: Corrections | tuple[float, ...]) -> Analysis:
    from bachateo.music import apply_corrections, corrections_from_taps  # noqa: PLC0415

    if isinstance(corrections, tuple):
        corrections = corrections_from_taps(analysis, corrections)
    return apply_corrections(analysis, corrections)
