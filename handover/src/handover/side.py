"""The two systems of a pair, in the strategy's words."""

from enum import StrEnum
from typing import Protocol, TypeVar

Thing = TypeVar("Thing")
Thing_co = TypeVar("Thing_co", covariant=True)


class OfBoth(Protocol[Thing_co]):
    """Anything that has one thing for each system."""

    @property
    def original(self) -> Thing_co:
        """What belongs to the original."""

    @property
    def backend(self) -> Thing_co:
        """What belongs to the backend."""


class Side(StrEnum):
    """Which system: the original, or the backend that takes over from it. Iterating gives both in this order."""

    ORIGINAL = "original"
    BACKEND = "backend"

    @property
    def other(self) -> "Side":
        """The other system."""
        return Side.BACKEND if self is Side.ORIGINAL else Side.ORIGINAL

    def of(self, both: OfBoth[Thing]) -> Thing:
        """Return what belongs to this side of something that has one for each.

        Examples
        --------
        >>> from types import SimpleNamespace
        >>> Side.BACKEND.of(SimpleNamespace(original="old.example", backend="new.example"))
        'new.example'
        """
        return both.original if self is Side.ORIGINAL else both.backend
