from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bachateo.cli import app
from bachateo.moves import Library
from sandbox.search import SearchServer


@pytest.fixture
def folder(drawn: Library, tmp_path: Path) -> Path:
    """A copy of the drawn moves without an index."""
    return Path(shutil.copytree(drawn.folder, tmp_path / "library", ignore=shutil.ignore_patterns("moves.index")))


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_library_index__twice__makes_it_once(folder: Path) -> None:
    first, second = (_run("library", "index", folder) for _ in range(2))

    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    assert first.stdout == second.stdout == "7 moves in the index\n"
    assert "describing moves: 7 of 7" in first.stderr
    assert second.stderr == "the index is complete; nothing was written\n"
    assert "describing moves" in _run("library", "index", folder, "--anew").stderr


def test_library_index__clips_without_sound__says_how_many(flashes: Library) -> None:
    result = _run("library", "index", flashes.folder)

    assert result.exit_code == 0
    assert "6 moves have no sound\n6 moves have no poses\n" in result.stderr


def test_library_index__no_library__fails_with_the_reason(tmp_path: Path) -> None:
    result = _run("library", "index", tmp_path)

    assert result.exit_code == 1
    assert "CH020  there is no library.json" in result.stderr


def test_search__song_and_text__shows_hits_with_their_parts(folder: Path, demo) -> None:
    _run("library", "index", folder)

    result = _run("search", "--library", folder, "--song", demo.path, "--text", "a turn", "--limit", 2)

    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["7", "moves"]
    assert [word for word in lines[2] if word.isalpha()] == ["move", "difficulty", "energy", "score", "audio", "text"]
    assert next(line[1] for line in lines if line[1:2] and line[1].endswith("_128")) == "right_turn_128"
    assert sum(line[0] == "│" for line in lines) == 2


def test_search__json__has_every_hit_and_its_document(folder: Path) -> None:
    _run("library", "index", folder)

    result = _run("search", "--library", folder, "--text", "a turn", "--difficulty", "advanced", "--json")

    found = json.loads(result.stdout)
    assert (found["found"], found["dropped_filters"]) == (7, ["difficulty"])
    assert "too few moves of this difficulty" in result.stderr
    best = found["hits"][0]
    assert best["clip_id"] == best["document"]["clip_id"] == "right_turn_128"
    assert best["score"] == pytest.approx(0.35 * best["parts"]["text"] + 0.65 * 0.5)


def test_search__no_index__says_how_to_make_it(folder: Path) -> None:
    result = _run("search", "--library", folder, "--text", "a turn")

    assert result.exit_code == 1
    assert "CH118  there is no index" in result.stderr
    assert f"bachateo library index {folder}" in result.stderr


def test_search__nothing_to_look_for__fails_with_the_reason(folder: Path) -> None:
    result = _run("search", "--library", folder)

    assert result.exit_code == 1
    assert "CH113" in result.stderr


def test_search__elasticsearch__finds_what_was_sent_there(folder: Path) -> None:
    # The index has the original's name: never on a server that people use.
    with SearchServer() as server:
        sent = _run("library", "index", folder, "--elasticsearch", server.url)
        found = _run("search", "--elasticsearch", server.url, "--text", "a turn", "--json")

    assert sent.stdout == "7 moves in the index\n"
    assert json.loads(found.stdout)["hits"][0]["clip_id"] == "right_turn_128"


def test_search__elasticsearch_no_server_there__fails_with_the_reason() -> None:
    result = _run("search", "--elasticsearch", "http://127.0.0.1:9", "--text", "a turn")

    assert result.exit_code == 1
    assert "CH124  Elasticsearch at http://127.0.0.1:9 does not answer" in result.stderr
