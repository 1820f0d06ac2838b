"""What holds for every plan, whatever the song and the clips."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bachateo.media.clips import Clip
from bachateo.moves import Library, Move
from bachateo.music import Analysis
from bachateo.music.recording import write_sound
from bachateo.sequence import PlacedMove, Plan, Wishes, plan_sequence
from bachateo.video import assemble, assembly
from bachateo.video.warp import TIMESCALE_HZ

TENTH_OF_A_MS = TIMESCALE_HZ // 10_000
Planned = tuple[Plan, dict[Path, Clip]]


@st.composite
def plans(draw: st.DrawFn) -> Planned:
    """Any song at 95 to 175 bpm that drifts and jumps, danced in clips of any tempo and frame rate."""
    lengths = draw(st.lists(st.sampled_from((8, 8, 16, 32)), min_size=1, max_size=5))
    first, after = draw(st.integers(0, 7)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    beats_s = np.cumsum(rng.uniform(60 / 175, 60 / 95, first + sum(lengths) + after)).round(4)
    analysis = Analysis(
        duration_s=float(beats_s[-1]) + draw(st.floats(0, 0.3)),
        tempo_bpm=128,
        beats_s=tuple(beats_s.tolist()),
        first_count=first,
        energy=(0.5,) * (sum(lengths) // 8),
    )
    placed, clips, at = [], {}, first
    for number, beats in enumerate(lengths):
        move, clip = _clip(f"{number}", beats, draw(st.floats(90, 180)), draw(st.sampled_from((24, 25, 29.97, 60))))
        last = number == len(lengths) - 1
        end_s = analysis.duration_s if last else analysis.beats_s[at + beats]
        placed.append(PlacedMove(move, clip.path, at, analysis.beats_s[at], end_s, 1.0))
        clips[clip.path] = clip
        at += beats
    return Plan(analysis, tuple(placed)), clips


def _clip(name: str, beats: int, tempo_bpm: float, fps: float) -> tuple[Move, Clip]:
    beats_s = tuple(beat * 60 / tempo_bpm for beat in range(beats + 1))
    count = int(beats_s[-1] * fps) + 3
    move = Move(name, name, "beginner", "low", "both", tempo_bpm, 1, count, f"{name}.mp4", "1", beats, beats_s)
    # The last picture may lie a moment before the move's last beat.
    times_s = (*(frame / fps for frame in range(count) if frame / fps < beats_s[-1] - 1e-6), beats_s[-1] - 1e-7)
    pictures = tuple((b"x", frame == 0) for frame in range(len(times_s)))
    return move, Clip(Path(move.video_path), ("h264", 64, 64, b""), times_s, pictures)


@pytest.fixture
def packets_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Planned], list[tuple[int, int, bool]]]:
    """Return time, duration and whether it is a keyframe of each packet, as they go to the file."""

    def packets(planned: Planned) -> list[tuple[int, int, bool]]:
        plan, clips = planned
        monkeypatch.setattr(assembly, "read_clip", clips.__getitem__)
        with av.open(io.BytesIO(), "w", format="mp4") as out:
            stream = out.add_stream("libx264", rate=30)
            written = assembly._picture_packets(assembly._pictures(plan), plan.analysis.duration_s, stream)
            return [(packet.dts, packet.duration, packet.is_keyframe) for _, packet in written]

    return packets


ANY_PLAN = settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@ANY_PLAN
@given(planned=plans())
def test_packets__any_plan__cuts_are_on_beats(packets_of, planned: Planned) -> None:
    packets = packets_of(planned)

    plan, _ = planned
    cuts = [dts for dts, _, keyframe in packets if keyframe]
    beats = [round(plan.analysis.beats_s[placed.first_beat] * TIMESCALE_HZ) for placed in plan.moves]
    assert cuts[0] == 0, "held from the beginning of the song"
    assert len(cuts) == len(beats)
    assert max(np.abs(np.subtract(cuts[1:], beats[1:])), default=0) <= TENTH_OF_A_MS


@ANY_PLAN
@given(planned=plans())
def test_packets__any_plan__times_grow_without_a_gap(packets_of, planned: Planned) -> None:
    packets = packets_of(planned)

    assert all(dts + duration == following for (dts, duration, _), (following, _, _) in pairwise(packets))
    assert all(duration > 0 for _, duration, _ in packets)


@ANY_PLAN
@given(planned=plans())
def test_packets__any_plan__pictures_end_within_a_beat_of_the_sound(packets_of, planned: Planned) -> None:
    dts, duration, _ = packets_of(planned)[-1]

    heard = planned[0].analysis
    beat_s = 60 / heard.tempo_bpm
    assert (dts + duration) / TIMESCALE_HZ == pytest.approx(heard.duration_s, abs=beat_s)


@pytest.mark.parametrize(("seed", "tempo", "eight_counts"), [(0, 118, 2), (1, 126, 3), (2, 131.7, 5)])
def test_assemble__real_files__hold_the_same(
    flashes: Library,
    make_analysis: Callable[..., Analysis],
    tmp_path: Path,
    seed: int,
    tempo: float,
    eight_counts: int,
) -> None:
    plan = plan_sequence(make_analysis(eight_counts, tempo), flashes, Wishes(seed=seed))
    rate_hz = 48_000
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, int(plan.analysis.duration_s * rate_hz))
    write_sound(tmp_path / "sound.m4a", noise.astype(np.float32), rate_hz=rate_hz)

    assemble(plan, tmp_path / "sound.m4a", tmp_path / "out.mp4")

    with av.open(str(tmp_path / "out.mp4")) as video:
        packets = [packet for packet in video.demux() if packet.size]
        ends_s = []
        for stream in video.streams:
            own = [packet for packet in packets if packet.stream is stream]
            assert all(before.dts < after.dts for before, after in pairwise(own))
            ends_s.append(float((own[-1].pts + own[-1].duration) * own[-1].time_base))
        keys = [float(p.pts * p.time_base) for p in packets if p.is_keyframe and p.stream.type == "video"]
    assert ends_s[0] == pytest.approx(ends_s[1], abs=60 / tempo)
    for placed in plan.moves[1:]:
        assert min(abs(key - placed.start_s) for key in keys) < 0.0001
