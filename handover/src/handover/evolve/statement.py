"""What an evolution does to the database: statements with their locks, in steps, in a plan that the journal keeps."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

Lock = Literal[
    "none",
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
]
# Locks that make those who write wait, the weakest first. They need a lock_timeout, and are never held for long.
STRONG: tuple[Lock, ...] = ("SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE")
# transaction: with the other statements of its step and the step's mark. alone: outside of a transaction, CONCURRENTLY.
# batches: in many short transactions.
How = Literal["transaction", "alone", "batches"]
# The parts of a plan, each with steps of its own.
Part = Literal["start", "switch", "back", "remove", "contract", "validate"]
PARTS: tuple[Part, ...] = ("start", "switch", "back", "remove", "contract", "validate")


@dataclass(frozen=True, kw_only=True)
class EvolveStatement:
    """One statement, with what it costs the others.

    Attributes
    ----------
    sql
        The whole statement, every name with its schema, no semicolon at the end. For batches: what one batch does.
    lock, table
        The strongest lock that it takes on a table that is there already, and that table as ``schema.name``.
    wait_ms
        How long it may wait for that lock (``lock_timeout``). None: it may wait long, since no one waits behind it.
    long
        Whether it reads or writes as long as the table is large, under its lock.
    """

    sql: str
    lock: Lock = "none"
    table: str = ""
    wait_ms: int | None = None
    long: bool = False


@dataclass(frozen=True, kw_only=True)
class EvolveStep:
    """A step: it is done as a whole, and marked as done in the same transaction where that is possible.

    Attributes
    ----------
    name
        What it does, for people; it names the step in the journal, so no other step of its part has it.
    how
        How its statements run.
    statements
        In order. A step that runs ``alone`` has one.
    index
        For a step that runs ``alone``: the index that it builds, as ``schema.name``. One that is there and invalid is
        dropped and built again; one that is valid needs nothing more. Empty: the statement may be repeated as it is.
    work, arguments
        For a step in batches: the name of the function that does it (see :mod:`handover.evolve.works`), and what
        it is told, as JSON. The statements are then for readers.
    """

    name: str
    how: How = "transaction"
    statements: tuple[EvolveStatement, ...] = ()
    index: str = ""
    work: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "EvolveStep":
        """Return the step that the journal holds."""
        statements = tuple(EvolveStatement(**statement) for statement in values["statements"])
        return cls(**{**values, "statements": statements})


@dataclass(frozen=True, kw_only=True)
class ColumnPair:
    """An old column, and its shadow that holds the new value.

    Attributes
    ----------
    table
        ``schema.name`` of the table.
    column, shadow
        The two columns before the switch.
    kept, renamed
        The same two columns after the switch: the old one makes room, the shadow gets its final name.
    type
        The shadow's type, as SQL.
    up, down
        SQL of the conversion; ``$1`` is the value that is converted.
    """

    table: str
    column: str
    shadow: str
    kept: str
    renamed: str
    type: str
    up: str
    down: str

    def old(self, *, switched: bool) -> str:
        """Return the name of the column that holds the old value."""
        return self.kept if switched else self.column

    def new(self, *, switched: bool) -> str:
        """Return the name of the column that holds the new value."""
        return self.renamed if switched else self.shadow


@dataclass(frozen=True)
class DroppedColumns:
    """Columns that a part of a plan drops from one table.

    Attributes
    ----------
    table
        ``schema.name`` of the table.
    columns
        Their names at that time. Empty: the whole table is dropped.
    foreign_keys
        The foreign keys to them that the same part drops, as ``schema.table.name``.
    """

    table: str
    columns: tuple[str, ...] = ()
    foreign_keys: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "DroppedColumns":
        """Return what the journal holds."""
        return cls(values["table"], tuple(values["columns"]), tuple(values["foreign_keys"]))


@dataclass(frozen=True, kw_only=True)
class EvolutionPlan:
    """Everything that an evolution will do, computed once, before anything was changed.

    Every command takes it from the journal: what was reviewed is what runs, also after a crash.

    Attributes
    ----------
    evolution
        Its name, ``NNNN_name``.
    tables
        The tables that it changes, as ``schema.name``.
    start, switch, contract
        The steps forward.
    back
        From switched to both shapes again: the renames of the switch, the other way round.
    remove
        What takes away everything that ``start`` makes, also when only half of it is there.
    validate
        What compares every row, old with new.
    contract_drops, remove_drops
        What ``contract`` and ``remove`` drop: nothing that others made may depend on it by then.
    notes
        What a reviewer should know besides the statements, one line each.
    """

    evolution: str
    tables: tuple[str, ...] = ()
    start: tuple[EvolveStep, ...] = ()
    switch: tuple[EvolveStep, ...] = ()
    back: tuple[EvolveStep, ...] = ()
    remove: tuple[EvolveStep, ...] = ()
    contract: tuple[EvolveStep, ...] = ()
    validate: tuple[EvolveStep, ...] = ()
    contract_drops: tuple[DroppedColumns, ...] = ()
    remove_drops: tuple[DroppedColumns, ...] = ()
    notes: tuple[str, ...] = ()

    def part(self, name: Part) -> tuple[EvolveStep, ...]:
        """Return the steps of one part."""
        steps: tuple[EvolveStep, ...] = getattr(self, name)
        return steps

    @property
    def schemas(self) -> tuple[str, ...]:
        """The schemas of its tables: before each of them clients must find the views of their shape."""
        return tuple(sorted({table.split(".", 1)[0] for table in self.tables}))

    @property
    def two_shapes(self) -> bool:
        """Whether clients meet two shapes: an evolution that only adds an index has one."""
        return bool(self.switch) or any(one.columns for one in (*self.contract_drops, *self.remove_drops))

    @cached_property
    def checksum(self) -> str:
        """The SHA-256 of all of it, in hexadecimal: it names the plan that was reviewed."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """Return it as the journal holds it."""
        return {**asdict(self), "checksum": self.checksum}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "EvolutionPlan":
        """Return the plan that the journal holds."""
        parts: dict[str, Any] = {name: tuple(map(EvolveStep.from_json, values[name])) for name in PARTS}
        for name in ("contract_drops", "remove_drops"):
            parts[name] = tuple(map(DroppedColumns.from_json, values[name]))
        texts = {name: tuple(values[name]) for name in ("tables", "notes")}
        return cls(evolution=values["evolution"], **texts, **parts)


def action_name(part: Part, step: EvolveStep) -> str:
    """Return what the journal and the marks call a step: it tells apart steps of several parts."""
    return f"{part}: {step.name}"
