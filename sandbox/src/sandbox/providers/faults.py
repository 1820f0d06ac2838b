"""What a provider does wrong on demand."""

from dataclasses import dataclass


@dataclass
class ProviderFaults:
    """How many of the next requests meet which fault; each counts down as it is met.

    Attributes
    ----------
    spared_writes
        Writes that are well before the faults of writes begin.
    throttled_writes, throttled_reads
        Answered with the provider's refusal of too many requests, and not done.
    failing_writes
        Answered with an error of the provider itself, and not done.
    unsaid_writes
        Done, and answered with an error of the provider itself.
    lost_writes
        Answered as if they were done, and not done.
    stale_reads
        Reads of records that still get what was there before the last write.
    """

    spared_writes: int = 0
    throttled_writes: int = 0
    throttled_reads: int = 0
    failing_writes: int = 0
    unsaid_writes: int = 0
    lost_writes: int = 0
    stale_reads: int = 0

    def meets(self, fault: str) -> bool:
        """Say whether the next request meets a fault, and count it."""
        left: int = getattr(self, fault)
        setattr(self, fault, max(left - 1, 0))
        return left > 0
