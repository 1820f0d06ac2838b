"""What a balancer must be able to do: say and change the share of people, and count what is open."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from handover.config.config import Config
from handover.errors import HandoverError
from handover.side import Side


class BalancerError(HandoverError):
    """A balancer failed, did not answer, or answered something that is not understood."""

    code = "HO621"


@dataclass(frozen=True)
class HeldShare:
    """What one balancer holds.

    Attributes
    ----------
    balancer
        Its name for people.
    backend_pct
        How many percent of people it sends to the backend; None when it does not say.
    said
        What it says of itself, in words; or why it says nothing.
    rest
        What else it holds that a plan depends on, such as the addresses of the systems.
    unwell
        Sides that it sends no request to because they do not answer it.
    """

    balancer: str
    backend_pct: float | None
    said: str
    rest: str = ""
    unwell: tuple[Side, ...] = ()

    def __str__(self) -> str:
        return f"{self.balancer}: {self.said}"


class Balancer(ABC):
    """The balancers of one pair. ``rehearsal`` means the second place, where no people are."""

    def __init__(self, config: Config, *, rehearsal: bool = False) -> None:
        self.config, self.rehearsal = config, rehearsal

    @property
    def url(self) -> str:
        """Where people, or a rehearsal, reach it."""
        return str(self.config.switch.url).rstrip("/")

    @property
    def place(self) -> str:
        """What is changed, for people."""
        return ", ".join(self.names())

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Return the name of each balancer."""

    @abstractmethod
    def held(self) -> list[HeldShare]:
        """Return what each balancer holds; one that does not answer is part of it, with the reason."""

    @abstractmethod
    def send(self, backend_pct: int, at_point: Callable[[str], None]) -> Mapping[str, Any]:
        """Send a share of people to the backend, at every balancer; return what the journal keeps.

        Doing it twice has the same effect as doing it once. At no moment is there no system to send people to.

        Raises
        ------
        BalancerError
            A balancer could not be changed; the others were.
        """

    def open_at(self, side: Side) -> int | None:
        """Return how many requests and long connections a side holds; None when that is not known."""
        del side
        return None

    def close_at(self, side: Side) -> None:
        """End the connections that a side holds.

        Raises
        ------
        BalancerError
            They cannot be ended.
        """
        message = f"{self.place} cannot end the connections of the {side}."
        raise BalancerError(f'{message} They end by themselves; leave it so: [switch] at_drain_limit = "leave"')

    def rehearsed(self) -> "Balancer | None":
        """Return the second place, where no people are; None when none is declared."""
        return None

    def warnings(self) -> tuple[str, ...]:
        """Return what could undo a switch, or surprise people."""
        return ()
