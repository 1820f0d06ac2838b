"""The sound track of a video: encoded once, and kept."""

import wave
from pathlib import Path

import av
import numpy as np
import pytest

from bachateo.errors import SongError
from bachateo.media import song_file
from bachateo.media.track import encode_sound


@pytest.mark.parametrize(("song_hz", "track_hz"), [(44_100, 44_100), (48_000, 48_000), (22_050, 48_000)])
def test_encode_sound__rate_of_the_song__stays_where_players_know_it(song_hz: int, track_hz: int, tmp_path: Path):
    tone = np.sin(2 * np.pi * 440 * np.arange(2 * song_hz) / song_hz)
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((1, 2, song_hz, 0, "NONE", ""))
        file.writeframes((tone * 20_000).astype("<i2").tobytes())

    with av.open(str(encode_sound(tmp_path / "tone.wav", cache=tmp_path).path)) as track:
        assert track.streams.audio[0].rate == track_hz
        samples = np.concatenate([frame.to_ndarray() for frame in track.decode(audio=0)], axis=1)[0]

    assert len(samples) / track_hz == pytest.approx(2, abs=0.05)
    middle = samples[track_hz // 2 : track_hz // 2 + track_hz]
    assert np.abs(np.fft.rfft(middle)).argmax() == 440  # one second, so the bin is the frequency


def test_encode_sound__again__comes_from_the_cache(demo, tmp_path: Path) -> None:
    first, second = (encode_sound(demo.path, cache=tmp_path) for _ in range(2))

    assert (first.cached, second.cached) == (False, True)
    assert first.path == second.path


def test_encode_sound__cache_cut_off__is_encoded_again(demo, tmp_path: Path) -> None:
    first = encode_sound(demo.path, cache=tmp_path)
    content = first.path.read_bytes()
    first.path.write_bytes(content[:5000])

    assert not encode_sound(demo.path, cache=tmp_path).cached
    with av.open(str(first.path)) as sound:
        assert sound.duration / av.time_base == pytest.approx(demo.seconds, abs=0.1)


def test_encode_sound__a_whole_set__is_refused_before_it_is_encoded(
    demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(song_file, "LONGEST_S", 20.0)

    with pytest.raises(SongError, match=r"^CH007  demo\.mp3 lasts more than"):
        encode_sound(demo.path, cache=tmp_path)

    assert list(tmp_path.iterdir()) == []
