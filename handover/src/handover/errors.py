"""What the toolkit says when it refuses or fails: what is, what was expected, what to do."""

from handover.finding import Finding


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
