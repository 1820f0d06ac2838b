"""A finding: one difference between what is and what was expected."""

from dataclasses import dataclass
from typing import Literal

from handover.side import Side
from handover.wording import one_line

Severity = Literal["breaking", "risky", "safe", "unseen"]
Hurts = Side | Literal["both"]


@dataclass(frozen=True, kw_only=True)
class SharedCause:
    """What several findings have in common; they are shown as one, see :func:`handover.check.merging.by_cause`.

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
class Observation:
    """What a rule or a question saw; with the code of the rule it is a :class:`Finding`.

    Attributes
    ----------
    where
        Dotted name of the thing, for example ``orders.customer_id``.
    found
        What is; a clause that ``where`` is the subject of.
    expected
        What was expected, or what follows; may be empty.
    todo
        What to do about it.
    severity
        ``breaking``: one system fails or loses data. ``risky``: it may. ``safe``: worth knowing, nothing to do.
        ``unseen``: it could not be looked at, so it is not known to be clean.
    hurts
        Which system suffers.
    parts
        The things that it is about, when one cause touches several; a table shows the first few.
    cause
        What it has in common with other findings.
    """

    where: str
    found: str
    expected: str
    todo: str
    severity: Severity = "breaking"
    hurts: Hurts = Side.BACKEND
    parts: tuple[str, ...] = ()
    cause: SharedCause | None = None

    @property
    def said(self) -> str:
        """What is, with everything that it is about."""
        return f"{self.found}: {', '.join(self.parts)}" if self.parts else self.found

    @property
    def what(self) -> str:
        """What is and what was expected, one sentence."""
        return f"{self.said}; {self.expected}." if self.expected else f"{self.said}."


@dataclass(frozen=True, kw_only=True)
class Finding(Observation):
    """One difference between what is and what was expected, with its code.

    Attributes
    ----------
    code
        Stable identifier, ``HO`` and three digits; :data:`handover.codes.CODES` knows each.
    """

    code: str

    def __str__(self) -> str:
        todo = "\n       ".join(self.todo.splitlines())
        return f"{self.code}  {one_line(f'{self.where} {self.what}')}\n       {todo}"
