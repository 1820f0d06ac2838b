"""A file is what its first bytes say, and that alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from bachateo.media.magic import kind_of
from bachateo.media.opening import FILM_FORMATS, SOUND_FORMATS

FRAME = b"\xff\xfb\x90\x00" + bytes(413)
TAG = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)
TRANSPORT = (b"\x47" + bytes(187)) * 4


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (FRAME, "mp3"),
        (TAG + FRAME, "mp3"),
        (TAG + TAG + FRAME, "mp3"),
        (bytes(2000) + FRAME, "mp3"),
        (FRAME[200:] + FRAME, "mp3"),
        (b"<html>" + FRAME, "mp3"),  # played as what it is
        (bytes(5000) + FRAME, None),
        (TAG, None),
        (b"ID3\x04\x00\x00\xff\xff\xff\xff", None),
        (b"OggS" + bytes(30), "ogg"),
        (b"fLaC" + bytes(30), "flac"),
        (TAG + b"fLaC" + bytes(30), "flac"),
        (TAG + b"OggS" + bytes(30), None),
        (b"RIFF\x00\x00\x00\x00WAVE", "wav"),
        (b"RF64\x00\x00\x00\x00WAVE", "wav"),
        (b"RIFF\x00\x00\x00\x00WEBP", None),
        (b"\x00\x00\x00\x18ftypM4A ", "mov"),
        (b"#EXTM3U\n/etc/passwd", None),
        (b"v=0\no=- 0 0", None),
        (b"<!DOCTYPE html>", None),
        (b"PK\x03\x04" + bytes(30), None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"\x1a\x45\xdf\xa3", None),  # a film, and a song was asked for
        (b"", None),
        (b"\xff", None),
    ],
)
def test_kind_of__first_bytes__name_one_format_of_songs_or_none(
    content: bytes, kind: str | None, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(content)

    assert kind_of(tmp_path / "file", SOUND_FORMATS) == kind


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x1a\x45\xdf\xa3", "matroska"),
        (b"RIFF\x00\x00\x00\x00AVI ", "avi"),
        (b"FLV\x01", "flv"),
        (b"\x30\x26\xb2\x75", "asf"),
        (b"\x00\x00\x01\xba", "mpeg"),
        (TRANSPORT, "mpegts"),
        ((bytes(4) + b"\x47" + bytes(187)) * 4, "mpegts"),
        (TRANSPORT[:500], None),
        (FRAME, None),
    ],
)
def test_kind_of__first_bytes__name_one_format_of_films_or_none(
    content: bytes, kind: str | None, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(content)

    assert kind_of(tmp_path / "file", FILM_FORMATS) == kind
