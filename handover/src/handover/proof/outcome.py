"""What a group of proofs found: how much it compared, and what differed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from handover.finding import Finding


@dataclass(frozen=True)
class Failure:
    """One failure: something that is not as it must be, with the lines that show it again.

    Attributes
    ----------
    finding
        Code, place, what is, what was expected, what to do; ``hurts`` names the system that suffers. The contract can
        accept it with a reason.
    reproduce
        The lines that show it again, for a person to paste into each system's shell.
    caused_by
        The system whose write caused it, if a write did.
    """

    finding: Finding
    reproduce: tuple[str, ...] = ()
    caused_by: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What one group found.

    Attributes
    ----------
    group
        The name of the group, for example ``concurrent-writes``.
    counts
        What was compared and how often, for example ``{"rows": 412, "fields": 3800}``. A count of zero is a failure:
        what was not looked at is not green.
    failures
        What differed, the smallest example of each.
    notes
        What a reader should know; nothing has to be done about it.
    figures
        Measurements for the evidence, for example seconds or operations a second.
    nothing
        Why there was nothing to compare, in a sentence; empty when there was something. A group that cannot know this
        for sure also reports a failure, which the contract can accept.
    """

    group: str
    counts: Mapping[str, int]
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    nothing: str = ""

    @property
    def empty(self) -> tuple[str, ...]:
        """The names of the counts that are zero; for a group without counts, its own name."""
        if self.nothing:
            return ()
        return tuple(name for name, count in self.counts.items() if count == 0) or (
            () if self.counts else (self.group,)
        )
