"""A finding: one difference between what is and what was expected."""

from dataclasses import dataclass
from typing import Literal

from handover.side import Side

Severity = Literal["breaking", "risky", "safe", "unseen"]
Hurts = Side | Literal["both"]


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What several findings have in common, so that they are told as one; see :func:`handover.check.merging.by_cause`.

    Attributes
    ----------
    where, found, expected
        As of the one finding that stands for them.
    part
        What the single finding is about, in the list of all.
    todo
        What mends all of them; empty: what mends each, one after another.
    """

    where: str
    found: str
    expected: str
    part: str
    todo: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference between what is and what was expected.

    Attributes
    ----------
    code
        Stable identifier, ``HO`` and three digits.
    where
        Dotted name of the thing, for example ``choreography_tasks.task_id``.
    found
        What is; a clause that ``where`` is the subject of.
    expected
        What was expected, or what follows; may be empty.
    todo
        What to do about it.
    severity
        ``breaking``: one system fails or loses data. ``risky``: it may. ``safe``: worth knowing, nothing to do.
        ``unseen``: nobody could look, so nobody may call it clean.
    hurts
        Which system suffers.
    parts
        What it is about, one by one, when one cause touches several things; a table shows the first few.
    of
        What it has in common with others.
    """

    code: str
    where: str
    found: str
    expected: str
    todo: str
    severity: Severity = "breaking"
    hurts: Hurts = Side.BACKEND
    parts: tuple[str, ...] = ()
    of: Cause | None = None

    @property
    def said(self) -> str:
        """What is, with everything that it is about."""
        return f"{self.found}: {', '.join(self.parts)}" if self.parts else self.found

    @property
    def what(self) -> str:
        """What is and what was expected, one sentence."""
        return f"{self.said}; {self.expected}." if self.expected else f"{self.said}."

    def __str__(self) -> str:
        return f"{self.code}  {self.where} {self.what}\n       {self.todo}"
