from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from bachateo.errors import SearchError
from bachateo.moves.index import MoveDocument, MoveQuery
from bachateo.moves.index.document import VECTOR_DIMS
from bachateo.moves.index.layout import SECTIONS_AT, Layout
from bachateo.moves.index.local import FILE_NAME, LocalMoveIndex, is_fresh, library_stamp


@pytest.fixture
def index(tmp_path: Path, documents: tuple[MoveDocument, ...]) -> LocalMoveIndex:
    return LocalMoveIndex.create(tmp_path / FILE_NAME, documents[:40], 40, {"size": 3})


def test_create__written__holds_every_number_as_it_was(index: LocalMoveIndex, documents) -> None:
    for row, document in enumerate(documents[:40]):
        for name in VECTOR_DIMS:
            kept = index.layout.section(name)[row]
            assert (kept == document.vectors.get(name, np.zeros(VECTOR_DIMS[name]))).all()
    index.layout.verify()
    assert index.layout.library == {"size": 3}
    assert [path.name for path in index.layout.path.parent.iterdir()] == [FILE_NAME]


def test_layout__sections__are_read_as_the_reference_describes_them(index: LocalMoveIndex, documents) -> None:
    # An independent reader, from the description alone.
    raw = index.layout.path.read_bytes()
    assert raw[:8] == b"COMPASMI"
    assert int.from_bytes(raw[8:12], "little") == 1
    header = __import__("json").loads(raw[20 : 20 + int.from_bytes(raw[12:16], "little")])
    audio, ends, names = (header["sections"][name] for name in ("audio", "clip_ids_ends", "clip_ids"))

    assert header["count"] == 40
    assert (audio["dtype"], audio["shape"], audio["offset"]) == ("<f4", [40, 128], SECTIONS_AT)
    row = np.frombuffer(raw, "<f4", 128, audio["offset"] + 3 * 128 * 4)
    assert (row == documents[3].vectors["audio"]).all()
    first, second = np.frombuffer(raw, "<u8", 2, ends["offset"]).tolist()
    assert raw[names["offset"] + first : names["offset"] + second] == b"move001"


def test_search__neighbours_with_equal_cosines__are_all_compared(tmp_path: Path, make_document, queries) -> None:
    # 300 moves of the same sound: single precision must not decide which 200 of them are looked at.
    same = make_document("x").vectors["audio"]
    made = [make_document(f"m{number:03}") for number in range(300)]
    alike = [MoveDocument(d.fields, {"audio": same}) for d in made]
    index = LocalMoveIndex.create(tmp_path / FILE_NAME, alike, 300)

    hits = index.search(MoveQuery({"audio": queries["audio"]})).hits

    assert [hit.clip_id for hit in hits] == [f"m{number:03}" for number in range(200)]


def test_create__not_sorted__is_refused_and_leaves_the_old_file(index: LocalMoveIndex, documents) -> None:
    before = index.layout.path.read_bytes()

    with pytest.raises(SearchError, match=r"^CH117  move000 comes after move001; documents must be sorted by clip_id"):
        LocalMoveIndex.create(index.layout.path, (documents[1], documents[0]), 2)
    with pytest.raises(SearchError, match=r"^CH117  move001 comes after move001"):
        LocalMoveIndex.create(index.layout.path, (documents[1], documents[1]), 2)
    with pytest.raises(SearchError, match=r"^CH116  2 documents were given; 3 were announced"):
        LocalMoveIndex.create(index.layout.path, documents[:2], 3)

    assert index.layout.path.read_bytes() == before
    assert len(list(index.layout.path.parent.iterdir())) == 1


def test_open__no_index__says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(SearchError, match=r"^CH118  there is no index .*Make it: bachateo library index "):
        LocalMoveIndex(tmp_path / FILE_NAME)


@pytest.mark.parametrize(
    ("at", "content", "message"),
    [
        (0, b"X", "is no index of moves"),
        (8, b"\x09", "has layout 9; this version reads 1"),
        (30, b"\xff", "is damaged in its header"),
    ],
)
def test_open__damaged__is_refused(index: LocalMoveIndex, at: int, content: bytes, message: str) -> None:
    _overwrite(index.layout.path, at, content)

    with pytest.raises(SearchError, match=rf"^CH119  .*{message}.*Make it anew"):
        LocalMoveIndex(index.layout.path)


@pytest.mark.parametrize("size", [0, 10, SECTIONS_AT, -1])
def test_open__cut_short__is_refused(index: LocalMoveIndex, size: int) -> None:
    os.truncate(index.layout.path, size if size >= 0 else index.layout.path.stat().st_size - 64)

    with pytest.raises(SearchError, match=r"^CH119  "):
        LocalMoveIndex(index.layout.path)


@pytest.mark.parametrize("section", ["audio", "text", "quality", "norms", "difficulty", "clip_ids", "documents"])
def test_verify__one_bit_flipped__names_the_section(index: LocalMoveIndex, section: str) -> None:
    at = index.layout.sections[section]["offset"] + 7
    _overwrite(index.layout.path, at, bytes([index.layout.path.read_bytes()[at] ^ 4]))

    with pytest.raises(SearchError, match=rf"^CH119  .*is damaged in its section {section}\."):
        Layout(index.layout.path).verify()


def test_is_fresh__library_touched_or_changed__is_told_apart(tmp_path: Path) -> None:
    library = tmp_path / "library.json"
    library.write_text("abc")
    stamp = library_stamp(library)

    assert is_fresh(stamp, library)
    os.utime(library, ns=(1, 1))
    assert is_fresh(stamp, library), "a copy has another time and the same content"
    library.write_text("abd")
    assert not is_fresh(stamp, library)
    library.write_text("abcd")
    assert not is_fresh(stamp, library)
    library.unlink()
    assert not is_fresh(stamp, library)


def _overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)
