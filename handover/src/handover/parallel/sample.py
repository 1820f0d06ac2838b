"""One thing that was measured once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from handover.config.parallel import Place


@dataclass(frozen=True)
class Sample:
    """A measurement.

    Attributes
    ----------
    at
        When, by this machine's clock, in UTC.
    system
        What it is about.
    metric
        What was measured; its unit ends the name (``_ms``, ``_s``), shares and counts have none.
    value
        None: nobody could measure it. Of a request: how long the answer took, None without one.
    ok
        Whether the thing itself was as it must be.
    reason
        Why not.
    """

    at: datetime
    system: Place
    metric: str
    value: float | None
    ok: bool = True
    reason: str = ""


def measured(system: Place, metric: str, value: float, *, ok: bool = True, reason: str = "") -> Sample:
    """Return what was measured just now."""
    return Sample(datetime.now(UTC), system, metric, value, ok, reason)


def unmeasured(system: Place, metric: str, reason: str) -> Sample:
    """Return that something could not be measured just now."""
    return Sample(datetime.now(UTC), system, metric, None, ok=False, reason=reason)
