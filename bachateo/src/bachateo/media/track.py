"""The sound track: the song as AAC, encoded once for each content."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bachateo.cache import content_key, entry_made, found
from bachateo.isolation import LimitedChild, Limits
from bachateo.media import song_file

VERSION = 2  # of the encoding; a cached sound track of another version is not used
# The longest song takes 30 s, and fills 55 MB.
LIMITS = Limits(seconds=300, cpu_seconds=300, memory_mb=1024, file_mb=120)


@dataclass(frozen=True)
class SoundTrack:
    """An encoded sound track, and whether it was found in the cache."""

    path: Path
    cached: bool


def encode_sound(song: Path, *, cache: Path) -> SoundTrack:
    """Encode the song as stereo AAC, or find it encoded.

    Parameters
    ----------
    song
        A song that :func:`bachateo.music.check_song` accepts.
    cache
        Folder for the result.

    Raises
    ------
    SongError
        The song has no sound that can be decoded, or too much of it.
    """
    with sound_encoding(song, cache=cache) as finish:
        return finish()


@contextmanager
def sound_encoding(song: Path, *, cache: Path) -> Iterator[Callable[[], SoundTrack]]:
    """Encode the song on another core while the block does something else.

    Parameters
    ----------
    song, cache
        As for :func:`encode_sound`.

    Yields
    ------
    callable
        Waits for the sound track and returns it.

    Notes
    -----
    Whatever is raised in the block ends the encoder and leaves nothing in the cache.
    """
    song_file.require_file(song)
    name = f"sound-{VERSION}-{content_key(song)}.m4a"
    entry = found(cache, name)
    if entry:
        yield lambda: SoundTrack(entry, cached=True)
        return
    with ExitStack() as stack:
        aside = stack.enter_context(entry_made(cache, name))
        child = stack.enter_context(
            LimitedChild(
                "bachateo.media.sound.encode_track",
                str(song),
                str(aside),
                song_file.LONGEST_S,
                about=song.name,
                limits=LIMITS,
                reads=[song],
                writes=[aside],
            )
        )

        @functools.cache
        def finish() -> SoundTrack:
            child.result()
            stack.pop_all().close()
            return SoundTrack(cache / name, cached=False)

        yield finish
        finish()
