from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bachateo.errors import LibraryError
from bachateo.moves import INDEX_NAME, Library, Move


@pytest.fixture
def library(tmp_path: Path, make_move: Callable[..., Move]) -> Library:
    saved = Library(tmp_path, (make_move("a"), make_move("b", role="outro", beats=16)))
    for move in saved.moves:
        saved.clip(move).write_bytes(b"a clip")
    saved.save()
    return saved


def _change(library: Library, change: Callable[[dict[str, Any]], object]) -> None:
    index = library.folder / INDEX_NAME
    document = json.loads(index.read_text())
    change(document)
    index.write_text(json.dumps(document))


def test_load__saved__is_the_same(library: Library) -> None:
    assert Library.load(library.folder) == library


def test_load__names__are_those_of_the_search_index(library: Library) -> None:
    names = set(json.loads((library.folder / INDEX_NAME).read_text())["moves"][0])

    assert {
        "clip_id",
        "move_label",
        "difficulty",
        "energy_level",
        "lead_follow_roles",
        "version",
        "estimated_tempo",
        "quality_score",
        "frame_count",
        "video_path",
    } <= names


def test_load__no_library__says_how_to_draw_one(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match=r"^CH020  there is no library\.json in .*bachateo library starter DIR"):
        Library.load(tmp_path)


def test_load__no_json__says_so(library: Library) -> None:
    (library.folder / INDEX_NAME).write_text('{"moves": [')

    with pytest.raises(LibraryError, match=r"^CH021  .*library\.json is not valid JSON"):
        Library.load(library.folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda doc: doc.update(format=9), r"^CH022  .* is not a library of format 1"),
        (lambda doc: doc.update(moves=[]), r"^CH023  .* lists no moves"),
        (
            lambda doc: doc["moves"][0].update(difficulty="hard"),
            r"^CH024  difficulty of a is 'hard'; it must be one of",
        ),
        (lambda doc: doc["moves"][0].update(role="encore"), r"^CH024  role of a is 'encore'"),
        (
            lambda doc: doc["moves"][0].update(estimated_tempo=float("nan")),
            r"^CH025  estimated_tempo of a is nan; a move needs a finite tempo above 0",
        ),
        (lambda doc: doc["moves"][0].update(beats=6), r"^CH026  a has 6 beats; a move needs a multiple of 8"),
        (lambda doc: doc["moves"][0]["beats_s"].pop(), r"^CH027  beats_s of a has 8 times; it needs 9 rising ones"),
        (lambda doc: doc["moves"][0]["beats_s"].reverse(), r"^CH027  beats_s of a has 9 times"),
        (lambda doc: doc["moves"][1].update(clip_id="a"), r"^CH028  clip_id a is there twice"),
        (
            lambda doc: doc["moves"][0].update(video_path="../x.mp4"),
            r"^CH029  video_path of a leads out of the library",
        ),
        (lambda doc: doc["moves"][0].update(video_path="x.mp4"), r"^CH030  the clip .*x\.mp4 is missing"),
        (lambda doc: doc["moves"].append("b"), r"^CH031  .* lists 'b', which is no move"),
        (lambda doc: doc["moves"][1].pop("beats_s"), r"^CH032  b in .* has no field 'beats_s'"),
        (lambda doc: doc["moves"][1].update(beats="many"), r"^CH033  b in .* has a field of the wrong type"),
    ],
)
def test_load__damaged__says_what_is_wrong(
    library: Library, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    _change(library, change)

    with pytest.raises(LibraryError, match=message):
        Library.load(library.folder)
