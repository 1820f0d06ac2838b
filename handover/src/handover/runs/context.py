"""What a command acts with: this process is registered, the journal is open, the lease is held."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic

from handover.config.config import Config
from handover.errors import Refused
from handover.journal.entry import STREAM
from handover.journal.journal import Journal, JournalError, opened
from handover.journal.lease import Lease, held
from handover.journal.processes import registered
from handover.runs.position import AnyPosition
from handover.runs.states import Transition


@dataclass
class ActingContext(ABC, Generic[AnyPosition]):
    """What an action needs, whatever it is about.

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
    def stream(self) -> str:
        """The stream of its entries; empty for the move itself."""
        return ""

    @abstractmethod
    def position(self) -> AnyPosition:
        """Return how far the stream is."""

    @abstractmethod
    def transition(self, command: str, state: str) -> Transition:
        """Return where a command leads from a state.

        Raises
        ------
        Refused
            The state does not allow it.
        """

    def add(self, kind: str, body: Mapping[str, Any], *, after_the_fact: bool = False) -> None:
        """Add an entry of its stream to the journal.

        Parameters
        ----------
        kind, body, after_the_fact
            See :meth:`handover.journal.journal.Journal.add`.
        """
        of = {STREAM: self.stream} if self.stream else {}
        self.journal.add(kind, {**of, **body}, after_the_fact=after_the_fact)


@contextmanager
def acting(config: Config, command: str, *, copy_alone: bool = False) -> Iterator[tuple[Journal, Lease]]:
    """Register this process, open the journal, and hold the lease while the block runs.

    Parameters
    ----------
    config, command
        The pair, and the command's name for other operators to read.
    copy_alone
        The journal's database is down: use this machine's copy.

    Raises
    ------
    Refused
        Another operator holds the lease, or there is no journal.
    JournalError
        The database does not answer and ``copy_alone`` was not chosen, or the journal is not as it was written.
    """
    with registered(config.root, command), opened(config, copy_alone=copy_alone) as journal:
        if copy_alone:
            require_copy(journal)
        else:
            journal.require()
        with held(config, command, copy_alone=copy_alone) as lease:
            yield journal, lease


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
