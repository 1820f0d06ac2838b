"""A finding that forbids the start of an evolution."""

from handover.finding import Finding


def against(code: str, where: str, found: str, expected: str, todo: str) -> Finding:
    """Return a finding that forbids the start.

    Parameters
    ----------
    code
        Its code.
    where, found, expected, todo
        As :class:`handover.finding.Observation` has them.
    """
    return Finding(code=code, where=where, found=found, expected=expected, todo=todo, severity="breaking", hurts="both")
