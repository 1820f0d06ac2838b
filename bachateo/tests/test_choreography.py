"""From the song to the video."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

import bachateo
from bachateo.choreography import Choreography
from bachateo.isolation import LimitedChild
from bachateo.moves import Library
from bachateo.music import Corrections
from bachateo.sequence import write_plan
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


def test_make__corrections__are_obeyed_for_this_video_alone(
    made: Choreography, demo, drawn: Library, tmp_path: Path
) -> None:
    cache, beats = made.video.parent / "cache", np.array(made.plan.analysis.beats_s)
    wanted = Corrections(shift_half_beat=True, downbeat_at_s=10.0)

    corrected = bachateo.make(
        demo.path, tmp_path / "a.mp4", library=drawn.folder, cache=cache, seed=3, corrections=wanted
    )
    taps = tuple(float(beat) for beat in (beats[8:16] + beats[9:17]) / 2)
    tapped = bachateo.make(demo.path, tmp_path / "b.mp4", library=drawn.folder, cache=cache, seed=3, corrections=taps)

    for shifted in (corrected.plan.analysis, tapped.plan.analysis):
        between = (beats[8:16] + beats[9:17]) / 2
        assert np.abs(np.array(shifted.beats_s)[:, None] - between).min(axis=0).max() < 0.001
    ones = np.array(corrected.plan.analysis.beats_s[corrected.plan.analysis.first_count :: 8])
    assert np.abs(ones - 10).min() < 0.25
    assert [path.name for path in demo.path.parent.glob("*.corrections.json")] == []


def test_remake__one_move__is_another_and_all_others_stay(
    made: Choreography, demo, drawn: Library, tmp_path: Path
) -> None:
    cache, plan = made.video.parent / "cache", tmp_path / "plan.json"
    # Few moves: one that comes back is let in.
    few = replace(made.plan, wishes=replace(made.plan.wishes, relax=("repeats",)))
    write_plan(few, plan, says_where=False)
    assert str(drawn.folder) not in plan.read_text()

    told: list[str] = []
    again = bachateo.remake(
        demo.path, tmp_path / "a.mp4", plan=plan, number=3, library=drawn.folder, cache=cache, on_stage=told.append
    )

    changed = [a.move.clip_id != b.move.clip_id for a, b in zip(made.moves, again.moves, strict=True)]
    assert [number for number, differs in enumerate(changed, 1) if differs] == [3]
    assert [placed.start_s for placed in again.moves] == [placed.start_s for placed in made.moves]
    assert told == ["analyzing", "selecting", "generating"]
    assert again.video.read_bytes() != made.video.read_bytes()
    assert again.plan.song_sha256 == made.plan.song_sha256


def test_remake__another_song__is_refused(made: Choreography, drawn: Library, tmp_path: Path, demo) -> None:
    plan = tmp_path / "plan.json"
    write_plan(replace(made.plan, song_sha256="0" * 64), plan)
    with pytest.raises(bachateo.VideoError, match=r"^CH067  demo.mp3 is not the song that was planned"):
        bachateo.remake(demo.path, tmp_path / "a.mp4", plan=plan, number=3, library=drawn.folder)
