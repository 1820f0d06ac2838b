"""One system in a proof: its agent, its description of itself, and its models by table."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from handover.errors import ConfigurationError
from handover.probe.client import Probe
from handover.probe.wire import Wire
from handover.proof.target import ProofTarget
from handover.schema.models import Description, Field, Model
from handover.side import Side

Request = dict[str, Any]
Row = dict[str, Wire]  # by column


@dataclass(frozen=True)
class Reply:
    """The reply to one request of a batch: a value, or the classes and the message of the exception."""

    value: Any = None
    raised: tuple[str, ...] = ()
    words: str = ""

    @property
    def refusal(self) -> str:
        """The class of the exception, or an empty text."""
        return self.raised[0] if self.raised else ""


@dataclass(frozen=True)
class Actor:
    """A system that acts on the database of the proof through its own ORM; made by :func:`actors`.

    Attributes
    ----------
    side
        Which system.
    probe
        Its agent, with the chapter ``act``.
    description
        Its models and settings, as it describes them.
    """

    side: Side
    probe: Probe
    description: Description
    _fields: dict[str, tuple[Field, ...]] = field(default_factory=dict)

    @property
    def other(self) -> Side:
        """The other system."""
        return self.side.other

    def batch(self, *requests: Request) -> list[Reply]:
        """Send several requests at once; each is a transaction of its own unless one is open."""
        replies = self.probe.ask("batch", requests=requests)
        return [Reply(r.get("ok"), tuple(r.get("raised", ())), r.get("words", "")) for r in replies]

    def one(self, do: str, **arguments: Any) -> Reply:
        """Send one request."""
        return self.batch({"do": do, **arguments})[0]

    def model(self, path: str) -> Model:
        """Return the model of an import path.

        Raises
        ------
        ConfigurationError
            It has no model of that path.
        """
        found = next((m for m in self.description.models if m.path == path), None)
        if found is None:
            message = f"handover.toml maps {path}, which the {self.side} does not have."
            raise ConfigurationError(f"{message} Correct [[models]].", code="HO420")
        return found

    def of_table(self, table: str) -> Model | None:
        """Return the model of a table; of several, the one that Django manages."""
        found = [m for m in self.description.concrete() if m.table == table]
        return max(found, key=lambda m: m.managed, default=None)

    def fields(self, model: Model) -> tuple[Field, ...]:
        """Return the fields of a model; first those of its parents in multi-table inheritance."""
        if model.label not in self._fields:
            by_label = {m.label: m for m in self.description.models}
            inherited = [f for parent in model.parents if parent in by_label for f in self.fields(by_label[parent])]
            self._fields[model.label] = (*inherited, *model.fields)
        return self._fields[model.label]


@contextmanager
def actors(target: ProofTarget, *chapters: str) -> Iterator[dict[Side, Actor]]:
    """Start both systems on the database of the proof; if it may only be read, the database refuses their writes."""
    # Each in a thread, because an interpreter takes a second to start; they are ended after the threads.
    with ExitStack() as stack, ThreadPoolExecutor(len(Side)) as pool:
        started = [pool.submit(_start, stack, target, side, chapters) for side in Side]
        yield {actor.side: actor for actor in (one.result() for one in started)}


def _start(stack: ExitStack, target: ProofTarget, side: Side, chapters: tuple[str, ...]) -> Actor:
    probe = stack.enter_context(target.acting(side, "act", *chapters))
    if target.reads_only:
        probe.ask("read_only")
    return Actor(side, probe, Description.of(f"the {side}", probe.ask("describe")))
