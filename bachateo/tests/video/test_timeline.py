from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bachateo.errors import VideoError
from bachateo.moves import Library
from bachateo.music import Analysis
from bachateo.sequence import Plan, Wishes, plan_sequence
from bachateo.video import Timeline, timeline_of, write_timeline


@pytest.fixture
def plan(flashes: Library, make_analysis: Callable[..., Analysis]) -> Plan:
    plan = plan_sequence(make_analysis(4), flashes, Wishes())
    first = dataclasses.replace(plan.moves[0], reasons=("suits the tempo", "opens the dance"))
    return dataclasses.replace(plan, moves=(first, *plan.moves[1:]), relaxed=("the style was given up",))


def test_timeline_of__beats__are_counted_from_the_first_1_in_both_directions(plan: Plan) -> None:
    heard = dataclasses.replace(plan.analysis, first_count=2)

    beats = timeline_of(dataclasses.replace(plan, analysis=heard), "Luna").beats

    assert [beat.count for beat in beats[:12]] == [7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2]
    assert [beat.time_s for beat in beats] == list(plan.analysis.beats_s)


def test_timeline_of__music_has_a_bar_more__it_is_counted_from_1_and_so_is_what_follows(plan: Plan) -> None:
    heard = dataclasses.replace(plan.analysis, first_count=1, restarts=(13,))

    beats = timeline_of(dataclasses.replace(plan, analysis=heard), "Luna").beats

    assert [beat.count for beat in beats[:18]] == [8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 1, 2, 3, 4, 5]


def test_timeline_of__moves__carry_place_and_reasons(plan: Plan) -> None:
    timeline = timeline_of(plan, "Luna")

    assert [(move.start_s, move.end_s) for move in timeline.moves] == [(m.start_s, m.end_s) for m in plan.moves]
    assert timeline.moves[0].reasons == ("suits the tempo", "opens the dance")
    assert timeline.moves[0].label == plan.moves[0].move.move_label.replace("_", " ")
    assert timeline.relaxed == ("the style was given up",)
    assert (timeline.song, timeline.tempo_bpm) == ("Luna", plan.analysis.tempo_bpm)


def test_write_timeline__read_again__is_equal(plan: Plan, tmp_path: Path) -> None:
    timeline = timeline_of(plan, "Corazón ♥")
    write_timeline(timeline, tmp_path / "timeline.json")

    text = (tmp_path / "timeline.json").read_text(encoding="utf-8")
    assert Timeline.from_json(text) == timeline
    assert "Corazón ♥" in text


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"format": 2}', '{"format": 1, "moves": [{}]}'])
def test_timeline_from_json__something_else__is_refused(text: str) -> None:
    with pytest.raises(VideoError, match=r"^CH065  this is no timeline of format 1 .* Make the choreography again"):
        Timeline.from_json(text)


def test_timeline_from_json__unknown_field__is_refused(plan: Plan) -> None:
    document = json.loads(timeline_of(plan, "Luna").to_json()) | {"colour": "red"}

    with pytest.raises(VideoError, match=r"^CH065 .*colour"):
        Timeline.from_json(json.dumps(document))
