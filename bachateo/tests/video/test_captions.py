from __future__ import annotations

import dataclasses
from pathlib import Path

import av
import pytest

from bachateo.video.captions import captions_of, chapters_of, write_captions
from bachateo.video.timeline import Beat, Timeline, TimelineMove

BEATS = tuple(Beat(0.2 + 0.5 * index, (index - 1) % 8 + 1) for index in range(18))


def _move(label: str, start_s: float, end_s: float) -> TimelineMove:
    return TimelineMove(start_s, end_s, label, "", "clip", "beginner", "low", 8, 1.0)


@pytest.fixture
def timeline() -> Timeline:
    return Timeline("Luna", 9.5, 120, BEATS, (_move("side basic", 0.7, 4.7), _move("dip", 4.7, 9.5)))


def _cues(text: str, path: Path) -> list[tuple[float, float, str]]:
    """Read a track as a player does."""
    path.write_text(text)
    with av.open(str(path), format="webvtt") as track:
        packets = [packet for packet in track.demux(subtitles=0) if packet.size]
        return [
            (float(p.pts * p.time_base), float((p.pts + p.duration) * p.time_base), bytes(p).decode()) for p in packets
        ]


def test_captions_of__beats__are_cues_with_name_and_count(timeline: Timeline, tmp_path: Path) -> None:
    cues = _cues(captions_of(timeline), tmp_path / "captions.vtt")

    assert cues[0] == (pytest.approx(0.7), pytest.approx(1.2), "side basic\n1")
    assert [text for _, _, text in cues[6:10]] == ["side basic\n7", "side basic\n8", "dip\n1", "dip\n2"]
    assert len(cues) == 17
    assert cues[-1][1] == pytest.approx(9.5)


def test_chapters_of__moves__fill_the_song_without_a_gap(timeline: Timeline, tmp_path: Path) -> None:
    cues = _cues(chapters_of(timeline), tmp_path / "chapters.vtt")

    assert cues == [(0.0, pytest.approx(4.7), "side basic"), (pytest.approx(4.7), pytest.approx(9.5), "dip")]


def test_captions_of__label_with_marks__cannot_break_the_track(timeline: Timeline, tmp_path: Path) -> None:
    odd = dataclasses.replace(timeline, moves=(_move("a --> b\n\n<i>&", 0.7, 9.5),))

    text = chapters_of(odd)

    assert "a --&gt; b\n&lt;i&gt;&amp;\n" in text
    assert len(_cues(text, tmp_path / "odd.vtt")) == 1


def test_captions_of__beats_at_one_moment__give_no_empty_cue(timeline: Timeline, tmp_path: Path) -> None:
    odd = dataclasses.replace(timeline, beats=(*BEATS, Beat(9.5, 2), Beat(9.5, 3)))

    assert len(_cues(captions_of(odd), tmp_path / "odd.vtt")) == 17


def test_chapters_of__more_than_an_hour__has_hours() -> None:
    long = Timeline("set", 3725.25, 120, (), (_move("side basic", 0, 3725.25),))

    assert "00:00:00.000 --> 01:02:05.250\nside basic" in chapters_of(long)


def test_write_captions__both_tracks__begin_as_webvtt(timeline: Timeline, tmp_path: Path) -> None:
    write_captions(timeline, tmp_path / "captions.vtt", tmp_path / "chapters.vtt")

    assert all((tmp_path / name).read_text().startswith("WEBVTT\n\n") for name in ("captions.vtt", "chapters.vtt"))
