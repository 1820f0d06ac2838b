from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bachateo.errors import SequencingError
from bachateo.moves import Library, Move
from bachateo.music import Analysis
from bachateo.sequence import Plan, Wishes, plan_sequence, read_plan, write_plan


@pytest.fixture
def plan(make_analysis: Callable[..., Analysis], make_move: Callable[..., Move], tmp_path: Path) -> Plan:
    moves = (make_move(name, start_pose=(0.1, 0.2), beats=16 if name == "a" else 8) for name in "abcdef")
    library = Library(tmp_path / "library", tuple(moves))
    wishes = Wishes(difficulty="beginner", seed=3, relax=("repeats",))
    planned = plan_sequence(make_analysis(6), library, wishes)
    return replace(planned, song=tmp_path / "song.mp3", song_sha256="ab" * 32, relaxed=("repeats: told.",))


@pytest.fixture
def written(plan: Plan, tmp_path: Path) -> Path:
    write_plan(plan, tmp_path / "plan.json")
    return tmp_path / "plan.json"


def _changed(written: Path, change: Callable[[Any], object]) -> Path:
    document = json.loads(written.read_text())
    change(document)
    written.write_text(json.dumps(document))
    return written


def test_read_plan__written_before__is_the_same_plan(plan: Plan, written: Path) -> None:
    assert read_plan(written) == plan


def test_read_plan__library_moved__finds_the_clips_there(plan: Plan, written: Path, tmp_path: Path) -> None:
    moved = read_plan(written, library=tmp_path / "elsewhere")

    assert [placed.clip.parent for placed in moved.moves] == [tmp_path / "elsewhere"] * len(plan.moves)


def test_write_plan__clips__are_relative_to_the_library(written: Path) -> None:
    document = json.loads(written.read_text())

    assert document["moves"][0]["move"]["video_path"].count("/") == 0
    assert document["song"]["sha256"] == "ab" * 32
    assert "clip" not in document["moves"][0]


def test_read_plan__field_that_is_not_known__is_left_alone(plan: Plan, written: Path) -> None:
    assert read_plan(_changed(written, lambda plan: plan["analysis"].update(later=1))) == plan


def test_read_plan__no_file__says_so(tmp_path: Path) -> None:
    with pytest.raises(
        SequencingError, match=r"^CH054  .*gone\.json cannot be read \(No such file .*\)\. Give the file"
    ):
        read_plan(tmp_path / "gone.json")


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', "\udcff", "[" * 100_000])
def test_read_plan__no_json__says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(SequencingError, match=r"^CH055  .*plan\.json is not valid JSON"):
        read_plan(tmp_path / "plan.json")


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind": "bachateo plan", "format": 2}'])
def test_read_plan__another_format__says_which_is_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)

    with pytest.raises(SequencingError, match=r"^CH056  .* is not a plan of format 1\. Plan the song again with this"):
        read_plan(tmp_path / "plan.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plan: plan.pop("analysis"), r"analysis in .*plan\.json is None; it must be dict"),
        (lambda plan: plan["analysis"].pop("beats_s"), r"beats_s of analysis in .* is None; it must be tuple"),
        (lambda plan: plan["analysis"].update(beats_s=["x"]), r"beats_s of analysis in .* is 'x'; it must be float"),
        (lambda plan: plan["analysis"].update(first_count=1.5), r"first_count of analysis .* is 1\.5; it must be int"),
        (lambda plan: plan.update(moves=[7]), r"move 1 in .* is 7; it must be an object with a move"),
        (lambda plan: plan["moves"][1].pop("start_s"), r"start_s of move 2 in .* is None; it must be float"),
        (lambda plan: plan["moves"][1]["move"].update(beats=7), r"move 2 in .*: .* has 7 beats; a move needs"),
        (lambda plan: plan["moves"][1]["move"].update(role=3), r"role of move 2 in .* is 3; it must be"),
        (lambda plan: plan["wishes"].update(difficulty="expert"), r"wishes in .*: difficulty is 'expert'; choose"),
        (lambda plan: plan["song"].update(sha256=None), r"sha256 of the song in .* is None; it must be str"),
        (lambda plan: plan.update(relaxed="all"), r"relaxed in .* is 'all'; it must be"),
    ],
)
def test_read_plan__field_that_is_wrong__names_it(written: Path, change: Callable[[Any], object], message: str) -> None:
    with pytest.raises(SequencingError, match=rf"^CH057  {message}.*Plan the song again\.$"):
        read_plan(_changed(written, change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plan: plan["moves"].pop(1), "move 2 begins at beat"),
        (lambda plan: plan["moves"].pop(), "move 4 lasts from .* which is not on its beats|the last move ends before"),
        (lambda plan: plan["moves"].clear(), "6 eight-counts and 0 moves for 52 beats"),
        (lambda plan: plan["moves"][1].update(start_s=1.0), "move 2 lasts from 1.0 to"),
        (lambda plan: plan["analysis"]["beats_s"].reverse(), "the beats do not rise"),
        (lambda plan: plan["analysis"].update(first_count=-1), "6 eight-counts and"),
        (lambda plan: plan["analysis"].update(restarts=[0]), "6 eight-counts and"),
        (lambda plan: plan["analysis"].update(restarts=[21]), "6 eight-counts and 5 moves"),
        (lambda plan: plan["analysis"]["energy"].extend([0.5] * 9), "15 eight-counts and"),
    ],
)
def test_read_plan__parts_that_do_not_fit_together__says_which(
    written: Path, change: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(SequencingError, match=rf"^CH059  .*plan\.json does not fit together: ({message})"):
        read_plan(_changed(written, change))


def test_read_plan__clip_outside_the_library__is_refused(written: Path) -> None:
    changed = _changed(written, lambda plan: plan["moves"][0]["move"].update(video_path="../../etc/passwd"))

    with pytest.raises(SequencingError, match=r"^CH059  the clip of move 1 in .* leads out of the library"):
        read_plan(changed)
