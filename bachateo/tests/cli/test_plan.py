from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bachateo.cli import app
from bachateo.moves import Library
from bachateo.sequence import read_plan


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    # What was heard in the song is kept between these tests; hearing it is not their business.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "plan-home"))


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def planned(demo, drawn: Library, tmp_path: Path) -> Path:
    # Beside four moves on either side a library of five has no other, unless one may come back.
    options = ("--library", drawn.folder, "--seed", 2, "--relax-only", "repeats")
    result = _run("plan", demo.path, "-o", tmp_path / "plan.json", *options)
    assert result.exit_code == 0, result.output
    return tmp_path / "plan.json"


def test_plan__song_and_library__writes_the_plan_and_shows_it(demo, drawn: Library, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"

    result = _run("plan", demo.path, "--library", drawn.folder, "-o", out, "--difficulty", "beginner", "--why")

    assert result.exit_code == 0, result.output
    plan = read_plan(out)
    assert plan.song == demo.path
    assert plan.song_sha256 == hashlib.sha256(demo.path.read_bytes()).hexdigest()
    assert all(placed.clip.is_file() for placed in plan.moves)
    assert plan.wishes.difficulty == "beginner"
    lines = result.stdout.splitlines()
    assert lines[-1] == str(out)
    assert f"{plan.distinct_share:.0%} of the films are different; other clothes at 0% of the cuts" in result.stderr
    assert json.loads(out.read_text())["changes_share"] == plan.changes_share == 0.0
    assert sum("beginner" in line and "%" in line and "0:" in line for line in lines) == len(plan.moves)
    assert any(line.startswith("1  intro: It opens the choreography.") for line in lines)


def test_plan__nothing_fits__says_why_and_writes_nothing(demo, drawn: Library, tmp_path: Path) -> None:
    few = Library(tmp_path / "few", tuple(move for move in drawn.moves if move.move_label in {"sway", "box_step"}))
    for move in few.moves:
        few.clip(move).parent.mkdir(parents=True, exist_ok=True)
        few.clip(move).write_bytes(drawn.clip(move).read_bytes())
    few.save()
    out = tmp_path / "plan.json"

    strict = _run("plan", demo.path, "--library", few.folder, "-o", out)

    assert strict.exit_code == 1
    assert "CH043  too few moves fit this song" in strict.stderr
    assert not out.exists()

    for relax in (["--relax"], ["--relax-only", "repeats"]):
        relaxed = _run("plan", demo.path, "--library", few.folder, "-o", out, *relax)
        assert relaxed.exit_code == 0, relaxed.output
        assert "given up: repeats: " in relaxed.stderr
        assert read_plan(out).relaxed[0].startswith("repeats: ")


def test_swap__a_move__changes_it_in_the_file(planned: Path) -> None:
    before = read_plan(planned)

    result = _run("swap", planned, 3, "--seed", 5)

    assert result.exit_code == 0, result.output
    after = read_plan(planned)
    changed = [old.move != new.move for old, new in zip(before.moves, after.moves, strict=True)]
    assert changed == [number == 3 for number in range(1, len(before.moves) + 1)]
    assert after.song_sha256 == before.song_sha256


def test_swap__other_file__leaves_the_plan(planned: Path, tmp_path: Path) -> None:
    content = planned.read_bytes()

    result = _run("swap", planned, 3, "-o", tmp_path / "other.json")

    assert result.exit_code == 0, result.output
    assert planned.read_bytes() == content
    assert json.loads((tmp_path / "other.json").read_text())["moves"] != json.loads(content)["moves"]


def test_swap__no_such_move__fails_with_the_reason(planned: Path) -> None:
    content = planned.read_bytes()

    result = _run("swap", planned, 99)

    assert result.exit_code == 1
    assert "CH050  there is no move 99" in result.stderr
    assert planned.read_bytes() == content
