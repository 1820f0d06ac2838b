"""The errors of the toolkit. A message says what is, what was expected, and what to do."""

from handover.finding import Finding


class HandoverError(Exception):
    """The toolkit could not do what was asked.

    Attributes
    ----------
    code
        Stable; ``docs/reference`` explains each.
    exit_code
        The exit code of a command that ends with this error.
    """

    code = "HO000"
    exit_code = 1

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code or self.code

    def __str__(self) -> str:
        return f"{self.code}  {super().__str__()}"


class ConfigurationError(HandoverError):
    """``handover.toml``, the environment or an option lacks a value, or has a wrong one."""

    code = "HO001"
    exit_code = 2


class MissingExtraError(HandoverError):
    """A package that only some commands need is not installed."""

    code = "HO008"
    exit_code = 2


class ProbeError(HandoverError):
    """A system's own interpreter could not answer."""

    code = "HO002"


class RaisedError(ProbeError):
    """A system's own code raised; its last words are in the message."""


class UnseenError(HandoverError):
    """Something could not be checked, so the result cannot be clean."""

    code = "HO006"


class Refused(HandoverError):  # noqa: N818 - a refusal is an outcome, not a defect
    """A precondition does not hold; nothing was changed.

    Parameters
    ----------
    summary
        What was refused, one sentence.
    findings
        The reasons, one finding each.
    """

    code = "HO003"
    exit_code = 3

    def __init__(self, summary: str, findings: tuple[Finding, ...] = (), *, code: str | None = None) -> None:
        super().__init__("\n".join([summary, *map(str, findings)]), code=code)
        self.findings = findings
