"""The copy of the journal on this machine: JSON lines that are only added, each on disk before the action begins.

Each line ends with a keyed digest (HMAC-SHA256) of itself and of the digest before it, so a line that is changed,
removed, repeated or moved is noticed; ``journal.head`` says how many lines there are, so a shortened file is noticed.
Lines of version 0.1 have no digest. They stand first, and the first keyed line covers them as they are.

Each entry that goes to the database tells there how far this copy was (:meth:`JournalCopy.told`). So the database knows
which entries have a digest here, and it notices when an older copy and its head were put back.
"""

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from handover.errors import HandoverError
from handover.journal.entry import JournalEntry, machine, read_line
from handover.journal.key import folder_key, signing_key
from handover.private_files import open_private, read_private, write_private

PLACE = Path(".handover/journal.jsonl")
HEAD = "journal.head"
_MAC = re.compile(rb', "mac": "([0-9a-f]{64})"}\n\Z')


class JournalCopyError(HandoverError):
    """The copy cannot be read or written, or is not what was written."""

    code = "HO501"


class JournalCopy:
    """The copy beside ``handover.toml``; ``root`` is that folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / PLACE
        self._latest: dict[str, JournalEntry] = {}
        self._macs: list[str] = []  # of each line; empty for a line of version 0.1
        self._unkeyed = hashlib.sha256()
        self._without_mac: set[str] = set()  # entries whose last line is of version 0.1
        self._bytes = 0
        self._begun = ""  # a random word of the head: a copy that is begun anew is another

    @property
    def head(self) -> Path:
        """The file that says how many lines there are."""
        return self.path.with_name(HEAD)

    def entries(self) -> list[JournalEntry]:
        """Return each entry once, as last written, in the journal's order; entries without a place come last.

        Raises
        ------
        JournalCopyError
            A line is no entry, or not what was written. A last line without an end was being written when the process
            died; what it announced was not begun.
        """
        self._read_on()
        return sorted(self._latest.values(), key=lambda e: (e.seq is None, e.seq or 0))

    def told(self) -> dict[str, Any]:
        """Return what an entry of the database says of this copy: which it is, its lines, and the last line's digest.

        Only lines that are on disk count: a line that another process is just writing may be lost with the machine.

        Raises
        ------
        JournalCopyError
            The copy is not what was written.
        """
        lines, mac = self._read_on()
        if not self.head.exists():
            with self._locked():
                self._read_on()  # another process may have begun it meanwhile
                self._must_have_head()
                lines, mac = self._announced()
        return {"of": self._name(), "lines": lines, "digest": mac}

    def must_be_as_told(self, stored: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise unless the copy is as the entries of the database say.

        Parameters
        ----------
        stored
            For each entry of the database its id, and what :meth:`told` returned when it was added. Other processes
            may have added lines between the last reading here and the reading of the database, so lines are read on.

        Raises
        ------
        JournalCopyError
            Digests were taken away, or the copy and its head were put back to an older state.
        """
        self._read_on()
        stripped = self._without_mac & stored.keys()
        if stripped:
            what = f"{len(stripped)} lines have no keyed digest, and the database says that they were written with one"
            raise self._tampered(what)
        name = self._name() if self._begun else ""
        for told in stored.values():
            if not name or told.get("of") != name:
                continue
            lines, mac = int(told["lines"]), told["digest"]
            if lines and (len(self._macs) < lines or self._macs[lines - 1] != mac):
                what = f"the database says that {lines} lines were written, and {len(self._macs)} are there"
                raise self._tampered(f"{what}, or others")

    def _name(self) -> str:
        """Return which copy this is; one that was taken along to another place goes on as another."""
        return hashlib.sha256(f"{self._begun} {machine()} {self.root}".encode()).hexdigest()

    def _read_on(self) -> tuple[int, str]:
        """Read what was added since the last time, for lines are only ever added; return what the head announced."""
        announced = self._announced()  # before the lines: another process may add some meanwhile
        if self.path.exists() or self.path.is_symlink():
            with open_private(self.path) as file:
                if os.fstat(file.fileno()).st_size < self._bytes:
                    raise self._tampered("the file became shorter while this process ran")
                file.seek(self._bytes)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._read(line)
        lines, mac = announced
        if lines and (len(self._macs) < lines or self._macs[lines - 1] != mac):
            raise self._tampered(f"{lines} lines were written, and {len(self._macs)} are there")
        if self._macs and self._macs[-1] and not self.head.exists():
            raise self._tampered(f"{HEAD} is missing, which says how many lines were written")
        return announced

    def _read(self, line: bytes) -> None:
        number = len(self._macs) + 1
        text, mac = _parted(line)
        if mac:
            if not hmac.compare_digest(mac, self._mac(text, after=self._last_digest())):
                raise self._tampered(f"line {number} is not the line that was written there")
        elif self._macs and self._macs[-1]:
            raise self._tampered(f"line {number} has no keyed digest, and the lines before it have")
        try:
            entry = read_line(text.decode())
        except ValueError as error:
            raise self._tampered(f"line {number} is no entry of the journal: {error}") from error
        if mac:
            self._without_mac.discard(entry.id)
        else:
            self._unkeyed.update(line)
            self._without_mac.add(entry.id)
        self._macs.append(mac)
        self._bytes += len(line)
        self._latest[entry.id] = entry

    def _last_digest(self) -> str:
        return (self._macs[-1] if self._macs else "") or self._unkeyed.hexdigest()

    def _mac(self, text: bytes, *, after: str) -> str:
        return hmac.new(folder_key(self.root), after.encode() + text, hashlib.sha256).hexdigest()

    def _announced(self) -> tuple[int, str]:
        """Return how many lines there were at least, and the digest of the last of them."""
        try:
            values = json.loads(read_private(self.head))
            lines, mac = int(values["lines"]), str(values["mac"])
            signed, begun = str(values["signature"]), str(values.get("begun", ""))
        except FileNotFoundError:
            return 0, ""
        except (ValueError, KeyError, TypeError) as error:
            raise self._tampered(f"{self.head.name} is not what was written") from error
        if not hmac.compare_digest(signed, self._signed_head(lines, mac, begun)):
            raise self._tampered(f"{self.head.name} is not what was written, or was written with another key")
        self._begun = begun
        return lines, mac

    def _signed_head(self, lines: int, mac: str, begun: str) -> str:
        said = f"head {lines} {mac}{begun and ' '}{begun}"
        return hmac.new(folder_key(self.root), said.encode(), hashlib.sha256).hexdigest()

    def _must_have_head(self) -> None:
        """Write the head before the first keyed line, so that it is never missing after one."""
        if not self.head.exists():
            self._write_head()

    def _write_head(self) -> None:
        signing_key(self.root)  # made with the first head, before anything is signed
        self._begun = self._begun or secrets.token_hex(8)
        lines, mac = len(self._macs), self._macs[-1] if self._macs else ""
        values = {"lines": lines, "mac": mac, "begun": self._begun}
        values["signature"] = self._signed_head(lines, mac, self._begun)
        write_private(self.head, json.dumps(values) + "\n")

    def _tampered(self, what: str) -> JournalCopyError:
        message = f"{self.path} is not what was written here: {what}."
        why = "It was changed by hand, is of another folder, or its key was replaced. Nothing in it was followed."
        todo = f"Keep it, and find out why. Move it and {HEAD} away to read the journal of the database alone."
        return JournalCopyError(f"{message} {why} {todo}")

    def add(self, *entries: JournalEntry) -> None:
        """Add entries; on disk when this returns.

        Raises
        ------
        JournalCopyError
            They could not be written, or the lines before them are not what was written.
        """
        if not entries:
            return
        with self._locked() as file:
            self._read_on()
            self._must_have_head()
            digest = self._last_digest()
            for entry in entries:
                text = entry.line().encode()
                digest = self._mac(text, after=digest)
                file.write(_sealed(text, digest))
            file.flush()
            os.fsync(file.fileno())
            self._read_on()  # only what the disk took counts: it may be full
            self._write_head()

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        try:
            with open_private(self.path, "ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                text = file.read()
                file.truncate(text.rfind(b"\n") + 1)  # what a killed process left unfinished
                file.seek(0, os.SEEK_END)
                yield file
        except OSError as error:
            message = f"{self.path} could not be written: {error.strerror}. No action begins without its entry."
            raise JournalCopyError(f"{message} Make room or mend the rights, then run again.") from error


def _sealed(line: bytes, mac: str) -> bytes:
    return line.removesuffix(b"}\n") + f', "mac": "{mac}"}}\n'.encode()


def _parted(line: bytes) -> tuple[bytes, str]:
    """Return a line without its digest, and the digest; a line of version 0.1 has none."""
    found = _MAC.search(line)
    return (line[: found.start()] + b"}\n", found[1].decode()) if found else (line, "")
