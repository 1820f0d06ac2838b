"""The answer of a system to a step, compared with what the step expects."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import httpx

from handover.config.journey import JourneyStep
from handover.config.templates import AbsentError, at, filled

SHOWN = 80


class StepAnswer:
    """The answer to one step."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.status = response.status_code

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None if it is not JSON."""
        try:
            return json.loads(self.response.content)
        except ValueError:
            return None

    def found(self, source: str) -> Any:
        """Return the value at a JSON path, of a header (``header:NAME``) or in a text (``text:REGULAR EXPRESSION``).

        Raises
        ------
        AbsentError
            Nothing is there.
        """
        kind, colon, rest = source.partition(":")
        if colon and kind == "header":
            if rest not in self.response.headers:
                raise AbsentError(source)
            return self.response.headers[rest]
        if colon and kind == "text":
            if not (match := re.search(rest, self.response.text)):
                raise AbsentError(source)
            return html.unescape(match[1])
        return at(self.json, source)

    def ended(self, until: Mapping[str, Sequence[Any]]) -> bool:
        """Say whether one of these paths has one of its values."""
        return any(self._has(path, values) for path, values in until.items())

    def _has(self, path: str, values: Sequence[Any]) -> bool:
        try:
            return self.found(path) in values
        except AbsentError:
            return False

    def shown(self, path: str) -> str:
        """Return the value at a path for people to read."""
        try:
            return repr(self.found(path))[:SHOWN]
        except AbsentError:
            return "not there"

    def saved(self, sources: Mapping[str, str]) -> dict[str, Any]:
        """Return the variables that a step saves; :func:`check` found them before."""
        return {name: self.found(source) for name, source in sources.items()}


def check(step: JourneyStep, answer: StepAnswer, known: Mapping[str, Any], kept: Mapping[str, bytes]) -> str | None:
    """Return what is wrong with an answer and what was expected, or None.

    Parameters
    ----------
    step, answer
        The step, and the answer to it.
    known, kept
        Variables and bodies of earlier steps, by name.
    """
    if answer.status not in step.statuses:
        return f"answered {answer.status}; {' or '.join(map(str, step.statuses))} was expected"
    content_type = answer.response.headers.get("Content-Type", "none")
    if step.type is not None and not content_type.startswith(step.type):
        return f"has Content-Type {content_type}; {step.type} was expected"
    return (
        _range(step, answer)
        or _values(step, answer, known)
        or _text(step, answer, known)
        or _body(step, answer, kept)
        or next((f"has nothing at {s} to be saved" for s in step.save.values() if not _is_there(answer, s)), None)
    )


def _range(step: JourneyStep, answer: StepAnswer) -> str | None:
    if step.range is None or answer.status != httpx.codes.PARTIAL_CONTENT:
        return None
    first, last = step.range
    said, length = answer.response.headers.get("Content-Range", "none"), len(answer.response.content)
    if not said.startswith(f"bytes {first}-{last}/") or length != last - first + 1:
        return f"sent {length} bytes with Content-Range {said}; bytes {first} to {last} were expected"
    return None


def _values(step: JourneyStep, answer: StepAnswer, known: Mapping[str, Any]) -> str | None:
    for path in (*step.has, *step.expect):
        if not _is_there(answer, path):
            what = "" if answer.json is not None else " (the body is no JSON)"
            return f"has nothing at {path}{what}; it must be there"
    for path, wanted in filled(step.expect, known).items():
        if not _same(answer.found(path), wanted):
            return f"has {answer.shown(path)} at {path}; {wanted!r} was expected"
    return None


def _same(one: Any, other: Any) -> bool:
    """Compare two values; 1 is not true."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _text(step: JourneyStep, answer: StepAnswer, known: Mapping[str, Any]) -> str | None:
    if step.contains is not None and str(filled(step.contains, known)) not in answer.response.text:
        return f"does not hold {step.contains!r}; it must"
    if step.lacks is not None and str(filled(step.lacks, known)) in answer.response.text:
        return f"holds {step.lacks!r}; it must not"
    return None


def _body(step: JourneyStep, answer: StepAnswer, kept: Mapping[str, bytes]) -> str | None:
    if step.same_as is None:
        return None
    wanted = kept[step.same_as]
    if step.range and answer.status == httpx.codes.PARTIAL_CONTENT:
        wanted = wanted[step.range[0] : step.range[1] + 1]
    if answer.response.content != wanted:
        got = len(answer.response.content)
        return f"sent {got} bytes that are not those of {step.same_as!r}, which has {len(wanted)} here"
    return None


def _is_there(answer: StepAnswer, source: str) -> bool:
    try:
        answer.found(source)
    except AbsentError:
        return False
    return True
