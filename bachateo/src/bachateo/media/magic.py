"""What a file is by its first bytes, before any of FFmpeg looks at it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

HEAD_BYTES = 64
# A recording that was cut out of a stream begins in the middle of a frame; so much is skipped before the first whole
# one. The longest frame has 2,881 bytes.
SKIPPED_BYTES = 4096
MOST_TAGS = 8
TAG_BYTES, FOOTER = 10, 0x10
TAG = re.compile(rb"ID3..(?P<flags>.)(?P<size>[\x00-\x7f]{4})", re.DOTALL)
# A header of a frame: eleven bits set, then no reserved version, layer, bit rate or sample rate (ISO 11172-3, 2.4.2.3).
FRAME = re.compile(
    rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x00-\x0b\x10-\x1b\x20-\x2b\x30-\x3b\x40-\x4b\x50-\x5b\x60-\x6b"
    rb"\x70-\x7b\x80-\x8b\x90-\x9b\xa0-\xab\xb0-\xbb\xc0-\xcb\xd0-\xdb\xe0-\xeb]"
)
# Boxes that an mp4 or a QuickTime film begins with.
BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid")
STARTS = {
    "ogg": b"OggS",
    "flac": b"fLaC",
    "matroska": b"\x1a\x45\xdf\xa3",
    "flv": b"FLV",
    "asf": b"\x30\x26\xb2\x75",
    "mpeg": b"\x00\x00\x01\xba",
}
RIFF = {"wav": b"WAVE", "avi": b"AVI "}
# A packet of a transport stream has 188 bytes; on discs 4 more stand before it.
PACKETS = ((0, 188), (4, 192))
SYNCS = 3


def kind_of(path: Path, formats: Sequence[str]) -> str | None:
    """Return FFmpeg's name of the format whose mark the file begins with.

    Parameters
    ----------
    path
        The file.
    formats
        The names that may be returned.

    Returns
    -------
    str or None
        None if it begins with no mark of these formats.
    """
    with path.open("rb") as file:
        tagged = _skip_tags(file)
        start = file.tell()
        found = _marked(file.read(HEAD_BYTES), file, start)
        if found is None and "mp3" in formats:
            file.seek(start)
            # After zeros, or the rest of another frame.
            found = "mp3" if FRAME.search(file.read(SKIPPED_BYTES)) else None
    # Before other formats than these a tag of an mp3 makes no sense, and FFmpeg would not step over it.
    return found if found in formats and (not tagged or found in {"mp3", "flac", "wav"}) else None


def _marked(head: bytes, file: BinaryIO, start: int) -> str | None:
    for name, mark in STARTS.items():
        if head.startswith(mark):
            return name
    if head[:4] in {b"RIFF", b"RF64", b"RIFX"}:
        return next((name for name, mark in RIFF.items() if head[8:12] == mark), None)
    if head[4:8] in BOXES:
        return "mov"
    for first, length in PACKETS:
        file.seek(start + first)
        stream = file.read(SYNCS * length + 1)
        if len(stream) == SYNCS * length + 1 and set(stream[::length]) == {0x47}:
            return "mpegts"
    return None


def _skip_tags(file: BinaryIO) -> bool:
    """Go past the ID3 tags at the beginning; say whether there were any."""
    place = 0
    for _ in range(MOST_TAGS):
        file.seek(place)
        tag = TAG.match(file.read(TAG_BYTES))
        if not tag:
            break
        # The size has seven bits per byte; a footer repeats the head.
        size = sum(byte << shift for byte, shift in zip(tag["size"], (21, 14, 7, 0), strict=True))
        place += TAG_BYTES + size + TAG_BYTES * bool(tag["flags"][0] & FOOTER)
    file.seek(place)
    return place > 0
