from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from choreographer.errors import SongError
from choreographer.music import check_song, song
from choreographer.music.demo import write_demo_song
from choreographer.music.recording import CODECS, write_sound

RATE = 22_050


def _tone(seconds: float, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 220 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.mark.parametrize("suffix", CODECS)
def test_check_song__every_format__gives_its_length(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"song{suffix}"
    write_sound(path, _tone(6), rate_hz=RATE)

    assert check_song(path) == pytest.approx(6, abs=0.1)


def test_check_song__video_with_sound__gives_the_length_of_its_sound(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as out:
        pictures = out.add_stream("libx264", rate=10, width=64, height=64, pix_fmt="yuv420p")
        sound = out.add_stream("aac", rate=RATE, layout="mono")
        for _ in range(10):
            out.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        frame = av.AudioFrame.from_ndarray(_tone(5)[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        out.mux([*pictures.encode(None), *sound.encode(frame), *sound.encode(None)])

    assert check_song(path) == pytest.approx(5, abs=0.1)


def test_check_song__missing__says_so(tmp_path: Path) -> None:
    with pytest.raises(SongError, match=r"^CH001  there is no song file .*gone\.mp3"):
        check_song(tmp_path / "gone.mp3")


def test_check_song__empty__says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()

    with pytest.raises(SongError, match=r"^CH002  empty\.mp3 is empty \(0 bytes\)"):
        check_song(tmp_path / "empty.mp3")


@pytest.mark.parametrize("content", [b"this is no music\n" * 400, bytes(range(256)) * 400, b"\x00" * 50_000])
def test_check_song__no_sound_file__says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes.mp3").write_bytes(content)

    with pytest.raises(SongError, match=r"^CH003  notes\.mp3"):
        check_song(tmp_path / "notes.mp3")


def test_check_song__pictures_only__says_so(tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10, width=64, height=64, pix_fmt="yuv420p")
        out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        out.mux(stream.encode(None))

    with pytest.raises(SongError, match=r"^CH004  silent\.mp4 has no sound track"):
        check_song(path)


def test_check_song__silence__says_so(tmp_path: Path) -> None:
    write_sound(tmp_path / "hush.wav", _tone(6, level=0.0005), rate_hz=RATE)

    with pytest.raises(SongError, match=r"^CH005  hush\.wav is silent"):
        check_song(tmp_path / "hush.wav")


def test_check_song__too_short__says_how_long_it_must_be(tmp_path: Path) -> None:
    write_sound(tmp_path / "jingle.wav", _tone(2), rate_hz=RATE)

    with pytest.raises(SongError, match=r"^CH006  jingle\.wav lasts 2\.0 s; .* \(2\.7 s\)"):
        check_song(tmp_path / "jingle.wav")


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_check_song__too_long__says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(song, "LONGEST_S", 8.0)
    write_sound(tmp_path / f"set{suffix}", _tone(9), rate_hz=RATE)

    with pytest.raises(SongError, match=rf"^CH007  set{suffix} lasts more than 0 minutes"):
        check_song(tmp_path / f"set{suffix}")


@pytest.mark.parametrize("suffix", [".mp3", ".flac"])
def test_check_song__cut_off__says_how_much_is_left(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"half{suffix}"
    write_demo_song(path, seconds=20)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    with pytest.raises(SongError, match=rf"^CH008  half{suffix} is cut off: it declares 20 s but only \d+ s"):
        check_song(path)


def test_check_song__a_few_damaged_bytes__is_still_a_song(tmp_path: Path) -> None:
    path = tmp_path / "scratched.mp3"
    write_demo_song(path, seconds=20)
    content = bytearray(path.read_bytes())
    content[100_000:100_400] = b"\xff" * 400
    path.write_bytes(content)

    assert check_song(path) == pytest.approx(20, abs=0.3)
