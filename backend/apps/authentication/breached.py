"""Refuse passwords that are known from breaches. Offline: nothing is sent to anyone.

Django ships a list of 20,000 common passwords. A larger list may lie in a file: the SHA-1 hashes of
Have I Been Pwned, ordered by hash, one a line, each with ``:count`` or without. The hashes may be cut to their
beginnings (at least 10 digits) to save room. The file is searched by halves and never read whole.
"""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

MESSAGE = "This password is known from data breaches. Choose another one."
SHORTEST_PREFIX = 10
_LONGEST_LINE = 128


class BreachedPassword:
    """A password validator of Django's; ``hashes`` is the file, if there is one."""

    def __init__(self, hashes: str = "") -> None:
        self.common = CommonPasswordValidator()
        self.hashes = Path(hashes) if hashes else None

    def validate(self, password: str, user: object = None) -> None:  # noqa: ARG002 - Django's signature
        """Raise ValidationError for a password that is in one of the lists."""
        if password.lower().strip() in self.common.passwords or (self.hashes and is_listed(password, self.hashes)):
            raise ValidationError(MESSAGE, code="breached")

    def get_help_text(self) -> str:
        return "Your password must not be one that is known from data breaches."


def is_listed(password: str, hashes: Path) -> bool:
    """Return whether the sorted file holds the SHA-1 of the password, or a beginning of it."""
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    with hashes.open("rb") as file:
        listed = _last_at_or_before(file, wanted)
    return len(listed) >= SHORTEST_PREFIX and wanted.startswith(listed)


def _last_at_or_before(file: BinaryIO, wanted: str) -> str:
    """Return the last hash in the file that does not come after ``wanted``; empty if all do."""
    found, low, high = "", 0, file.seek(0, os.SEEK_END)
    # Invariant: lines that begin before low are at or before wanted, lines that begin at or after high come after it.
    while low < high:
        middle = (low + high) // 2
        begins, line = _line_from(file, middle)
        if begins >= high or not line:
            high = middle
        elif (listed := _hash_in(line)) <= wanted:
            found, low = listed, begins + len(line)
        else:
            high = middle
    return found


def _line_from(file: BinaryIO, place: int) -> tuple[int, bytes]:
    """Return the first line that begins at ``place`` or later, and where it begins."""
    file.seek(max(place - 1, 0))
    begins = place if place == 0 else place - 1 + len(file.readline(_LONGEST_LINE))
    return begins, file.readline(_LONGEST_LINE)


def _hash_in(line: bytes) -> str:
    return line.partition(b":")[0].strip().decode("ascii", "replace").upper()
