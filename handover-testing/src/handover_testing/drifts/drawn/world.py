"""A drawn project and what each of its options might have been; see :mod:`handover_testing.drifts.drawn.worlds`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

from handover_testing.drifts.drawn.values import Kind, Option, Same
from handover_testing.drifts.projects import Model, Project
from handover_testing.drifts.shapes import Shape

LABEL = "world"
BASES = ("models.Model", "Stamped")
NAMES = ("Song", "Band", "Venue", "Ticket", "Guest", "Tour")
Draw = Callable[[st.SearchStrategy[Any]], Any]
Any_ = TypeVar("Any_")


@dataclass(frozen=True)
class Where:
    """An option of a field, or of ``Meta`` (then ``field`` is empty)."""

    model: str
    field: str
    option: str


@dataclass
class World:
    """A drawn project.

    ``same`` holds for each option every text that means what stands there, ``others`` texts that mean something else;
    ``kinds`` the class of each field that is no relation.
    """

    project: Project
    same: dict[Where, Same] = field(default_factory=dict)
    others: dict[Where, tuple[str | None, ...]] = field(default_factory=dict)
    kinds: dict[tuple[str, str], Kind] = field(default_factory=dict)

    def shape(self, name: str) -> Shape:
        """Return it as the stages want it."""
        extensions = "".join(f"CREATE EXTENSION IF NOT EXISTS {name};" for name in ("hstore", "btree_gist"))
        return Shape(name, self.project, "", prepare=extensions)


def pick(draw: Draw, options: Sequence[Any_]) -> Any_:
    """Draw one of some."""
    chosen: Any_ = draw(st.sampled_from(options))
    return chosen


def chance(draw: Draw, percent: int) -> bool:
    """Draw yes or no."""
    return bool(draw(st.integers(0, 99)) >= 100 - percent)


def remember(draw: Draw, world: World, where: Where, option: Option, *, usual: int) -> str | None:
    """Draw what an option means, mostly the usual; return its plainest text, and keep the others."""
    meaning = option[0] if chance(draw, usual) else pick(draw, option)
    world.same[where] = meaning
    world.others[where] = tuple(other[0] for other in option if other is not meaning)
    return meaning[0]


def traits(world: World, model: Model, name: str) -> frozenset[str]:
    kind = world.kinds.get((model.name, name))
    return kind.traits if kind else frozenset()
