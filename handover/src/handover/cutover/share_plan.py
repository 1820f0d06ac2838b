"""The plan of a switch by steps: which balancer, which shares of people, and what is looked at after each."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SharePlan:
    """What a switch to the backend changes.

    Attributes
    ----------
    way
        Its name in ``[switch] way``.
    balancers
        Which balancers change, by name.
    steps
        How many percent of people reach the backend after each step.
    held
        What each balancer holds now, a line each.
    rest
        A digest of what else the balancers hold; the plan is void when that changes.
    url, told_by
        Where samples ask, and how an answer tells which system gave it.
    windows, wait_s, on_red
        How many green windows each step needs, how long they are waited for, and what a red one leads to.
    drain_s
        How long open connections are followed, in seconds.
    warnings
        What could undo the switch, or surprise people.
    """

    way: str
    balancers: tuple[str, ...]
    steps: tuple[int, ...]
    held: tuple[str, ...]
    rest: str
    url: str
    told_by: str
    windows: int
    wait_s: float
    on_red: str
    drain_s: float
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return everything, as a plan's file holds it."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "SharePlan":
        """Return the plan that a file or the journal holds.

        Raises
        ------
        KeyError, TypeError
            It is no such plan.
        """
        kept = [(field.name, values[field.name]) for field in fields(cls)]
        facts: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept}
        return cls(**facts)
