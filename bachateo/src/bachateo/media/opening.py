"""Opens a file by what its content is, whatever its name says; it can lead to no other file."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Stream

from bachateo.media.codecs import PICTURE_CODECS, PICTURE_DECODERS, SOUND_CODECS, SOUND_DECODERS
from bachateo.media.magic import kind_of

# FFmpeg's names. None of them leads to other files, as playlists (hls, concat, sdp, dash) do.
SOUND_FORMATS = ("mp3", "mov", "ogg", "flac", "wav")
FILM_FORMATS = ("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf")


LARGEST_BYTES = 2 << 30
# Films have a few: sound in several languages, subtitles, a cover, data of the camera.
MOST_STREAMS = 32
# Titles, lyrics and comments; covers are streams.
MOST_TAG_BYTES = 1 << 20


class UnreadableError(Exception):
    """The file cannot be opened; the message says why, in the middle of a sentence."""


class OversizedError(UnreadableError):
    """The file holds more of something than any song or film."""


@contextmanager
def open_media(path: Path, formats: Sequence[str] = SOUND_FORMATS) -> Iterator[InputContainer]:
    """Open a file that holds sound or pictures.

    Parameters
    ----------
    path
        The file.
    formats
        FFmpeg's names of the formats that are read; any other is refused, whatever the file is called.

    Raises
    ------
    UnreadableError
        It is of another format, or damaged.
    OversizedError
        It holds more than ``LARGEST_BYTES``, ``MOST_STREAMS`` or ``MOST_TAG_BYTES``.
    """
    if path.stat().st_size > LARGEST_BYTES:
        raise OversizedError(f"more than {LARGEST_BYTES >> 30} GB")
    kind = kind_of(path, formats)
    if kind is None:
        raise UnreadableError("another format")
    # A file that both looks like one format and is another one to FFmpeg is refused: only one is allowed.
    options = {"protocol_whitelist": "file", "format_whitelist": kind, "codec_whitelist": _decoders(formats)}
    try:
        # Named as a file, so that no name is taken for an address. Tags in any encoding are no reason to refuse.
        container = av.open(f"file:{path}", container_options=options, metadata_errors="ignore")
    except MemoryError:
        raise
    except av.FFmpegError as error:
        raise UnreadableError("another format" if error.errno == errno.EINVAL else error.strerror) from error
    except ValueError as error:
        raise UnreadableError(str(error)) from error
    with container:
        _refuse_oversized(container)
        yield container


def clock_start_s(container: InputContainer) -> float:
    """Return the time of a file that a player shows as 0, in seconds.

    A transport stream keeps the clock of what it was cut out of. An mp4 or a matroska has a timeline of its own.
    """
    own = container.format.name.startswith(("mov", "matroska"))
    return 0.0 if own else (container.start_time or 0) / av.time_base


def _decoders(formats: Sequence[str]) -> str:
    # Of a song no picture is decoded, not even its cover.
    pictures = () if formats == SOUND_FORMATS else (PICTURE_CODECS, PICTURE_DECODERS)
    return ",".join((SOUND_CODECS, SOUND_DECODERS, *pictures))


def _refuse_oversized(container: InputContainer) -> None:
    count = len(container.streams)
    if count > MOST_STREAMS:
        raise OversizedError(f"{count} streams of sound, pictures and data; {MOST_STREAMS} are read")
    tags = [container.metadata, *(stream.metadata for stream in container.streams)]
    size = sum(len(name) + len(text) for tag in tags for name, text in tag.items())
    if size > MOST_TAG_BYTES:
        raise OversizedError(f"{size >> 20} MB of titles and comments; {MOST_TAG_BYTES >> 20} MB is read")


def packets_of(container: InputContainer, stream: Stream) -> Iterator[av.Packet[Any]]:
    """Yield the packets of one stream as far as they can be read; the last one is empty and flushes the decoder."""
    try:
        yield from container.demux(stream)
    except MemoryError:
        raise
    except av.FFmpegError:
        return  # what follows is damaged; that something is missing is noticed by the length
