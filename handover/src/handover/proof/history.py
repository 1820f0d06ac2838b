"""What concurrent writers did to one row: their own records, and the versions that a trigger recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple, Self

from handover.side import Side

# The columns of a row that the proof writes: operation id (None for a foreign text), number, status.
RowState = tuple[int | None, int, str]
OperationOutcome = Literal["ok", "missed", "rolled", "unknown", "deadlock", "conflict", "full"]

AGENT_IDS = 10**9  # ids an agent has; agent 3's begin at 3 * 10^9
READS = frozenset({"read", "reread"})
MASS = frozenset({"sweep", "purge"})  # write many rows, but perhaps not this one
HELD = frozenset({"save", "forced_save", "update_fields", "planted"})  # written from an object that was read before
WHOLE = frozenset({"save", "forced_save", "planted"})  # every column of it
LEAVES_NOTHING = frozenset({"missed", "rolled", "deadlock", "conflict", "full"})
DELETES = frozenset({"delete", "purge"})


class WriterOperation(NamedTuple):
    """One operation, as its writer recorded it.

    Attributes
    ----------
    id
        Its number, which it writes into the text column. ``double`` writes ``id`` and ``id + 1``.
    style
        How it was written, see :class:`handover.config.proof.Writing`; or ``read``, ``reread``, ``create``,
        ``double``, ``rollback``, ``planted``.
    keys
        The rows, as text.
    began, ended
        Seconds since 1970.
    outcome
        ``ok``: done and committed. ``missed``: there was nothing to do. ``rolled``: rolled back on purpose.
        ``unknown``: the connection or the process was lost. ``deadlock``, ``conflict``, ``full``: the error that
        ended it.
    basis
        The row as its writer knew it.
    seen
        The states that a reader saw, None for no row.
    moves
        The status that it asked for and the one that it set.
    """

    id: int
    style: str
    keys: tuple[str, ...]
    began: float
    ended: float
    outcome: OperationOutcome
    basis: RowState | None = None
    seen: tuple[RowState | None, ...] = ()
    moves: tuple[str, str] | None = None

    @property
    def agent(self) -> int:
        """The agent that did it."""
        return self.id // AGENT_IDS

    @classmethod
    def of_record(cls, record: Sequence[Any]) -> Self:
        """Return the operation of one record in an agent's answer."""
        number, style, keys, began, ended, outcome, basis, seen, moves = record
        return cls(
            number,
            style,
            tuple(keys),
            began,
            ended,
            outcome,
            _state(basis),
            tuple(_state(s) for s in seen),
            tuple(moves) if moves else None,
        )


class Version(NamedTuple):
    """One committed change of a row, as the trigger recorded it.

    Attributes
    ----------
    order
        Grows from version to version of a row: the next writer has waited for this one's commit.
    transaction
        Equal within one transaction.
    role
        The database role that wrote.
    operation
        The id in the text column, or the deleter's id for a deleted row; None for a foreign text.
    old, new
        The row before and after; None for no row.
    others
        The other columns that changed, separated by commas.
    """

    order: int
    transaction: int
    role: str
    operation: int | None
    old: RowState | None
    new: RowState | None
    others: str = ""


@dataclass
class RowHistory:
    """The history of one row.

    Attributes
    ----------
    key
        Its primary key, as text.
    operations
        In any order; but those of one agent in the order in which it did them.
    versions
        In the order in which they were written; None where no trigger recorded them.
    final
        The row at the end, None for no row.
    """

    key: str
    operations: list[WriterOperation] = field(default_factory=list)
    versions: list[Version] | None = None
    final: RowState | None = None

    def evidence(self) -> dict[str, Any]:
        """Return the values for the evidence."""
        return {"key": self.key, "operations": self.operations, "versions": self.versions, "final": self.final}

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Return the object that :meth:`evidence` wrote, read back from JSON."""
        operations = [WriterOperation.of_record(record) for record in values["operations"]]
        versions = values["versions"]
        return cls(values["key"], operations, versions and [_version(v) for v in versions], _state(values["final"]))


@dataclass(frozen=True)
class Writers:
    """The agents that took part.

    Attributes
    ----------
    sides
        The system of each agent.
    roles
        The system of each database role.
    repeatable
        Agents whose transactions must see one state of a row (REPEATABLE READ and stricter).
    unreported
        Ranges of ids, first and past the last, of killed agents that could not report them.
    last_status
        The status that ``sweep`` sets.
    """

    sides: dict[int, Side]
    roles: dict[str, Side]
    repeatable: frozenset[int] = frozenset()
    unreported: tuple[tuple[int, int], ...] = ()
    last_status: str = ""

    def may_have_been(self, number: int) -> bool:
        """Say whether an id may belong to an operation of a killed agent."""
        return any(first <= number < end for first, end in self.unreported)

    def evidence(self) -> dict[str, Any]:
        """Return the values for the evidence."""
        return asdict(self) | {"repeatable": sorted(self.repeatable)}

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Return the object that :meth:`evidence` wrote, read back from JSON."""
        sides = {int(agent): Side(side) for agent, side in values["sides"].items()}
        unreported = tuple((first, end) for first, end in values["unreported"])
        roles = {role: Side(side) for role, side in values["roles"].items()}
        return cls(sides, roles, frozenset(values["repeatable"]), unreported, values["last_status"])


def _state(values: Sequence[Any] | None) -> RowState | None:
    return (values[0], values[1], values[2]) if values else None


def _version(values: Sequence[Any]) -> Version:
    order, transaction, role, operation, old, new, others = values
    return Version(order, transaction, role, operation, _state(old), _state(new), others)


def contended(row: RowHistory) -> set[int]:
    """Return the ids of the operations that overlap one of another agent on this row.

    An operation lasts from its call to its return, not for as long as an object was held. The search is linear: an
    agent does one thing at a time, so at most as many operations are under way as there are agents.
    """
    met: set[int] = set()
    under_way: dict[int, WriterOperation] = {}
    for operation in sorted(row.operations, key=lambda o: o.began):
        for agent, other in list(under_way.items()):
            if other.ended <= operation.began:
                del under_way[agent]
            elif agent != operation.agent:
                met.add(other.id)
                met.add(operation.id)
        under_way[operation.agent] = operation
    return met
