"""Where two forms of one entry differ, short enough to read at once."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

AT_MOST, BEFORE = 60, 15
ABSENT = object()


def differing(path: str, stored: Any, copied: Any) -> Iterator[str]:
    """Yield each field that differs, by its path, with both values.

    Parameters
    ----------
    path
        Where both values stand in the entry.
    stored, copied
        The value in the database, and in the copy.

    Examples
    --------
    >>> list(differing("body", {"to": {"ttl_s": 30}, "a": 1}, {"to": {"ttl_s": 60}, "a": 1}))
    ['body.to.ttl_s is 30 in the database and 60 in the copy']
    """
    if isinstance(stored, dict) and isinstance(copied, dict):
        for name in sorted({*stored, *copied}):
            yield from differing(f"{path}.{name}", stored.get(name, ABSENT), copied.get(name, ABSENT))
    elif isinstance(stored, list) and isinstance(copied, list) and len(stored) == len(copied):
        for number, both in enumerate(zip(stored, copied, strict=True)):
            yield from differing(f"{path}[{number}]", *both)
    elif stored != copied:
        mine, theirs = ("absent" if one is ABSENT else repr(one) for one in (stored, copied))
        first = max(_alike(mine, theirs) - BEFORE, 0)
        yield f"{path} is {_short(mine, first)} in the database and {_short(theirs, first)} in the copy"


def _alike(mine: str, theirs: str) -> int:
    """Return how many characters two texts have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(mine, theirs, strict=False)))


def _short(text: str, first: int) -> str:
    """Return a text, or the part of a long one where it differs."""
    if len(text) <= AT_MOST:
        return text
    end = first + AT_MOST
    return f"{'…' if first else ''}{text[first:end]}{'…' if end < len(text) else ''}"
