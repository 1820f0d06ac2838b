"""A sample: one metric, measured once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from handover.config.parallel import SideOrBoth


@dataclass(frozen=True)
class Sample:
    """A measurement.

    Attributes
    ----------
    at
        The time by this machine's clock, in UTC.
    system
        The system that it is about, or ``both``.
    metric
        What was measured; its unit ends the name (``_ms``, ``_s``), shares and counts have none.
    value
        None when it could not be measured. For a request: how long the answer took, None without an answer.
    ok
        Whether the measured thing was as it must be.
    reason
        Why it was not.
    """

    at: datetime
    system: SideOrBoth
    metric: str
    value: float | None
    ok: bool = True
    reason: str = ""


def measured(system: SideOrBoth, metric: str, value: float, *, ok: bool = True, reason: str = "") -> Sample:
    """Return a sample that was measured just now.

    Parameters
    ----------
    system, metric, value, ok, reason
        As in :class:`Sample`.
    """
    return Sample(datetime.now(UTC), system, metric, value, ok, reason)


def unmeasured(system: SideOrBoth, metric: str, reason: str) -> Sample:
    """Return a sample that could not be measured just now.

    Parameters
    ----------
    system, metric, reason
        As in :class:`Sample`.
    """
    return Sample(datetime.now(UTC), system, metric, None, ok=False, reason=reason)
