"""The file of a local index: its layout. It is written at once and read in place.

All numbers are little-endian. Byte 0: ``COMPASMI``; byte 8: the version of this layout, uint32; byte 12: the length of
the header, uint32; byte 16: the header's CRC-32, uint32; byte 20: the header, JSON in UTF-8. The header says how many
moves there are (``count``), of which library (``library``) and where each section is (``sections``: ``offset``,
``dtype``, ``shape``, ``crc32``). Rows are sorted by ``clip_id``. docs/reference/search.md lists the sections.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bachateo.errors import SearchError
from bachateo.files import written_aside
from bachateo.moves.index.document import VECTOR_DIMS, MoveDocument
from bachateo.moves.library import DIFFICULTIES, ENERGY_LEVELS

MAGIC = b"COMPASMI"
VERSION = 1
HEADER_AT, SECTIONS_AT = 20, 4096
ALIGNMENT = 64
BLOCK = 256  # documents at a time
FIXED: Mapping[str, tuple[str, tuple[int, ...]]] = {
    **{name: ("<f4", (dims,)) for name, dims in VECTOR_DIMS.items()},
    "norms": ("<f4", (len(VECTOR_DIMS),)),
    "quality": ("<f8", ()),
    "difficulty": ("|u1", ()),
    "energy_level": ("|u1", ()),
}
CODES: Mapping[str, tuple[str, ...]] = {"difficulty": DIFFICULTIES, "energy_level": ENERGY_LEVELS}
TEXTS = ("clip_ids", "documents")  # each with NAME_ends beside it

Section = dict[str, Any]


def write_layout(path: Path, documents: Iterable[MoveDocument], count: int, library: Mapping[str, Any]) -> None:
    """Write the file of an index; it appears whole or not at all.

    Parameters
    ----------
    path
        Where it shall be.
    documents
        Sorted by ``clip_id``, no two of the same.
    count
        How many documents there are.
    library
        What the index was made from, to be read again from the header.

    Raises
    ------
    SearchError
        The documents are not sorted, or not ``count``.
    """
    with written_aside(path) as aside, aside.open("r+b") as file:
        writer = _Writer(file, count)
        rising = _sorted(documents)
        while block := tuple(islice(rising, BLOCK)):
            writer.write(block)
        header = json.dumps({"count": count, "library": library, "sections": writer.finish()}).encode()
        if HEADER_AT + len(header) > SECTIONS_AT:
            raise SearchError(
                "CH115", f"the header of {path} has {len(header)} bytes; it must fit before the sections."
            )
        start = MAGIC + b"".join(n.to_bytes(4, "little") for n in (VERSION, len(header), zlib.crc32(header)))
        os.pwrite(file.fileno(), start + header, 0)


class _Writer:
    """Fills all sections side by side, block by block."""

    def __init__(self, file: BinaryIO, count: int) -> None:
        self.file, self.count, self.written = file, count, 0
        self.sections: dict[str, Section] = {}
        self.end = SECTIONS_AT
        for name, (dtype, shape) in FIXED.items():
            self._place(name, dtype, (count, *shape))
        for name in TEXTS:
            self._place(f"{name}_ends", "<u8", (count,))
        self.text_ends = dict.fromkeys(TEXTS, 0)
        self.texts: dict[str, bytearray] = {name: bytearray() for name in TEXTS}

    def write(self, documents: tuple[MoveDocument, ...]) -> None:
        for name, values in _columns(documents).items():
            self._append(name, values)
        texts = {
            "clip_ids": [document.clip_id.encode() for document in documents],
            "documents": [json.dumps(dict(document.fields)).encode() for document in documents],
        }
        for name, parts in texts.items():
            ends = len(self.texts[name]) + np.cumsum([len(part) for part in parts], dtype=np.uint64)
            self._append(f"{name}_ends", ends.astype("<u8"))
            self.texts[name].extend(b"".join(parts))
        self.written += len(documents)

    def finish(self) -> dict[str, Section]:
        if self.written != self.count:
            raise SearchError("CH116", f"{self.written} documents were given; {self.count} were announced.")
        for name in TEXTS:
            self._place(name, "|u1", (len(self.texts[name]),))
            self._append(name, np.frombuffer(bytes(self.texts[name]), np.uint8), at=0)
        os.ftruncate(self.file.fileno(), self.end)
        return self.sections

    def _place(self, name: str, dtype: str, shape: tuple[int, ...]) -> None:
        size = np.dtype(dtype).itemsize * int(np.prod(shape))
        self.sections[name] = {"offset": self.end, "dtype": dtype, "shape": list(shape), "crc32": 0}
        self.end += -(-size // ALIGNMENT) * ALIGNMENT

    def _append(self, name: str, values: NDArray[Any], at: int | None = None) -> None:
        section = self.sections[name]
        row = np.dtype(section["dtype"]).itemsize * int(np.prod(section["shape"][1:]))
        content = np.ascontiguousarray(values, section["dtype"]).tobytes()
        section["crc32"] = zlib.crc32(content, section["crc32"])
        os.pwrite(self.file.fileno(), content, section["offset"] + (self.written if at is None else at) * row)


def _columns(documents: tuple[MoveDocument, ...]) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    for name, dims in VECTOR_DIMS.items():
        absent = np.zeros(dims, np.float32)
        columns[name] = np.array([document.vectors.get(name, absent) for document in documents], np.float32)
    columns["norms"] = np.stack(
        [np.linalg.norm(columns[name].astype(np.float64), axis=1) for name in VECTOR_DIMS], axis=1
    )
    columns["quality"] = np.array([document.fields["quality_score"] for document in documents], np.float64)
    for name, words in CODES.items():
        columns[name] = np.array([words.index(document.fields[name]) for document in documents], np.uint8)
    return columns


def _sorted(documents: Iterable[MoveDocument]) -> Iterator[MoveDocument]:
    before: str | None = None
    for document in documents:
        if before is not None and document.clip_id <= before:
            raise SearchError("CH117", f"{document.clip_id} comes after {before}; documents must be sorted by clip_id.")
        before = document.clip_id
        yield document


class Layout:
    """The file of an index, mapped into memory."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises
        ------
        SearchError
            It is missing, damaged, cut short or of another version.
        """
        self.path = path
        try:
            with path.open("rb") as file:
                start = file.read(SECTIONS_AT)
        except FileNotFoundError as error:
            raise SearchError(
                "CH118", f"there is no index {path}. Make it: bachateo library index {path.parent}"
            ) from error
        header = self._header(start)
        self.count: int = header["count"]
        self.library: dict[str, Any] = header["library"]
        self.sections: dict[str, Section] = header["sections"]
        size = path.stat().st_size
        needed = max(section["offset"] + self._size(section) for section in self.sections.values())
        if size < needed:
            raise self._damaged(f"has {size} bytes; its header asks for {needed}")
        # A plain view: every slice of a memmap object costs some microseconds.
        raw = np.asarray(np.memmap(path, np.uint8, "r"))
        self._arrays = {name: self._view(raw, section) for name, section in self.sections.items()}

    def section(self, name: str) -> NDArray[Any]:
        """Return a section as an array in place; nothing is read before it is used."""
        return self._arrays[name]

    def text(self, name: str, row: int) -> bytes:
        """Return one entry of a section of texts."""
        ends = self._arrays[f"{name}_ends"]
        return self._arrays[name][int(ends[row - 1]) if row else 0 : int(ends[row])].tobytes()

    def verify(self) -> None:
        """Read everything and compare it with the checksums.

        Raises
        ------
        SearchError
            A section differs.
        """
        for name, section in self.sections.items():
            if zlib.crc32(self.section(name).data) != section["crc32"]:
                raise self._damaged(f"is damaged in its section {name}")

    def _header(self, start: bytes) -> dict[str, Any]:
        if start[:8] != MAGIC:
            raise self._damaged("is no index of moves")
        version, length, checksum = (int.from_bytes(start[at : at + 4], "little") for at in (8, 12, 16))
        if len(start) < SECTIONS_AT:
            raise self._damaged(f"has {len(start)} bytes; it is cut short")
        if version != VERSION:
            raise self._damaged(f"has layout {version}; this version reads {VERSION}")
        header = start[HEADER_AT : HEADER_AT + length]
        if zlib.crc32(header) != checksum:
            raise self._damaged("is damaged in its header")
        return dict(json.loads(header))

    def _damaged(self, what: str) -> SearchError:
        return SearchError("CH119", f"{self.path} {what}. Make it anew: bachateo library index {self.path.parent}")

    def _view(self, raw: NDArray[np.uint8], section: Section) -> NDArray[Any]:
        part = raw[section["offset"] : section["offset"] + self._size(section)]
        return part.view(section["dtype"]).reshape(section["shape"])

    @staticmethod
    def _size(section: Section) -> int:
        return int(np.dtype(section["dtype"]).itemsize * np.prod(section["shape"], dtype=np.int64))
