from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

import bachateo
from bachateo.moves import Library, Move
from bachateo.moves.index.building import index_library
from bachateo.moves.index.local import LocalMoveIndex
from bachateo.music.song import DecodedSong, read_song
from bachateo.selection import offer_moves, search_every_level, song_vectors
from bachateo.sequence import Wishes


@pytest.fixture(scope="module")
def index(drawn: Library) -> LocalMoveIndex:
    index_library(drawn.folder)
    return LocalMoveIndex.of_library(drawn.folder)


@pytest.fixture(scope="module")
def vectors(demo, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    return song_vectors(demo.path, cache=tmp_path_factory.mktemp("cache"), read=lambda: read_song(demo.path))


def test_song_vectors__same_content__is_remembered(demo, vectors, tmp_path: Path) -> None:
    read: list[DecodedSong] = []

    def once() -> DecodedSong:
        read.append(read_song(demo.path))
        return read[0]

    first, second = (song_vectors(demo.path, cache=tmp_path, read=once) for _ in range(2))

    assert len(read) == 1
    assert first["audio"].tolist() == second["audio"].tolist() == vectors["audio"].tolist()


def test_search_every_level__wishes__bound_what_is_found(index, vectors, drawn: Library) -> None:
    everything = search_every_level(index, vectors, Wishes())

    assert set(everything) == {move.clip_id for move in drawn.moves}
    assert all(0 <= score <= 1 for score in everything.values())


def test_search_every_level__more_than_one_search_finds__finds_every_level(
    make_move: Callable[..., Move], vectors, tmp_path: Path
) -> None:
    asked: list[tuple[str | None, str | None]] = []

    class Index:
        def search(self, query):
            asked.append((query.difficulty, query.energy_level))
            return type("Found", (), {"hits": ()})()

    search_every_level(Index(), vectors, Wishes(difficulty="intermediate", energy="high"))
    assert asked == [("beginner", "high"), ("intermediate", "high")]
    asked.clear()
    search_every_level(Index(), vectors, Wishes())
    assert len(set(asked)) == 9


def test_offer_moves__found__are_offered_with_every_end(drawn: Library) -> None:
    found = {"side_basic_128": 0.9}

    offered = {move.clip_id for move in offer_moves(drawn, found).moves}

    assert offered == {"side_basic_128", "intro_128", "outro_128"}
    assert offer_moves(drawn, {}) == drawn


def test_make__search__only_what_it_finds_is_danced(demo, drawn: Library, tmp_path: Path) -> None:
    wished: list[Wishes] = []

    def search(vectors: Mapping[str, np.ndarray], wishes: Wishes) -> dict[str, float]:
        wished.append(wishes)
        assert vectors["audio"].shape == (128,)
        return {"side_basic_128": 0.9, "sway_128": 0.4}

    made = bachateo.make(
        demo.path,
        tmp_path / "out.mp4",
        library=drawn.folder,
        difficulty="beginner",
        relax=("repeats",),
        search=search,
        cache=tmp_path / "cache",
    )

    assert {placed.move.move_label for placed in made.moves} <= {"intro", "side_basic", "sway", "outro"}
    assert [wishes.difficulty for wishes in wished] == ["beginner"]
