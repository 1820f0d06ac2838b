"""The groups of proofs, one module each; its function ``prove(target, recorder)`` returns one outcome or several."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from handover.journal.evidence import Recorder
from handover.proof.outcome import Outcome
from handover.proof.target import ProofTarget

ProveGroup = Callable[[ProofTarget, Recorder], Outcome | tuple[Outcome, ...]]


@dataclass(frozen=True)
class Group:
    """A group of proofs that can be run by its name.

    Attributes
    ----------
    name
        Its name for ``--group``.
    outcomes
        Names of its outcomes; most groups have one outcome of the same name.
    titles
        What each outcome shows, in the words of the strategy.
    reads
        Whether it can also run where nothing may be written.
    """

    name: str
    outcomes: tuple[str, ...]
    titles: tuple[str, ...]
    reads: bool = False

    def load(self) -> ProveGroup:
        """Import the group and return its function."""
        module = import_module(f"handover.proof.groups.{self.name.replace('-', '_')}")
        prove: ProveGroup = module.prove
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
