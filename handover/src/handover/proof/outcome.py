"""What a group of proofs found: how much it compared, and what differed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from handover.finding import Finding


@dataclass(frozen=True)
class Failure:
    """Something that is not as it must be, with the way to see it again.

    Attributes
    ----------
    finding
        Code, place, what is, what was expected, what to do; ``hurts`` names the system that suffers. The contract may
        accept it with a reason.
    reproduce
        The lines that show it again, for a person to paste into each system's shell.
    caused_by
        The system whose write caused it, when one did.
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
        Its name, for example ``concurrent-writes``.
    counts
        What was compared and how often, for example ``{"rows": 412, "fields": 3800}``. A count of zero is a failure:
        what was not looked at is not green.
    failures
        What differed, the smallest example of each.
    notes
        What a reader should know and nobody has to mend.
    figures
        Measurements for the evidence, for example seconds or operations a second.
    nothing
        Why there was nothing to look at, in a sentence; empty when there was something. A group that cannot know
        whether there is something tells a failure, too, which the contract may accept.
    """

    group: str
    counts: Mapping[str, int]
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)
    nothing: str = ""

    @property
    def empty(self) -> tuple[str, ...]:
        """Return the names of the counts that are zero; of a group that counted nothing, its own name."""
        if self.nothing:
            return ()
        return tuple(name for name, count in self.counts.items() if count == 0) or (
            () if self.counts else (self.group,)
        )
