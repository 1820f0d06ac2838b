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

# FFmpeg's names. None of them leads to other files, as playlists (hls, concat, sdp, dash) do.
SOUND_FORMATS = ("mp3", "mov", "ogg", "flac", "wav")
FILM_FORMATS = ("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "asf")


class UnreadableError(Exception):
    """The file cannot be opened; the message says why, in the middle of a sentence."""


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
    """
    options = {"protocol_whitelist": "file", "format_whitelist": ",".join(formats)}
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
        yield container


def packets_of(container: InputContainer, stream: Stream) -> Iterator[av.Packet[Any]]:
    """Yield the packets of one stream as far as they can be read; the last one is empty and flushes the decoder."""
    try:
        yield from container.demux(stream)
    except MemoryError:
        raise
    except av.FFmpegError:
        return  # what follows is damaged; that something is missing is noticed by the length
