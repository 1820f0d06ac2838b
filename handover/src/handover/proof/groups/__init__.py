"""One module a group; each has a function ``prove(venue, recorder)`` that gives its outcome, or its outcomes."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from handover.journal.evidence import Recorder
from handover.proof.outcome import Outcome
from handover.proof.venue import Venue

Prove = Callable[[Venue, Recorder], Outcome | tuple[Outcome, ...]]


@dataclass(frozen=True)
class Group:
    """A group of proofs that can be run by its name.

    Attributes
    ----------
    name
        As ``--group`` takes it.
    outcomes
        What it gives: of most groups one outcome of the same name.
    titles
        What each shows, in the words of the strategy.
    reads
        Whether it can also run where nothing may be written.
    """

    name: str
    outcomes: tuple[str, ...]
    titles: tuple[str, ...]
    reads: bool = False

    def load(self) -> Prove:
        """Return its function; a group is imported only when it is run."""
        module = import_module(f"handover.proof.groups.{self.name.replace('-', '_')}")
        prove: Prove = module.prove
        return prove


GROUPS = (
    Group(
        "read-across",
        ("backend-reads-original", "original-reads-backend"),
        ("1. The backend reads the original's data", "2. The original reads the backend's data"),
        reads=True,
    ),
    Group("concurrent-writes", ("concurrent-writes",), ("3. Concurrent writes",)),
    Group("search", ("search",), ("4. Search",), reads=True),
    Group("storage", ("storage",), ("5. Storage",)),
    Group("identity", ("identity",), ("One login, two systems",)),
    Group("flows", ("flows",), ("Journeys of a user",)),
)
