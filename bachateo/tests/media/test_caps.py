"""More of anything than a song or a film has is refused, with the number that is allowed."""

from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np
import pytest

from bachateo.errors import SongError
from bachateo.media import opening, sound
from bachateo.media.opening import OversizedError, open_media
from bachateo.media.sound import open_sound
from bachateo.music import check_song
from bachateo.music.recording import write_sound
from tests.trials.crafted import _tag

RATE = 22_050


def tone(path: Path) -> Path:
    samples = np.sin(2 * np.pi * 220 * np.arange(11 * RATE) / RATE).astype(np.float32)
    write_sound(path, samples, rate_hz=RATE)
    return path


def refused(path: Path) -> str:
    with pytest.raises(SongError) as caught:
        check_song(path)
    return str(caught.value)


def test_check_song__megabytes_of_titles__are_refused(tmp_path: Path) -> None:
    song = tone(tmp_path / "song.mp3")
    song.write_bytes(_tag((b"TXXX", b"\x03title\x00" + b"x" * (3 << 20))) + song.read_bytes())

    assert refused(song) == (
        "CH015  song.mp3 is no ordinary recording: it holds 3 MB of titles and comments; 1 MB is read. "
        "Export the song again, and nothing else."
    )


def test_check_song__many_tracks__are_refused(tmp_path: Path) -> None:
    path = tmp_path / "tracks.m4a"
    with av.open(str(path), "w", format="mp4") as out:
        tracks = [out.add_stream("aac", rate=44_100, layout="mono") for _ in range(33)]
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        frame.sample_rate = 44_100
        for track in tracks:
            frame.pts = 0
            out.mux([*track.encode(frame), *track.encode(None)])

    assert "it holds 33 streams of sound, pictures and data; 32 are read" in refused(path)


def test_check_song__many_channels__are_refused(tmp_path: Path) -> None:
    song = bytearray(tone(tmp_path / "song.wav").read_bytes())
    song[22:24] = (17).to_bytes(2, "little")
    song[32:34] = (34).to_bytes(2, "little")
    (tmp_path / "song.wav").write_bytes(song)

    assert "it holds 17 channels of sound; 16 are read" in refused(tmp_path / "song.wav")


def test_open_media__huge_file__is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.mp3").open("wb") as file:
        file.truncate(opening.LARGEST_BYTES + 1)

    with pytest.raises(OversizedError, match="more than 2 GB"), open_media(tmp_path / "huge.mp3"):
        pass


def test_open_sound__encoding_that_is_not_read__is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = tone(tmp_path / "song.mp3")
    with open_sound(song) as (_, stream):
        assert stream.codec_context.codec.canonical_name == "mp3"
    monkeypatch.setattr(sound, "SOUND_CODECS", "flac")

    with pytest.raises(SongError, match=re.escape("(its sound is MP3")), open_sound(song):
        pass


def test_check_song__sound_of_a_game__is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "game.wav"
    with av.open(str(path), "w", format="wav") as out:
        track = out.add_stream("adpcm_yamaha", rate=44_100, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 44_100), np.int16), "s16", "mono")
        silence.sample_rate = 44_100
        out.mux([*track.encode(silence), *track.encode(None)])

    assert refused(path).startswith("CH003  game.wav is no sound file (its sound is ADPCM Yamaha, which is not read).")
