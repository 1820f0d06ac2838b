from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from bachateo.errors import LibraryError
from bachateo.media.clips import read_clip, require_equal
from bachateo.moves import DIFFICULTIES, ENERGY_LEVELS, INDEX_NAME, Library, starter
from bachateo.moves.drawing.encoding import FRAMES_PER_BEAT
from bachateo.moves.drawing.measuring import silent_move_sound
from bachateo.moves.drawing.repertoire import REPERTOIRE
from bachateo.moves.drawing.repertoire.wording import WORDING
from bachateo.moves.drawing.scene import empty_stage
from bachateo.moves.encoding import ENDING
from bachateo.moves.poses import pose_distance
from bachateo.moves.starter import SIZE, STAMP_NAME, TEMPI_BPM, draw_starter
from bachateo.moves.vectors.measured import read_measured
from bachateo.sequence.costs import RATIOS

TINY, SMALL = (64, 36), (128, 72)


def _draw(folder: Path, tempi_bpm: tuple[int, ...] = (108, 150)) -> Library:
    few = [pattern for pattern in REPERTOIRE if pattern.label in {"side basic", "intro"}]
    return draw_starter(folder, size=TINY, tempi_bpm=tempi_bpm, repertoire=few)


def _content(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_repertoire__range__has_every_difficulty_and_energy_and_both_ends() -> None:
    assert len({pattern.label for pattern in REPERTOIRE}) == len(REPERTOIRE) >= 24
    assert {pattern.role for pattern in REPERTOIRE} == {None, "intro", "outro"}
    assert SIZE[0] >= 640


@pytest.mark.parametrize("energy", ENERGY_LEVELS)
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_repertoire__difficulty_and_energy__have_moves_enough_for_variety(difficulty: str, energy: str) -> None:
    allowed = DIFFICULTIES[: DIFFICULTIES.index(difficulty) + 1]
    fitting = [p for p in REPERTOIRE if p.role is None and p.energy == energy and p.difficulty in allowed]

    assert len(fitting) >= 4
    assert sum(p.difficulty == difficulty for p in fitting) >= 2


def test_tempi__stretched__reach_every_tempo_that_is_tracked() -> None:
    reached = [(tempo * RATIOS[0], tempo * RATIOS[1]) for tempo in TEMPI_BPM]

    assert reached[0][0] < 95
    assert reached[-1][1] > 175
    assert all(low[1] > high[0] for low, high in pairwise(reached))


def test_draw_starter__clips__can_follow_each_other(drawn: Library) -> None:
    clips = [read_clip(drawn.clip(move)) for move in drawn.moves]

    for clip in clips:
        require_equal(clip, clips[0])


def test_draw_starter__clips__can_be_entered_on_every_fourth_beat(drawn: Library) -> None:
    for move in drawn.moves:
        clip = read_clip(drawn.clip(move))
        keyframes = [number for number, (_, keyframe) in enumerate(clip.pictures) if keyframe]

        # The last one opens the ending.
        assert keyframes == list(range(0, move.beats * FRAMES_PER_BEAT + 1, 4 * FRAMES_PER_BEAT))
        assert len(clip.pictures) == move.frame_count == move.beats * FRAMES_PER_BEAT + ENDING


def test_draw_starter__colours__are_those_of_the_drawing_and_declared(drawn: Library) -> None:
    for move in drawn.moves:
        with av.open(str(drawn.clip(move))) as clip:
            codec = clip.streams.video[0].codec_context
            tags = (codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range)
            first = next(clip.decode(video=0)).to_ndarray(format="rgb24").astype(int)

        assert tags == (1, 1, 1, 1)
        assert np.abs(first[0, 0] - np.asarray(empty_stage(SMALL))[0, 0]).max() < 6


@pytest.mark.full
def test_draw_starter__tempi__are_the_same_pictures_at_other_times(tmp_path: Path) -> None:
    slow, fast = (read_clip(tmp_path / move.video_path) for move in _draw(tmp_path).moves if move.move_label == "intro")

    assert slow.pictures == fast.pictures
    assert slow.parameters == fast.parameters
    assert slow.times_s[-1] / fast.times_s[-1] == pytest.approx(150 / 108, rel=1e-3)


def test_draw_starter__beats_of_the_documents__fall_on_pictures(drawn: Library) -> None:
    for move in drawn.moves:
        times_s = read_clip(drawn.clip(move)).times_s

        assert times_s[: -ENDING + 1 : FRAMES_PER_BEAT] == pytest.approx(move.beats_s, abs=1e-3)


def test_draw_starter__drawn_before__writes_nothing(tmp_path: Path) -> None:
    _draw(tmp_path)
    before = _content(tmp_path)

    _draw(tmp_path)

    assert _content(tmp_path) == before


@pytest.mark.full
def test_draw_starter__interrupted__draws_only_what_is_missing(tmp_path: Path) -> None:
    whole = _draw(tmp_path)
    before = _content(tmp_path)
    lost = tmp_path / whole.moves[0].video_path
    lost.unlink()
    (tmp_path / INDEX_NAME).unlink()

    assert _draw(tmp_path) == whole
    assert lost.is_file()
    other = str(tmp_path / whole.moves[-1].video_path)
    assert _content(tmp_path)[other] == before[other]


@pytest.mark.full
def test_draw_starter__new_version_of_the_drawings__draws_all_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = _draw(tmp_path, (128,))
    before = _content(tmp_path)
    monkeypatch.setattr(starter, "VERSION", 99)

    new = _draw(tmp_path, (128,))

    assert {move.version for move in new.moves} == {"drawn-99-64x36"}
    clips = [str(tmp_path / move.video_path) for move in old.moves]
    assert all(_content(tmp_path)[clip][0] > before[clip][0] for clip in clips)


@pytest.mark.full
def test_draw_starter__drawn_by_a_version_that_measured_nothing__is_measured_and_not_drawn_anew(tmp_path: Path) -> None:
    whole = _draw(tmp_path)
    before = _content(tmp_path)
    for path in tmp_path.glob("*/*.measured.npz"):
        path.unlink()
    old = json.loads((tmp_path / INDEX_NAME).read_text())
    for move in old["moves"]:
        for name in ("description", "style", "wardrobe", "start_pose", "end_pose", "created_at"):
            del move[name]
    (tmp_path / INDEX_NAME).write_text(json.dumps(old))

    again = _draw(tmp_path)

    assert [replace(move, processing_time=0) for move in again.moves] == [
        replace(move, processing_time=0) for move in whole.moves
    ]
    clips = [str(tmp_path / move.video_path) for move in whole.moves]
    assert all(_content(tmp_path)[clip] == before[clip] for clip in clips)


def test_draw_starter__documents__say_all_that_is_known(drawn: Library) -> None:
    joins = [(move.end_pose, move.start_pose) for move in drawn.moves if move.role is None]

    assert {move.style for move in drawn.moves} <= {"romantic", "playful", "sensual", "energetic"}
    assert {move.wardrobe for move in drawn.moves} == {"fiesta"}
    assert all(move.description.endswith(".") and move.processing_time > 0 for move in drawn.moves)
    assert {move.detection_rate for move in drawn.moves} == {1.0}
    assert {datetime.fromisoformat(move.created_at).utcoffset() for move in drawn.moves} == {timedelta(0)}
    assert max(pose_distance(end, start) for end, _ in joins for _, start in joins) < 0.1


@pytest.mark.full
def test_draw_starter__measured__differs_by_tempo_and_energy_in_sound_alone(tmp_path: Path) -> None:
    slow, fast, *_ = (read_measured(tmp_path / move.video_path) for move in _draw(tmp_path).moves)

    assert (slow.track == fast.track).all()
    assert float(slow.audio @ fast.audio) < 0.9
    low, medium, high = (silent_move_sound(108, energy) for energy in ENERGY_LEVELS)
    assert (slow.audio == low).all()
    assert low @ high < min(low @ medium, high @ medium)


def test_wording__repertoire__describes_every_move_in_its_own_words() -> None:
    assert set(WORDING) == {pattern.label for pattern in REPERTOIRE}
    assert len({words.description for words in WORDING.values()}) == len(REPERTOIRE)


@pytest.mark.full
def test_draw_starter__another_library__is_left_alone(tmp_path: Path) -> None:
    whole = _draw(tmp_path, (128,))
    (tmp_path / STAMP_NAME).unlink()
    before = _content(tmp_path)

    with pytest.raises(LibraryError, match=r"^CH034  .* holds a library that is not the starter library"):
        _draw(tmp_path, (128,))

    assert _content(tmp_path) == before
    assert Library.load(tmp_path) == whole


@pytest.mark.full
def test_draw_starter__progress__counts_to_the_end(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    few = [pattern for pattern in REPERTOIRE if pattern.label in {"side basic", "intro"}]

    draw_starter(
        tmp_path,
        size=TINY,
        tempi_bpm=(128,),
        repertoire=few,
        on_progress=lambda done, total: told.append((done, total)),
    )

    assert told == [(0, 2), (1, 2), (2, 2)]


def test_draw_starter__clips__are_plain_h264(drawn: Library) -> None:
    with av.open(str(drawn.clip(drawn.moves[0]))) as clip:
        codec = clip.streams.video[0].codec_context

        assert (codec.name, codec.pix_fmt, codec.has_b_frames) == ("h264", "yuv420p", 0)
        assert not clip.streams.audio
