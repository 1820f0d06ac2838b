"""The verdict of one check: what is open, what was accepted, and the exit code that follows."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from handover.check.contract import JudgedFindings
from handover.check.merging import by_cause
from handover.check.run import CheckResult
from handover.finding import Finding
from handover.wording import counted

CLEAN, NOT_LOOKED_AT, FINDINGS = 0, 1, 4


@dataclass(frozen=True)
class Verdict:
    """One check, judged by the contract."""

    result: CheckResult
    judged: JudgedFindings
    seconds: float

    @cached_property
    def open(self) -> tuple[Finding, ...]:
        """What is not accepted, one finding a cause."""
        return by_cause(self.judged.open)

    @cached_property
    def problems(self) -> tuple[Finding, ...]:
        """Open findings that are breaking or risky."""
        return tuple(f for f in self.open if f.severity in ("breaking", "risky"))

    @cached_property
    def unseen(self) -> tuple[Finding, ...]:
        """What could not be looked at."""
        return tuple(f for f in self.open if f.severity == "unseen")

    @cached_property
    def safe(self) -> tuple[Finding, ...]:
        """What is worth knowing."""
        return tuple(f for f in self.open if f.severity == "safe")

    @property
    def exit_code(self) -> int:
        """0 clean, 4 with findings, 1 when something could not be looked at, even if that was accepted."""
        if self.unseen or (self.result.subject.both is None and not self.problems):
            return NOT_LOOKED_AT
        return FINDINGS if self.problems else CLEAN

    @property
    def rows(self) -> int:
        """How many rows the census looked at."""
        return sum(c.rows for c in self.result.compared)

    def summary(self) -> str:
        """Return the verdict in one line."""
        kinds = Counter(f.severity for f in self.open)
        parts = [f"{kinds[kind]} {kind}" for kind in ("breaking", "risky") if kinds[kind]]
        if self.unseen:
            parts.append(f"{counted(len(self.unseen), 'thing')} could not be looked at")
        compared = f"{counted(len(self.result.subject.shared), 'shared table')}, {counted(self.rows, 'row')} compared"
        accepted = f", {len(self.judged.accepted)} accepted in the contract" if self.judged.accepted else ""
        clean = "clean" if self.result.subject.both else "nothing was compared"
        return f"{', '.join(parts) or clean}{accepted}; {compared}, {self.seconds:.1f} s"
