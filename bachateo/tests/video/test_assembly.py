from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from bachateo.errors import VideoError
from bachateo.media.clips import read_clip
from bachateo.moves import Library
from bachateo.moves.drawing.encoding import encode_clip
from bachateo.music import Analysis
from bachateo.sequence import PlacedMove, Plan, Wishes, plan_sequence
from bachateo.video import assemble, encode_sound
from tests.trials.sync import distances_s


@pytest.fixture
def sound(demo, tmp_path: Path) -> Path:
    return encode_sound(demo.path, cache=tmp_path / "cache").path


@pytest.fixture
def plan(flashes: Library, make_analysis: Callable[..., Analysis]) -> Plan:
    return plan_sequence(make_analysis(4), flashes, Wishes())


def _shown(video: Path) -> list[tuple[float, float]]:
    """Return when each picture is shown, and how bright it is."""
    with av.open(str(video)) as container:
        return [(frame.time, float(frame.to_ndarray(format="gray").mean())) for frame in container.decode(video=0)]


def _with_rest(plan: Plan, beats: float) -> Plan:
    """Return the plan for a song that goes on for so many beats after the last move."""
    heard = plan.analysis
    duration_s = heard.beats_s[plan.moves[-1].first_beat + plan.moves[-1].move.beats] + beats * 60 / heard.tempo_bpm
    last = replace(plan.moves[-1], end_s=duration_s)
    return replace(plan, analysis=replace(heard, duration_s=duration_s), moves=(*plan.moves[:-1], last))


@pytest.mark.parametrize("beats", [1.2, 4.0, 7.9])
def test_assemble__song_that_goes_on__fades_and_shows_nothing_for_longer_than_a_beat(
    drawn: Library, make_analysis: Callable[..., Analysis], sound: Path, tmp_path: Path, beats: float
) -> None:
    plan = _with_rest(plan_sequence(make_analysis(4), drawn, Wishes()), beats)
    beat_s = 60 / plan.analysis.tempo_bpm

    assemble(plan, sound, tmp_path / "out.mp4")

    rest_s = plan.analysis.duration_s - beats * beat_s
    times_s, levels = zip(*(one for one in _shown(tmp_path / "out.mp4") if one[0] > rest_s - beat_s), strict=True)
    assert np.diff([*times_s, plan.analysis.duration_s]).max() < beat_s
    ending = [level for time_s, level in zip(times_s, levels, strict=True) if time_s > rest_s]
    assert all(after < before + 0.5 for before, after in pairwise(ending))
    assert ending[-1] < 20 < ending[0]


def test_assemble__clips_without_an_ending__hold_the_last_picture(
    drawn: Library, make_analysis: Callable[..., Analysis], sound: Path, tmp_path: Path
) -> None:
    plan = _with_rest(plan_sequence(make_analysis(4), drawn, Wishes()), 4.0)
    beats_s = plan.moves[-1].move.beats_s
    # As if all its pictures belonged to the move.
    stretched = tuple(time_s * 1.5 for time_s in beats_s)
    last = replace(plan.moves[-1], move=replace(plan.moves[-1].move, beats_s=stretched))

    assemble(replace(plan, moves=(*plan.moves[:-1], last)), sound, tmp_path / "out.mp4")

    assert plan.analysis.duration_s - _shown(tmp_path / "out.mp4")[-1][0] > 3 * 60 / plan.analysis.tempo_bpm


def test_assemble__music_has_a_bar_more__its_beats_are_danced_too(
    flashes: Library, make_analysis: Callable[..., Analysis], clicks: Callable[..., Path], tmp_path: Path
) -> None:
    even = make_analysis(5)
    heard = replace(even, restarts=(21,), energy=even.energy[:4])
    plan = plan_sequence(heard, flashes, Wishes())
    sound = encode_sound(clicks(heard.beats_s, heard.duration_s), cache=tmp_path / "cache").path

    assemble(plan, sound, tmp_path / "out.mp4")

    apart_s = distances_s(tmp_path / "out.mp4", plan)
    assert heard.starts == (1, 9, 21, 29)
    assert len(apart_s) > 4 * 8 + 2, "the bar that the music has more is looked at, too"
    assert np.abs(apart_s).max() < 0.02


def test_assemble__video__says_what_its_colours_are(plan: Plan, sound: Path, tmp_path: Path) -> None:
    assemble(plan, sound, tmp_path / "copied.mp4")
    assemble(plan, sound, tmp_path / "constant.mp4", constant_hz=30)

    for name in ("copied.mp4", "constant.mp4"):
        with av.open(str(tmp_path / name)) as video:
            codec = video.streams.video[0].codec_context
            assert (codec.color_primaries, codec.color_trc, codec.colorspace, codec.color_range) == (1, 1, 1, 1)
        assert b"colrnclx" in (tmp_path / name).read_bytes()


