"""From the song to the video."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

import bachateo
from bachateo.choreography import Choreography
from bachateo.isolation import LimitedChild
from bachateo.moves import Library
from bachateo.video.warp import TIMESCALE_HZ


@pytest.fixture(scope="module")
def made(demo, drawn: Library, tmp_path_factory: pytest.TempPathFactory) -> Choreography:
    folder = tmp_path_factory.mktemp("made")
    return bachateo.make(demo.path, folder / "dance.mp4", library=drawn.folder, cache=folder / "cache", seed=3)


def test_make__demo__every_picture_decodes_and_moves(made: Choreography) -> None:
    with av.open(str(made.video)) as video:
        pictures = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]

    assert len(pictures) > 30 * 24
    still = sum(np.array_equal(a, b) for a, b in pairwise(pictures))
    assert still < len(pictures) / 4


def test_make__demo__is_as_long_as_the_song_and_has_its_sound(made: Choreography, demo) -> None:
    with av.open(str(made.video)) as video:
        pictures, sound = video.streams.video[0], video.streams.audio[0]
        assert video.duration / av.time_base == pytest.approx(demo.seconds, abs=0.5)
        assert float(pictures.duration * pictures.time_base) == pytest.approx(demo.seconds, abs=0.1)
        assert sound.codec_context.name == "aac"
        samples = np.concatenate([frame.to_ndarray() for frame in video.decode(sound)], axis=1)

    assert samples.shape[1] / sound.rate == pytest.approx(demo.seconds, abs=0.1)
    assert np.abs(samples).max() > 0.3


def test_make__demo__tells_what_it_did(made: Choreography, demo, drawn: Library) -> None:
    assert made.duration_s == pytest.approx(demo.seconds, abs=0.05)
    assert made.tempo_bpm == pytest.approx(124, abs=0.5)
    assert made.moves_considered == len(drawn.moves)
    assert made.moves[0].move.role == "intro"
    assert list(made.seconds) == ["analyzing", "selecting", "generating"]
    assert all(value > 0 for value in made.seconds.values())
    assert made.plan.moves == made.moves
    assert made.plan.analysis.duration_s == made.duration_s
    assert not made.audio_cached


def test_make__cached__gives_the_same_video(made: Choreography, demo, drawn: Library, tmp_path: Path) -> None:
    cache = made.video.parent / "cache"

    again = bachateo.make(demo.path, tmp_path / "again.mp4", library=drawn.folder, cache=cache, seed=3)

    assert again.audio_cached
    assert again.moves == made.moves
    assert again.video.read_bytes() == made.video.read_bytes()


def test_make__without_a_cache__leaves_only_the_video(demo, drawn: Library, tmp_path: Path) -> None:
    bachateo.make(demo.path, tmp_path / "new" / "dance.mp4", library=drawn.folder)

    assert [path.name for path in tmp_path.rglob("*")] == ["new", "dance.mp4"]


def test_make__stages__are_told_as_they_begin(demo, drawn: Library, tmp_path: Path, made: Choreography) -> None:
    told: list[str] = []

    bachateo.make(
        demo.path,
        tmp_path / "dance.mp4",
        library=drawn.folder,
        cache=made.video.parent / "cache",
        on_stage=lambda stage: told.append(f"{stage} {(tmp_path / 'dance.mp4').exists()}"),
    )

    assert told == ["analyzing False", "selecting False", "generating False"]


@pytest.mark.parametrize("stage", ["analyzing", "selecting", "generating"])
def test_make__on_stage_raises__leaves_no_file(
    demo, drawn: Library, tmp_path: Path, made: Choreography, stage: str
) -> None:
    def cancel(begun: str) -> None:
        if begun == stage:
            raise InterruptedError("cancelled")

    with pytest.raises(InterruptedError, match="cancelled"):
        bachateo.make(
            demo.path,
            tmp_path / "dance.mp4",
            library=drawn.folder,
            cache=made.video.parent / "cache",
            on_stage=cancel,
        )

    assert list(tmp_path.iterdir()) == []


def test_make__on_stage_raises__ends_the_encoder_at_work(
    demo, drawn: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[LimitedChild] = []

    def endless(*_arguments: object, **_options: object) -> LimitedChild:
        children.append(LimitedChild("time.sleep", 600, about="x"))
        return children[-1]

    def cancel(begun: str) -> None:
        if begun == "selecting":
            raise InterruptedError("cancelled")

    monkeypatch.setattr("bachateo.media.track.LimitedChild", endless)
    with pytest.raises(InterruptedError, match="cancelled"):
        bachateo.make(
            demo.path, tmp_path / "dance.mp4", library=drawn.folder, cache=tmp_path / "cache", on_stage=cancel
        )

    with pytest.raises(ProcessLookupError):
        os.kill(children[0].pid, 0)
    assert not list(tmp_path.rglob("*.part"))
    assert not list(tmp_path.rglob("*.m4a"))


def test_make__failing_while_writing__keeps_the_video_that_was_there(
    demo, drawn: Library, tmp_path: Path, made: Choreography, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "dance.mp4"
    out.write_bytes(b"the one before")
    second_5 = 5 * TIMESCALE_HZ  # much is written by then
    monkeypatch.setattr(
        "bachateo.video.assembly.itemgetter", lambda _place: lambda packet: packet[0] if packet[0] < second_5 else 1 / 0
    )

    with pytest.raises(ZeroDivisionError):
        bachateo.make(demo.path, out, library=drawn.folder, cache=made.video.parent / "cache")

    assert out.read_bytes() == b"the one before"
    assert list(tmp_path.iterdir()) == [out]


def test_check_song__is_part_of_the_package(demo) -> None:
    assert bachateo.music.check_song(demo.path) == pytest.approx(demo.seconds, abs=0.05)


def test_error__text__begins_with_its_code() -> None:
    error = bachateo.SongError("CH002", "it is empty.")

    assert (str(error), error.code, error.message) == ("CH002  it is empty.", "CH002", "it is empty.")
    assert isinstance(error, bachateo.BachateoError)
