"""What every way to move people must be able to do; the commands of the move are made from it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from handover.config.config import Config
from handover.cutover.context import RunContext
from handover.cutover.plan import CutoverPlan
from handover.cutover.position import Values
from handover.runs.command import Action, Evidence
from handover.side import Side

Actions = tuple[Action[RunContext], ...]


@dataclass(frozen=True)
class Reach:
    """Which system people reach now, as the way itself says.

    Attributes
    ----------
    people
        ``original``, ``backend``, or in words why it is neither.
    held
        What each authority holds: each name server, or each balancer. None for one that does not say.
    answers
        What each of them answered, a line each.
    backend_pct
        How many percent of people reach the backend; None when that is not known.
    """

    people: str
    held: tuple[Values | None, ...]
    answers: tuple[str, ...]
    backend_pct: float | None = None


def deciding(actions: Actions) -> str:
    """Return the name of the action that first changes what people reach; of the last one when none does."""
    return next((action.name for action in actions if action.change), actions[-1].name)


class Way(ABC):
    """One way to move people. ``name`` is its name in ``[switch] way``, ``config`` the pair."""

    name: ClassVar[str]

    def __init__(self, config: Config) -> None:
        self.config = config

    # What holds, and what would change.

    @abstractmethod
    def reach(self) -> Reach:
        """Return which system people reach now; this changes nothing.

        Raises
        ------
        HandoverError
            The way is not declared whole, or does not answer.
        """

    @abstractmethod
    def values(self, side: Side) -> Values:
        """Return what the authorities hold while all people reach a side."""

    @abstractmethod
    def plan(self) -> CutoverPlan:
        """Return the plan of a switch to the backend, as everything is now.

        Raises
        ------
        Refused
            There is nothing to switch, or it is not as it should be before.
        """

    @abstractmethod
    def differing(self, plan: CutoverPlan) -> list[str]:
        """Return in what a plan of this way is for something else than is declared now, in words."""

    @abstractmethod
    def plan_lines(self, plan: CutoverPlan) -> list[str]:
        """Return a plan of this way for people."""

    @abstractmethod
    def previews(self) -> "Previews":
        """Return what each command would do, a sentence each."""

    @abstractmethod
    def told(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what hooks are told of what is changed; ``facts`` are those of the command."""

    # What the commands do.

    @abstractmethod
    def begin_preflight(self, context: RunContext) -> Evidence:
        """See that all people reach the original, and that the way works."""

    @abstractmethod
    def begin(self) -> Actions:
        """Return the actions that prepare a quick switch."""

    @abstractmethod
    def end(self) -> Actions:
        """Return the actions that take back what :meth:`begin` did."""

    @abstractmethod
    def preflight(self, context: RunContext) -> Evidence:
        """See that everything is as the reviewed plan says.

        Raises
        ------
        Refused
            Something has changed since; nothing was applied.
        """

    def back_preflight(self, context: RunContext) -> None:  # noqa: B027 - most ways have nothing to look at
        """See that the way back can be taken, before it begins.

        Raises
        ------
        Refused
            It cannot; nothing was changed.
        """

    @abstractmethod
    def there(self) -> Actions:
        """Return the actions that move people to the backend, and see that they are there."""

    @abstractmethod
    def back(self) -> Actions:
        """Return the actions that move people to the original, and see that they are there."""

    @abstractmethod
    def rehearsed(self, context: RunContext) -> "WayRehearsal":
        """Return how a rollback is rehearsed where no people are.

        Raises
        ------
        ConfigurationError
            No second place is declared.
        """


@dataclass(frozen=True)
class Previews:
    """What ``begin``, ``end``, ``rollback`` and ``rehearse-rollback`` would do, and what ``begin`` did; see `Way`."""

    begin: str
    end: str
    rollback: str
    rehearsal: str


@dataclass(frozen=True)
class WayRehearsal:
    """A rehearsal: ``place`` is where, ``prepare`` brings it to the backend, ``back`` are the timed parts by title."""

    place: str
    prepare: Callable[[RunContext], None]
    back: Mapping[str, Callable[[RunContext], Evidence]]
