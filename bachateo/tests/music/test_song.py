from __future__ import annotations

import os
import tempfile
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from bachateo.errors import SongError
from bachateo.media import song_file
from bachateo.media.opening import open_media
from bachateo.music import check_song
from bachateo.music.demo import write_demo_song
from bachateo.music.recording import CODECS, write_sound
from bachateo.music.song import inspect_song, read_song

RATE = 22_050


def _tone(seconds: float, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 220 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.mark.parametrize("suffix", CODECS)
def test_check_song__every_format__gives_its_length(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"song{suffix}"
    write_sound(path, _tone(10), rate_hz=RATE)

    assert check_song(path) == pytest.approx(10, abs=0.1)


def test_check_song__video_with_sound__gives_the_length_of_its_sound(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as out:
        pictures = out.add_stream("libx264", rate=10, width=64, height=64, pix_fmt="yuv420p")
        sound = out.add_stream("aac", rate=RATE, layout="mono")
        for _ in range(10):
            out.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        frame = av.AudioFrame.from_ndarray(_tone(11)[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        out.mux([*pictures.encode(None), *sound.encode(frame), *sound.encode(None)])

    assert check_song(path) == pytest.approx(11, abs=0.1)


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
    write_sound(tmp_path / "hush.wav", _tone(11, level=0.0005), rate_hz=RATE)

    with pytest.raises(SongError, match=r"^CH005  hush\.wav is silent"):
        check_song(tmp_path / "hush.wav")


def test_check_song__too_short__says_how_long_it_must_be(tmp_path: Path) -> None:
    write_sound(tmp_path / "jingle.wav", _tone(5), rate_hz=RATE)

    with pytest.raises(SongError, match=r"^CH006  jingle\.wav lasts 5\.0 s; a choreography needs at least 10 s\."):
        check_song(tmp_path / "jingle.wav")


@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_check_song__too_long__says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(song_file, "LONGEST_S", 60.0)
    write_sound(tmp_path / f"set{suffix}", _tone(61), rate_hz=RATE)

    with pytest.raises(SongError, match=rf"^CH007  set{suffix} lasts more than 1 minutes"):
        check_song(tmp_path / f"set{suffix}")


def test_check_song__three_hours_declared__are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "night.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(1000))
    header = bytearray(path.read_bytes())
    header[40:44] = (3 * 3600 * RATE * 2).to_bytes(4, "little")
    path.write_bytes(header)
    os.truncate(path, 44 + 3 * 3600 * RATE * 2)  # a hole, not half a gigabyte

    with pytest.raises(SongError, match=r"^CH007  night\.wav lasts more than 45 minutes"):
        check_song(path)


def test_check_song__more_than_it_declares__is_refused_where_it_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An mp3 has no beginning and no end: the first frame declares 20 s, forty seconds follow.
    path = tmp_path / "long.mp3"
    write_sound(path, _tone(20), rate_hz=RATE)
    path.write_bytes(path.read_bytes() * 3)
    monkeypatch.setattr(song_file, "LONGEST_S", 45.0)

    with pytest.raises(SongError, match=r"^CH007  long\.mp3 lasts more than 1 minutes"):
        check_song(path)


def test_check_song__telephone_quality__says_so(tmp_path: Path) -> None:
    write_sound(tmp_path / "call.wav", _tone(11), rate_hz=8000)

    with pytest.raises(SongError, match=r"^CH017  call\.wav was recorded at 8 kHz, telephone quality"):
        check_song(tmp_path / "call.wav")


PLAYLISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:20\n#EXTINF:20,\n{song}\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile '{song}'\n",
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 14\n",
    "list.mpd": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
    "<AdaptationSet><Representation><BaseURL>{song}</BaseURL></Representation></AdaptationSet></Period></MPD>",
}


@pytest.mark.parametrize("name", PLAYLISTS)
@pytest.mark.parametrize("suffix", ["", ".mp3"])
@pytest.mark.thinned(to_one_in=4)
def test_check_song__playlist__is_not_followed(tmp_path: Path, name: str, suffix: str) -> None:
    write_sound(tmp_path / "song.mp3", _tone(11), rate_hz=RATE)
    path = tmp_path / f"{name}{suffix}"
    path.write_text(PLAYLISTS[name].format(song="song.mp3"))

    with pytest.raises(SongError, match=rf"^CH003  {name}{suffix} is no sound file"):
        check_song(path)


def test_open_media__playlists_among_the_formats__would_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bachateo.media.opening.kind_of", lambda _path, formats: ",".join(formats))
    write_sound(tmp_path / "song.mp3", _tone(11), rate_hz=RATE)
    (tmp_path / "list.ffconcat").write_text(PLAYLISTS["list.ffconcat"].format(song="song.mp3"))

    with open_media(tmp_path / "list.ffconcat", formats=["concat", "mp3"]) as container:
        assert sum(packet.size for packet in container.demux(audio=0)) > 10_000


def test_check_song__name_like_an_address__is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_sound(Path("concat:a|b.mp3"), _tone(11), rate_hz=RATE)

    assert check_song(Path("concat:a|b.mp3")) == pytest.approx(11, abs=0.1)


def test_inspect_song__other_suffix__tells_what_is_inside(tmp_path: Path) -> None:
    write_sound(tmp_path / "song.flac", _tone(11), rate_hz=RATE)
    facts = inspect_song((tmp_path / "song.flac").rename(tmp_path / "song.mp3"))

    assert (facts.format, facts.format_title) == ("flac", "raw FLAC")


def test_read_song__numbers_that_are_none__become_silence(tmp_path: Path) -> None:
    samples = _tone(11)
    samples[1000:2000] = np.nan
    samples[3000:3010] = 1e30
    with av.open(str(tmp_path / "odd.wav"), "w") as out:
        stream = out.add_stream("pcm_f32le", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.sample_rate = RATE
        out.mux([*stream.encode(frame), *stream.encode(None)])

    heard = read_song(tmp_path / "odd.wav").samples

    assert np.abs(heard).max() <= 1


def test_read_song__recording_that_changes_its_rate__is_heard_to_its_end(tmp_path: Path) -> None:
    for rate in (22_050, 24_000):
        write_sound(tmp_path / f"{rate}.mp3", _tone(11), rate_hz=rate)
    path = tmp_path / "joined.mp3"
    path.write_bytes((tmp_path / "22050.mp3").read_bytes() + (tmp_path / "24000.mp3").read_bytes())

    assert read_song(path).duration_s == pytest.approx(11 + 11 * RATE / 24_000, abs=0.3)


def test_check_song__nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    (tmp_path / "temp").mkdir()
    write_sound(tmp_path / "song.mp3", _tone(11), rate_hz=RATE)

    check_song(tmp_path / "song.mp3")

    assert list((tmp_path / "temp").iterdir()) == []


@pytest.mark.parametrize("suffix", [".mp3", ".flac"])
@pytest.mark.thinned(to_one_in=2)
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
