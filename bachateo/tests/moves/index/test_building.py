from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bachateo.errors import SearchError
from bachateo.moves import Library
from bachateo.moves.index import local
from bachateo.moves.index.building import describe_move, index_library, send_library, song_query
from bachateo.moves.index.document import VECTOR_DIMS
from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex
from bachateo.moves.index.local import FILE_NAME, LocalMoveIndex
from bachateo.music.song import read_song


@pytest.fixture
def library(drawn: Library, tmp_path: Path) -> Library:
    """A copy of the drawn moves, to be changed, without an index."""
    shutil.copytree(drawn.folder, tmp_path / "library", ignore=shutil.ignore_patterns(FILE_NAME))
    return Library.load(tmp_path / "library")


def test_index_library__drawn_moves__are_found_by_what_they_are(library: Library) -> None:
    indexed = index_library(library.folder)

    assert (indexed.moves, indexed.changed, indexed.without_sound, indexed.without_poses) == (7, True, 0, 0)
    index = LocalMoveIndex.of_library(library.folder)
    assert index.count() == 7
    for wish, clip_id in (
        ("she spins once under his raised arm", "right_turn_128"),
        ("a deep dip to end the song", "outro_128"),
        ("the couple goes round in a circle", "circle_128"),
    ):
        assert index.search(song_query(text=wish)).hits[0].clip_id == clip_id


def test_index_library__song_and_text__use_both(library: Library, demo) -> None:
    index_library(library.folder)
    sound = read_song(demo.path)

    hits = LocalMoveIndex.of_library(library.folder).search(song_query(sound, text="a turn")).hits

    assert len(hits) == 7
    assert hits[0].clip_id == "right_turn_128"
    assert all(0.5 < hit.parts["audio"] < 1 for hit in hits), "the demo song is like what they were drawn for"
    vector = song_query(sound).vectors["audio"]
    assert (song_query(vector).vectors["audio"] == vector).all()


def test_index_library__complete__writes_nothing(library: Library) -> None:
    index_library(library.folder)
    before = {path: path.stat().st_mtime_ns for path in library.folder.rglob("*")}

    again = index_library(library.folder)

    assert (again.moves, again.changed, again.without_sound) == (7, False, None)
    assert {path: path.stat().st_mtime_ns for path in library.folder.rglob("*")} == before


def test_index_library__asked_anew_or_damaged_or_of_other_vectors__is_made_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_library(library.folder)
    whole = (library.folder / FILE_NAME).read_bytes()

    assert index_library(library.folder, anew=True).changed
    damaged = bytearray(whole)
    damaged[LocalMoveIndex.of_library(library.folder).layout.sections["text"]["offset"]] ^= 1
    (library.folder / FILE_NAME).write_bytes(damaged)
    assert index_library(library.folder).changed
    assert (library.folder / FILE_NAME).read_bytes() == whole
    monkeypatch.setattr(local, "VECTORS_VERSION", 99)
    with pytest.raises(SearchError, match=r"^CH120  .* or how moves are described, has changed"):
        LocalMoveIndex.of_library(library.folder)
    assert index_library(library.folder).changed


def test_of_library__library_changed_since__is_refused_until_it_is_indexed(library: Library) -> None:
    index_library(library.folder)
    Library(library.folder, library.moves[:4]).save()

    with pytest.raises(
        SearchError,
        match=r"^CH120  library\.json in .* has changed since its index was made\. Make it anew: ",
    ):
        LocalMoveIndex.of_library(library.folder)

    assert index_library(library.folder).changed
    assert LocalMoveIndex.of_library(library.folder).count() == 4


def test_index_library__progress__counts_to_the_end(library: Library) -> None:
    told: list[tuple[int, int]] = []

    index_library(library.folder, on_progress=lambda done, total: told.append((done, total)))

    assert told == [(number, 7) for number in range(8)]


def test_describe_move__drawn__has_every_vector(library: Library) -> None:
    document = describe_move(library, library.moves[0])

    assert set(document.vectors) == set(VECTOR_DIMS)
    assert document.fields["created_at"] == library.moves[0].created_at


def test_describe_move__clip_without_sound_or_poses__has_its_text(flashes: Library) -> None:
    indexed = index_library(flashes.folder)

    assert (indexed.moves, indexed.without_sound, indexed.without_poses) == (6, 6, 6)
    document = describe_move(flashes, replace(flashes.moves[0], description="A flash of light."))
    assert set(document.vectors) == {"text"}
    assert "created_at" not in document.fields
    assert len(LocalMoveIndex.of_library(flashes.folder).search(song_query(text="light")).hits) == 6


def test_send_library__elasticsearch__answers_as_the_local_index(
    library: Library, elasticsearch_url: str, demo
) -> None:
    index_library(library.folder)
    query = song_query(read_song(demo.path), text="slow and romantic", difficulty="beginner")
    index = ElasticsearchMoveIndex(elasticsearch_url, index="test_library")
    try:
        assert [send_library(library, index).moves for _ in range(2)] == [7, 7]
        local, sent = LocalMoveIndex.of_library(library.folder).search(query), index.search(query)
        clip_ids = [hit.clip_id for hit in sent.hits]
        assert index.get_many(clip_ids) == LocalMoveIndex.of_library(library.folder).get_many(clip_ids)
    finally:
        index.client.indices.delete(index="test_library")
        index.close()

    assert clip_ids == [hit.clip_id for hit in local.hits]
    assert sent.dropped_filters == local.dropped_filters
    assert [hit.score for hit in sent.hits] == pytest.approx([hit.score for hit in local.hits], abs=1e-6)


@pytest.mark.parametrize("text", ["", "   "])
def test_song_query__neither_sound_nor_text__is_refused(text: str) -> None:
    with pytest.raises(SearchError, match=r"^CH113  a search needs a song, a text"):
        song_query(text=text)


def test_song_query__vector_of_another_kind__is_refused() -> None:
    with pytest.raises(SearchError, match=r"^CH111  the audio vector of the query has shape \(384,\)"):
        song_query(np.ones(384, np.float32))