def test_assemble__constant_rate__shows_what_the_other_shows(plan: Plan, sound: Path, tmp_path: Path) -> None:
    assemble(plan, sound, tmp_path / "copied.mp4")
    assemble(plan, sound, tmp_path / "constant.mp4", constant_hz=30)

    with av.open(str(tmp_path / "constant.mp4")) as video:
        packets = [packet for packet in video.demux() if packet.size]
        streams = {stream.type: [packet for packet in packets if packet.stream is stream] for stream in video.streams}
    steps = np.diff(sorted(float(packet.pts * packet.time_base) for packet in streams["video"]))
    assert steps == pytest.approx(1 / 30, abs=1e-6)
    with av.open(str(tmp_path / "copied.mp4")) as video:
        sound_of_copied = [bytes(packet) for packet in video.demux(audio=0) if packet.size]
    assert [bytes(packet) for packet in streams["audio"]] == sound_of_copied
    constant, copied = (
        [time_s for time_s, level in _shown(tmp_path / name) if level > 128] for name in ("constant.mp4", "copied.mp4")
    )
    near = [min(abs(time_s - other) for other in constant) for time_s in copied[1:]]
    assert max(near) <= 0.5 / 30 + 1e-3


def _refused(plan: Plan, sound: Path, out: Path, message: str) -> None:
    with pytest.raises(VideoError, match=message):
        assemble(plan, sound, out)
    assert not list(out.parent.glob("*.mp4"))
    assert not list(out.parent.glob(".*"))


def test_assemble__first_pictures__are_pinned_to_the_plan(plan: Plan, sound: Path, tmp_path: Path) -> None:
    assemble(plan, sound, tmp_path / "out" / "dance.mp4")

    with av.open(str(tmp_path / "out" / "dance.mp4")) as video:
        stream = video.streams.video[0]
        packets = [packet for packet in video.demux(stream) if packet.size]
        times = {round(float(packet.pts * packet.time_base), 4): packet.is_keyframe for packet in packets}
        assert stream.time_base.denominator == 90_000
        assert packets[0].pts == 0, "held until the first 1"
        for placed in plan.moves[1:]:
            assert times[round(placed.start_s, 4)], f"no keyframe at {placed.start_s}"


def test_assemble__file__can_be_played_while_it_loads(plan: Plan, sound: Path, tmp_path: Path) -> None:
    assemble(plan, sound, tmp_path / "out.mp4")

    content = (tmp_path / "out.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert b"moof" not in content
    assert (tmp_path / "out.mp4").stat().st_mode & 0o777 == 0o640


def test_assemble__other_extradata__names_the_clip(plan: Plan, sound: Path, tmp_path: Path) -> None:
    odd = next(placed.clip for placed in plan.moves if placed.clip != plan.moves[0].clip)
    encode_clip([Image.new("RGB", (160, 90))] * 120, odd, size=(160, 90), tempo_bpm=120)

    _refused(
        plan, sound, tmp_path / "out" / "x.mp4", rf"^CH063  the clip .*{odd.name} was encoded with other parameters"
    )


def test_assemble__more_pictures_than_the_library_says__names_the_clip(plan: Plan, sound: Path, tmp_path: Path) -> None:
    short = replace(plan.moves[0], move=replace(plan.moves[0].move, frame_count=3))
    doubted = replace(plan, moves=(short, *plan.moves[1:]))

    message = rf"^CH068  the clip .*{short.clip.name} holds \d+ pictures; the library says 3\. Make its library again"
    _refused(doubted, sound, tmp_path / "out" / "x.mp4", message)


def test_assemble__clip_that_is_none__names_it(plan: Plan, sound: Path, tmp_path: Path) -> None:
    plan.moves[0].clip.write_bytes(b"no video")

    _refused(plan, sound, tmp_path / "out" / "x.mp4", rf"^CH060  the clip .*{plan.moves[0].clip.name} cannot be read")


def _encode(path: Path, **options: str) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=30, width=64, height=64, pix_fmt="yuv420p", options=options)
        rng = np.random.default_rng(0)
        for _ in range(40):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 255, (64, 64, 3), np.uint8), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def test_read_clip__b_frames__are_refused(tmp_path: Path) -> None:
    _encode(tmp_path / "b.mp4", bf="2", **{"x264-params": "b-adapt=0:scenecut=0"})

    with pytest.raises(VideoError, match=r"^CH062  the clip .*b\.mp4 has B-frames"):
        read_clip(tmp_path / "b.mp4")


def test_read_clip__no_keyframe_first__is_refused(tmp_path: Path) -> None:
    _encode(tmp_path / "whole.mp4", bf="0")
    with av.open(str(tmp_path / "whole.mp4")) as clip, av.open(str(tmp_path / "cut.mp4"), "w") as out:
        stream = out.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.size and not packet.is_keyframe:
                packet.stream = stream
                out.mux(packet)

    with pytest.raises(VideoError, match=r"^CH061  the clip .*cut\.mp4 does not begin with a keyframe"):
        read_clip(tmp_path / "cut.mp4")


def test_read_clip__sound_only__is_refused(demo) -> None:
    with pytest.raises(VideoError, match=r"^CH060  the clip .*demo\.mp3 cannot be read"):
        read_clip(demo.path)


def test_placed_move__last__ends_with_the_song(plan: Plan) -> None:
    last: PlacedMove = plan.moves[-1]

    assert last.end_s == plan.analysis.duration_s
