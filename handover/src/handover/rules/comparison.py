"""What two paired models say otherwise, as an observation."""

from collections.abc import Iterator

from handover.finding import Hurts, Observation, Severity
from handover.schema.subject import Pair, Subject
from handover.wording import differing_parts

COPY = "Write it in the backend's model as in the original's."


def differs(
    where: str, original: object, backend: object, severity: Severity = "breaking", hurts: Hurts = "both"
) -> Observation:
    """Return that the backend has it otherwise than the original; of long texts only where they differ.

    Parameters
    ----------
    where
        The place.
    original, backend
        What each system has there.
    severity, hurts
        How bad the difference is, and for which system.
    """
    ours, theirs = differing_parts(str(backend), str(original))
    return Observation(
        where=where,
        found=f"is {ours} in the backend",
        expected=f"the original has {theirs}",
        todo=COPY,
        severity=severity,
        hurts=hurts,
    )


def compared_pairs(subject: Subject) -> Iterator[Pair]:
    """Yield the pairs that people wrote; the tables of many-to-many fields are made by Django."""
    return (pair for pair in subject.pairs if not pair.automatic)
