"""One system at work: its agent, what it says of itself, and its models by table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from handover.errors import ConfigurationError
from handover.probe.client import Probe
from handover.probe.wire import Wire
from handover.proof.venue import Venue
from handover.schema.models import Description, Field, Model
from handover.side import Side

Request = dict[str, Any]
Row = dict[str, Wire]  # by column


@dataclass(frozen=True)
class Answer:
    """What one request of a batch came to: a value, or the classes and the words of what was raised."""

    value: Any = None
    raised: tuple[str, ...] = ()
    words: str = ""

    @property
    def refusal(self) -> str:
        """The class of what was raised, or nothing."""
        return self.raised[0] if self.raised else ""


@dataclass(frozen=True)
class Actor:
    """A system that acts on the venue's database through its own ORM; made by :func:`actors`.

    Attributes
    ----------
    side
        Which system.
    probe
        Its agent, with the chapter ``act``.
    description
        What it says of itself.
    """

    side: Side
    probe: Probe
    description: Description
    _fields: dict[str, tuple[Field, ...]] = field(default_factory=dict)

    @property
    def other(self) -> Side:
        """The other system."""
        return self.side.other

    def batch(self, *requests: Request) -> list[Answer]:
        """Answer several requests in one round trip; each is a transaction of its own unless one is open."""
        replies = self.probe.ask("batch", requests=requests)
        return [Answer(r.get("ok"), tuple(r.get("raised", ())), r.get("words", "")) for r in replies]

    def one(self, do: str, **arguments: Any) -> Answer:
        """Answer one request."""
        return self.batch({"do": do, **arguments})[0]

    def model(self, path: str) -> Model:
        """Return the model of an import path.

        Raises
        ------
        ConfigurationError
            It has none of that path.
        """
        found = next((m for m in self.description.models if m.path == path), None)
        if found is None:
            message = f"handover.toml maps {path}, which the {self.side} does not have."
            raise ConfigurationError(f"{message} Correct [[models]].", code="HO420")
        return found

    def of_table(self, table: str) -> Model | None:
        """Return the model that writes a table; of several, the one that Django manages."""
        found = [m for m in self.description.concrete() if m.table == table]
        return max(found, key=lambda m: m.managed, default=None)

    def fields(self, model: Model) -> tuple[Field, ...]:
        """Return the fields of a model, those that it inherits by multi-table inheritance first."""
        if model.label not in self._fields:
            by_label = {m.label: m for m in self.description.models}
            inherited = [f for parent in model.parents if parent in by_label for f in self.fields(by_label[parent])]
            self._fields[model.label] = (*inherited, *model.fields)
        return self._fields[model.label]


@contextmanager
def actors(venue: Venue, *chapters: str) -> Iterator[dict[Side, Actor]]:
    """Start both systems on the venue's database; on one that may only be read, the database refuses their writes."""
    sides: tuple[Side, ...] = (Side.ORIGINAL, Side.BACKEND)
    # Each in a thread, because an interpreter takes a second to start; they are ended after the threads.
    with ExitStack() as stack, ThreadPoolExecutor(len(sides)) as pool:
        started = [pool.submit(_start, stack, venue, side, chapters) for side in sides]
        yield {actor.side: actor for actor in (one.result() for one in started)}


def _start(stack: ExitStack, venue: Venue, side: Side, chapters: tuple[str, ...]) -> Actor:
    probe = stack.enter_context(venue.acting(side, "act", *chapters))
    if venue.reads_only:
        probe.ask("read_only")
    return Actor(side, probe, Description.of(f"the {side}", probe.ask("describe")))
