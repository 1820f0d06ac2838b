"""Settings of both systems side by side."""

from collections.abc import Iterator
from typing import TypeVar

from handover.finding import Hurts, Observation, Severity
from handover.schema.models import Settings
from handover.schema.subject import Subject
from handover.side import Side

T = TypeVar("T")
SAME = "Give both systems the same value."


def both_settings(subject: Subject) -> Iterator[tuple[Settings, Settings]]:
    """Yield the settings of the original and of the backend, if both systems start."""
    if subject.both:
        original, backend = subject.both
        yield original.description.settings, backend.description.settings


def setting_differs(
    name: str, values: tuple[object, object], effect: str,
    severity: Severity = "breaking", hurts: Hurts = "both",
) -> Observation:  # fmt: skip
    """Return that a setting differs, and what follows.

    Parameters
    ----------
    name
        The setting.
    values
        Its value in each system.
    effect
        What the difference does.
    severity, hurts
        How bad the difference is, and for which system.
    """
    found = f"is {shown(values[1])} in the backend"
    return Observation(
        where=name,
        found=found,
        expected=f"the original has {shown(values[0])}: {effect}",
        todo=SAME,
        severity=severity,
        hurts=hurts,
    )


def both_ways(original: T, backend: T) -> Iterator[tuple[Hurts, T, T]]:
    """Yield each system with what belongs to it and what belongs to the other."""
    yield Side.ORIGINAL, original, backend
    yield Side.BACKEND, backend, original


def shown(value: object) -> str:
    """Return a value for people; a list with commas."""
    return ", ".join(map(str, value)) or "nothing" if isinstance(value, list | tuple) else str(value)
