"""Round trips of files: one system saves, the other compares name, bytes and address, saves again and deletes."""

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from handover.finding import Finding
from handover.probe.client import Probe
from handover.proof.storage.fields import FilePair
from handover.side import Side

# One byte, more than one chunk of a copy, and in the full run more than a bucket takes in one request (8 MiB).
SIZES = {"small": (1, 100_000), "full": (1, 4_096, 300_000, 9 * 2**20)}
# Names that both storages must change alike: capitals, spaces, accents, characters that a URL has to quote.
NAMES = ("handover-{run}-{number}.mp4", "Handover Ñandú & Cía #{run}-{number}.MP4")


@dataclass
class FileRoundTrip:
    """Round trips of the files of one field, in both directions.

    Attributes
    ----------
    run
        Part of every name, so that files left behind can be found.
    files, reads
        How many files were saved, and how often a file was opened.
    made
        Names that must be removed at the end.
    """

    pair: FilePair
    agents: Mapping[Side, Probe]
    run: str
    files: int = 0
    reads: int = 0
    made: set[str] = field(default_factory=set)

    def findings(self, sizes: tuple[int, ...]) -> Iterator[Finding]:
        """Yield what differs."""
        yield from self._same_names()
        for writer, reader in (tuple(Side), tuple(Side)[::-1]):
            for number, size in enumerate(sizes):
                name = NAMES[number % len(NAMES)].format(run=self.run, number=f"{writer[0]}{number}")
                yield from self._one_file(writer, reader, name, secrets.token_bytes(size))

    def _same_names(self) -> Iterator[Finding]:
        for name in NAMES:
            names = self._names(name.format(run=self.run, number=0))
            # The folder may hold the month; if it has just changed, ask again.
            if len(set(names.values())) > 1:
                names = self._names(name.format(run=self.run, number=0))
            if len(set(names.values())) > 1:
                one, other = (names[side] for side in Side)
                found = f"calls a new file {one!r} in the original and {other!r} in the backend"
                todo = "Make upload_to and the storages' rules for names the same."
                yield Finding(
                    code="HO365",
                    where=self.pair.where,
                    found=found,
                    expected="",
                    todo=todo,
                    severity="breaking",
                    hurts="both",
                )

    def _names(self, name: str) -> dict[Side, str]:
        return {side: self.agents[side].ask("store_name", name=name, **self.pair.of(side)) for side in Side}

    def _one_file(self, writer: Side, reader: Side, name: str, content: bytes) -> Iterator[Finding]:
        wanted = self._names(name)[writer]
        saved = self._save(writer, name, content)
        stored = saved["name"]
        if stored != wanted:
            found = f"is saved by the {writer} as {stored!r}"
            yield self._finding(
                "HO365", found, f"its field says {wanted!r}", reader, "Compare what save() does to names."
            )
        seen = self._open(reader, stored)
        # A file that the reader does not find cannot be compared further.
        if (problem := self._as_saved(writer, reader, stored, seen, content)) is not None:
            yield problem
        else:
            yield from self._same_address(writer, reader, stored, saved, seen)
        yield from self._kept(writer, reader, name, stored, content)
        yield from self._deleted(writer, reader, stored)

    def _as_saved(self, writer: Side, reader: Side, name: str, seen: dict[str, Any], content: bytes) -> Finding | None:
        if "error" in seen or not seen["exists"]:
            found = f"names {name!r}, saved by the {writer}, which the {reader} does not find"
            said = seen.get("error") or "exists() is false"
            todo = "Compare bucket, prefix and folder of the two storages."
            return self._finding("HO361", found, f"it says {said}", reader, todo)
        if seen["sha256"] != hashlib.sha256(content).hexdigest() or seen["said_size"] != len(content):
            found = (
                f"names {name!r}, saved by the {writer} with {len(content)} bytes; the {reader} reads {seen['size']}"
            )
            return self._finding(
                "HO362", found, "the bytes differ", reader, "Compare how the two storages write and read."
            )
        return None

    def _same_address(
        self, writer: Side, reader: Side, name: str, saved: dict[str, Any], seen: dict[str, Any]
    ) -> Iterator[Finding]:
        if _address(saved["url"]) != _address(seen["url"]):
            one, other = saved["url"] and saved["url"].partition("?")[0], seen["url"] and seen["url"].partition("?")[0]
            signed = [bool(url and "?" in url) for url in (saved["url"], seen["url"])]
            how = f", {'only one' if any(signed) and not all(signed) else 'both'} signed" if any(signed) else ""
            found = f"leads to {one} in the {writer} and to {other} in the {reader}{how}, for {name!r}"
            yield self._finding("HO363", found, "", reader, "Compare MEDIA_URL, endpoint, bucket, and signing.")
        mine = self._open(writer, name).get("type")
        if mine != seen["type"]:
            found = f"has type {mine} in the {writer} and {seen['type']} in the {reader}, for {name!r}"
            yield self._finding("HO369", found, "", reader, "Compare what each sets as the type of an object.")

    def _kept(self, writer: Side, reader: Side, name: str, stored: str, content: bytes) -> Iterator[Finding]:
        """Check a second save of the same name: it must get another name and keep the first file."""
        second = self._save(reader, name, content[::-1] + b"2")["name"]
        first = self._open(writer, stored)
        if second == stored or first.get("sha256") != hashlib.sha256(content).hexdigest():
            found = f"loses {stored!r} of the {writer} when the {reader} saves another file of that name"
            todo = "Let no storage overwrite: file_overwrite=False, and a save that fails where there is an object."
            yield self._finding("HO364", found, "", writer, todo)

    def _deleted(self, writer: Side, reader: Side, stored: str) -> Iterator[Finding]:
        said = self.agents[reader].ask("store_delete", names=[stored], **self.pair.of(reader))
        there = {side: self._exists(side, stored) for side in Side}
        if said or any(there.values()):
            who = " and ".join(f"the {side}" for side, found in there.items() if found)
            still = f"it is still found by {who}" if who else "delete() failed"
            found = f"names {stored!r} of the {writer}, which the {reader} deleted; {still}"
            expected = f"it said {said[stored]}" if said else ""
            yield self._finding("HO366", found, expected, writer, "Compare what delete() does in the two storages.")

    def _save(self, side: Side, name: str, content: bytes) -> dict[str, Any]:
        sent = base64.b64encode(content).decode()
        saved: dict[str, Any] = self.agents[side].ask("store_save", name=name, content=sent, **self.pair.of(side))
        self.files += 1
        self.made.add(saved["name"])
        return saved

    def _open(self, side: Side, name: str) -> dict[str, Any]:
        self.reads += 1
        seen: dict[str, Any] = self.agents[side].ask("store_open", name=name, **self.pair.of(side))
        return seen

    def _exists(self, side: Side, name: str) -> bool:
        return bool(self.agents[side].ask("store_exists", names=[name], **self.pair.of(side))[0])

    def _finding(self, code: str, found: str, expected: str, hurts: Side, todo: str) -> Finding:
        return Finding(
            code=code,
            where=self.pair.where,
            found=found,
            expected=expected,
            todo=todo,
            severity="breaking",
            hurts=hurts,
        )


def _address(url: str | None) -> tuple[str, ...] | None:
    """Return what must agree of an address: its place, and whether it is signed. A signature changes every second."""
    if url is None:
        return None
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path, "signed" if parts.query else ""
