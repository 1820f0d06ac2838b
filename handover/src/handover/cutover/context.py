"""What a command acts with: this process is registered, the journal is open, the lease is held."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from handover.config.config import Config, Dns
from handover.cutover import provider
from handover.cutover.plan import CutoverPlan
from handover.cutover.position import Position, position_of
from handover.errors import Refused
from handover.journal.journal import Journal, JournalError, opened
from handover.journal.lease import Lease, held
from handover.journal.processes import registered


@dataclass
class RunContext:
    """What an action needs.

    Attributes
    ----------
    config, journal, lease
        The pair, its journal, the right to act.
    say
        Receives a line of progress.
    confirm
        Asks a person about one step that cannot be taken back.
    at_point
        Called with the name of each point at which a crash could happen.
    facts
        What the command was given, as the journal keeps it; the same again when the command is resumed.
    """

    config: Config
    journal: Journal
    lease: Lease
    say: Callable[[str], None]
    confirm: Callable[[str], bool] = lambda _: False
    at_point: Callable[[str], None] = lambda _: None
    facts: Mapping[str, Any] = field(default_factory=dict)

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
        """Return how far the handover is."""
        return position_of(self.journal.entries())


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
    with registered(config.root, command), opened(config, copy_alone=copy_alone) as journal:
        if copy_alone:
            require_copy(journal)
        else:
            journal.connection()
        with held(config, command, copy_alone=copy_alone) as lease:
            yield RunContext(config, journal, lease, say, at_point=at_point)


def require_copy(journal: Journal) -> None:
    """Raise unless this machine has a copy of the journal, and its database is really down.

    Raises
    ------
    Refused
        There is no copy, or the database answers.
    """
    if not journal.copy.entries():
        message = f"{journal.copy.path} is not there or empty, so the state of the handover is unknown here."
        raise Refused(f"{message} Run on the machine that began it.", code="HO508")
    try:
        with opened(journal.config) as other:
            other.connection()
    except (JournalError, Refused):
        return
    message = (
        "the journal's database answers, so the copy alone is not enough: another operator may have written there."
    )
    raise Refused(f"{message} Leave --copy-alone out.", code="HO508")
