"""What the toolkit says when it refuses or fails: what is, what was expected, what to do."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["breaking", "risky", "safe", "unseen"]
Hurts = Literal["original", "backend", "both"]


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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
    hurts: Hurts = "backend"
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


class HandoverError(Exception):
    """The toolkit could not do what was asked."""

    code = "HO000"
    exit_code = 1

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or self.code

    def __str__(self) -> str:
        return f"{self.code}  {super().__str__()}"


class ConfigurationError(HandoverError):
    """``handover.toml`` or the environment does not say what is needed."""

    code = "HO001"
    exit_code = 2


class ProbeError(HandoverError):
    """A system's own interpreter could not answer."""

    code = "HO002"


class RaisedError(ProbeError):
    """A system's own code raised; its last words are in the message."""


class UnseenError(HandoverError):
    """Something could not be looked at, so nothing can be called clean."""

    code = "HO006"


class Refused(HandoverError):  # noqa: N818 - a refusal is an outcome, not a defect
    """A precondition does not hold; nothing was changed.

    Parameters
    ----------
    summary
        What was refused, one sentence.
    findings
        Why, one entry a reason.
    """

    code = "HO003"
    exit_code = 3

    def __init__(self, summary: str, findings: tuple[Finding, ...] = (), *, code: str | None = None) -> None:
        super().__init__("\n".join([summary, *map(str, findings)]), code=code)
        self.findings = findings
