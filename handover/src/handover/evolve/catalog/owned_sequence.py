"""The sequence that a column counts with, and its options for the type that the column gets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from handover.wording import identifier

Right = tuple[str, str, str]
_LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


@dataclass(frozen=True, kw_only=True)
class SequenceOptions:
    """The options of a sequence, as the catalog has them."""

    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool

    @property
    def sql(self) -> str:
        """All of them, as CREATE SEQUENCE takes them."""
        cycle = "CYCLE" if self.cycle else "NO CYCLE"
        bounds = f"MINVALUE {self.minimum} MAXVALUE {self.maximum}"
        return f"START WITH {self.start} INCREMENT BY {self.increment} {bounds} CACHE {self.cache} {cycle}"


@dataclass(frozen=True, kw_only=True)
class OwnedSequence:
    """The sequence that a column takes its values from and that belongs to it; ``type`` is that of its values."""

    schema: str
    name: str
    type: str
    options: SequenceOptions
    rights: tuple[Right, ...] = ()

    @property
    def sql(self) -> str:
        """Its name as SQL."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    def options_as(self, type_name: str) -> SequenceOptions:
        """Return its options with values of another type.

        A bound that is its type's own becomes the other type's own; one that does not fit into the other is cut.

        Parameters
        ----------
        type_name
            One of the three integer types, as the catalog has it.
        """
        was, is_now = _LARGEST[self.type], _LARGEST[type_name]
        mine = self.options
        highest = is_now if mine.maximum == was else min(mine.maximum, is_now)
        lowest = -is_now - 1 if mine.minimum == -was - 1 else max(mine.minimum, -is_now - 1)
        start = min(max(mine.start, lowest), highest)
        return replace(mine, start=start, minimum=lowest, maximum=highest)

    def cut_as(self, type_name: str) -> list[str]:
        """Return which of its own bounds do not fit into another type, in words.

        Parameters
        ----------
        type_name
            As of :meth:`options_as`.
        """
        was, mine, then = _LARGEST[self.type], self.options, self.options_as(type_name)
        found = [("MAXVALUE", mine.maximum, then.maximum)] if mine.maximum != was else []
        found += [("MINVALUE", mine.minimum, then.minimum)] if mine.minimum != -was - 1 else []
        found += [("START", mine.start, then.start)]
        return [f"{name} {before} becomes {after}" for name, before, after in found if before != after]


def read_sequence(row: Sequence[str], rights: tuple[Right, ...]) -> OwnedSequence:
    """Return what a row of the catalog says about a sequence.

    Parameters
    ----------
    row, rights
        Its schema, name, type and options as texts, and the rights on it.
    """
    schema, name, kind, *numbers, cycle = row
    start, increment, minimum, maximum, cache = map(int, numbers)
    options = SequenceOptions(
        start=start, increment=increment, minimum=minimum, maximum=maximum, cache=cache, cycle=cycle == "true"
    )
    return OwnedSequence(schema=schema, name=name, type=kind, options=options, rights=rights)
