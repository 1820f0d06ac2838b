"""Compares two answers without what always differs.

An answer becomes places with values: the status, the declared headers, and from its body each JSON value, each piece of
a text, or the digest of anything else. A place that differs between two answers of the same system is noise. It is
left out for both systems, and counted; an answer that is only noise was not compared.
"""

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handover.config.parallel import Shadow

TEXT = re.compile(r"^(text/|application/(javascript|xml|xhtml))")
JSON = re.compile(r"^application/([\w.+-]+\+)?json")
PIECES = re.compile(r"(?<=>)|\n")


@dataclass(frozen=True)
class ShadowAnswer:
    """The answer of a system, without its own address."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        """The media type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class ShadowComparison:
    """The comparison of the answers to one request.

    Attributes
    ----------
    different
        Places where the systems differ.
    noise
        Places where one system differs from itself.
    same
        How many places were compared and are the same.
    """

    different: tuple[str, ...]
    noise: tuple[str, ...]
    same: int


def compare(one: Sequence[ShadowAnswer], other: Sequence[ShadowAnswer], shadow: Shadow) -> ShadowComparison:
    """Compare two systems, each of which answered the same request twice.

    Parameters
    ----------
    one, other
        The two answers of each system.
    shadow
        What is compared, and what is left out.
    """
    (first, again), (theirs, theirs_again) = one, other
    noise = [place for a, b in ((first, again), (theirs, theirs_again)) for place in _places_apart(a, b, shadow)]
    quiet = set(noise)
    here, there = _head(first, shadow), _head(theirs, shadow)
    if first.type == theirs.type and not JSON.match(first.type) and TEXT.match(first.type):
        apart, same = _texts((first, again), (theirs, theirs_again), shadow)
    else:
        here, there = here | _body(first, shadow), there | _body(theirs, shadow)
        apart, same = [], 0
    places = sorted((here.keys() | there.keys()) - quiet)
    different = [place for place in places if here.get(place) != there.get(place)]
    body = [place for place in places if place not in different and not place.startswith(("status", "header "))]
    return ShadowComparison((*different, *apart), tuple(dict.fromkeys(noise)), same + len(body))


def _places_apart(one: ShadowAnswer, other: ShadowAnswer, shadow: Shadow) -> Iterator[str]:
    here, there = _head(one, shadow), _head(other, shadow)
    if TEXT.match(one.type):
        a, b = _pieces(one, shadow), _pieces(other, shadow)
        yield from (f"text piece {block.a + block.size + 1}" for block in _matching(a, b)[:-1] if a != b)
        if a != b and len(_matching(a, b)) == 1:
            yield "text"
    else:
        here, there = here | _body(one, shadow), there | _body(other, shadow)
    yield from (place for place in sorted(here.keys() | there.keys()) if here.get(place) != there.get(place))


def _head(answer: ShadowAnswer, shadow: Shadow) -> dict[str, str]:
    headers = {f"header {name}": answer.headers.get(name, "") for name in shadow.headers}
    return {"status": str(answer.status), **headers}


def _body(answer: ShadowAnswer, shadow: Shadow) -> dict[str, str]:
    if JSON.match(answer.type):
        try:
            return dict(_values(json.loads(answer.body), "", shadow))
        except ValueError:
            return {"json": "not valid"}
    return {"body": hashlib.sha256(answer.body).hexdigest()}


def _values(value: Any, place: str, shadow: Shadow) -> Iterator[tuple[str, str]]:
    if any(_fits(place, pattern) for pattern in shadow.ignore_json):
        return
    if isinstance(value, list) and any(_fits(place, pattern) for pattern in shadow.unordered):
        value = sorted(value, key=lambda one: json.dumps(one, sort_keys=True))
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield f"json {place}", json.dumps(value)
        return
    # An empty container is a value, too; and a longer list differs in its length.
    yield f"json {place}", f"{type(value).__name__} of {len(value)}"
    for key, one in items:
        yield from _values(one, f"{place}.{key}" if place else str(key), shadow)


def _fits(place: str, pattern: str) -> bool:
    parts, wanted = place.split("."), pattern.split(".")
    return len(parts) == len(wanted) and all(w in ("*", p) for p, w in zip(parts, wanted, strict=True))


def _texts(one: Sequence[ShadowAnswer], other: Sequence[ShadowAnswer], shadow: Shadow) -> tuple[list[str], int]:
    """Compare the pieces that each system repeats; return where they differ, and how many are the same."""
    here, there = (_steady(answers, shadow) for answers in (one, other))
    blocks = _matching(here, there)
    same = sum(block.size for block in blocks)
    if here == there:
        return [], same
    at = blocks[0].size if blocks[0].a == blocks[0].b == 0 else 0
    return [f"text piece {at + 1} of {len(here)}"], same


def _steady(answers: Sequence[ShadowAnswer], shadow: Shadow) -> list[str]:
    first, again = (_pieces(answer, shadow) for answer in answers)
    return [piece for block in _matching(first, again) for piece in first[block.a : block.a + block.size]]


def _pieces(answer: ShadowAnswer, shadow: Shadow) -> list[str]:
    text = answer.body.decode(errors="replace")
    for pattern in shadow.ignore_text:
        text = re.sub(pattern, "", text)
    return [piece for part in PIECES.split(text) if (piece := " ".join(part.split()))]


def _matching(one: list[str], other: list[str]) -> list[difflib.Match]:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
