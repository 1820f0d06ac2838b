"""The moves of the library."""

import json
import os
import shutil
from pathlib import Path

import pytest

from apps.moves import selectors
from bachateo.moves import INDEX_NAME, Library


@pytest.fixture
def library(settings, moves_library, tmp_path) -> Path:
    """The starter library with clips that are links, so that a test may change it."""
    folder = tmp_path / "moves"
    shutil.copytree(moves_library, folder, copy_function=os.link)
    index = folder / INDEX_NAME
    text = index.read_text()
    index.unlink()
    index.write_text(text)
    settings.MOVES_LIBRARY = folder
    return folder


def listed(api, **asked: object) -> list[dict]:
    return api.get("/api/moves", asked).json()["results"]


def rewrite(folder: Path, change) -> None:
    index = folder / INDEX_NAME
    document = json.loads(index.read_text())
    change(document["moves"])
    index.write_text(json.dumps(document))


def test_moves__are_those_of_the_library(api, library):
    moves = Library.load(library).moves
    shown = listed(api)
    assert [move["clip_id"] for move in shown] == [move.clip_id for move in moves]
    first = moves[0]
    assert shown[0] == {
        "clip_id": first.clip_id,
        "label": first.move_label,
        "difficulty": first.difficulty,
        "energy": first.energy_level,
        "roles": first.lead_follow_roles,
        "role": first.role,
        "tempo_bpm": first.estimated_tempo,
        "eight_counts": first.eight_counts,
        "quality": first.quality_score,
    }
    assert api.get(f"/api/moves/{first.clip_id}").json() == shown[0]


def test_moves__by_what_is_asked__are_exactly_those(api, library):
    everything = listed(api)
    label = everything[0]["label"]
    for asked, fits in [
        ({"difficulty": "beginner"}, lambda move: move["difficulty"] == "beginner"),
        ({"energy": "high"}, lambda move: move["energy"] == "high"),
        ({"label": label}, lambda move: move["label"] == label),
        ({"tempo_min": 128}, lambda move: move["tempo_bpm"] >= 128),
        ({"tempo_max": 127.9}, lambda move: move["tempo_bpm"] <= 127.9),
        (
            {"difficulty": "advanced", "energy": "medium", "tempo_max": 120},
            lambda move: move["difficulty"] == "advanced" and move["energy"] == "medium" and move["tempo_bpm"] <= 120,
        ),
        ({"difficulty": "", "energy": "", "label": ""}, lambda _: True),
    ]:
        assert listed(api, **asked) == [move for move in everything if fits(move)], asked


@pytest.mark.parametrize(
    "asked", [{"difficulty": "expert"}, {"energy": "wild"}, {"tempo_min": "fast"}, {"tempo_max": "nan"}]
)
def test_moves__filter_there_is_not__is_named(api, library, asked):
    answer = api.get("/api/moves", asked)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(asked))


@pytest.mark.parametrize("clip_id", ["nothing", "a/b", "%00", "../library.json", "💃"])
def test_move__there_is_not__is_404(api, library, clip_id):
    answer = api.get(f"/api/moves/{clip_id}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_library__is_read_once_until_it_changes(api, library, monkeypatch):
    loads = []
    load = Library.load
    monkeypatch.setattr(selectors.Library, "load", lambda folder: loads.append(folder) or load(folder))
    before = listed(api)
    assert listed(api) == before
    assert len(loads) == 1
    rewrite(library, lambda moves: moves.pop())
    assert listed(api) == before[:-1]
    assert len(loads) == 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / INDEX_NAME).unlink(),
        lambda folder: (folder / INDEX_NAME).write_text("{"),
        lambda folder: rewrite(folder, lambda moves: moves.clear()),
        lambda folder: rewrite(folder, lambda moves: moves[0].update(difficulty="expert")),
        lambda folder: rewrite(folder, lambda moves: moves[0].update(video_path="gone.mp4")),
    ],
    ids=["missing", "no JSON", "empty", "wrong", "clip gone"],
)
def test_library__spoilt__is_503_that_keeps_paths_for_the_log(api, library, caplog, spoil):
    spoil(library)
    for address in ("/api/moves", "/api/moves/x"):
        answer = api.get(address)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:compas:problem:library")
        assert str(library) not in answer.content.decode()
    assert "the library of moves cannot be used" in caplog.text
