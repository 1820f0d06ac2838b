"""What a command of the move acts with: besides the journal and the lease, the record and the reviewed plan."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from handover.config.config import Config, Dns
from handover.cutover import provider
from handover.cutover.plan import CutoverPlan
from handover.cutover.position import Position, position_of
from handover.cutover.states import transition
from handover.runs.context import ActingContext, acting
from handover.runs.states import Transition


@dataclass
class RunContext(ActingContext[Position]):
    """What an action of the move needs."""

    @property
    def dns(self) -> Dns:
        """The section ``[dns]`` with all that a switch needs."""
        return provider.require(self.config)

    @property
    def record(self) -> str:
        """The record that is moved: the one people use, or the rehearsal's."""
        return str(self.facts.get("record", self.dns.record))

    @property
    def plan(self) -> CutoverPlan | None:
        """The reviewed plan that the command was given; None for a command without one."""
        kept = self.facts.get("plan")
        return CutoverPlan.from_json(kept) if kept else None

    def position(self) -> Position:
        """Return how far the move is."""
        return position_of(self.journal.entries())

    def transition(self, command: str, state: str) -> Transition:
        """Return where a command leads from a state; see :func:`handover.cutover.states.transition`."""
        return transition(command, state)


@contextmanager
def open_context(
    config: Config,
    command: str,
    *,
    say: Callable[[str], None],
    copy_alone: bool = False,
    at_point: Callable[[str], None] = lambda _: None,
) -> Iterator[RunContext]:
    """Give a command what it needs to act, and hold the lease while the block runs.

    Parameters
    ----------
    config, command
        The pair, and the command's name for other operators to read.
    say
        Receives a line of progress.
    copy_alone
        The journal's database is down: use this machine's copy.
    at_point
        See :class:`RunContext`.

    Raises
    ------
    Refused
        Another operator holds the lease, or there is no journal.
    JournalError
        The database does not answer, and ``copy_alone`` was not chosen.
    """
    with acting(config, command, copy_alone=copy_alone) as (journal, lease):
        yield RunContext(config, journal, lease, say, at_point=at_point)
