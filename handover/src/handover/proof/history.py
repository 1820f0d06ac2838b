"""What concurrent writers did to one row: their own records, and the versions that a trigger wrote down."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple, Self

from handover.side import Side

# A row as far as the proof writes it: operation id (None: nobody's of ours), number, status.
State = tuple[int | None, int, str]
Outcome = Literal["ok", "missed", "rolled", "unknown", "deadlock", "conflict", "full"]

AGENT_IDS = 10**9  # ids an agent has; agent 3's begin at 3 * 10^9
READS = frozenset({"read", "reread"})
MASS = frozenset({"sweep", "purge"})  # of many rows; of this one perhaps none
HELD = frozenset({"save", "forced_save", "update_fields", "planted"})  # written from an object read earlier
WHOLE = frozenset({"save", "forced_save", "planted"})  # every column of it
LEAVES_NOTHING = frozenset({"missed", "rolled", "deadlock", "conflict", "full"})
DELETES = frozenset({"delete", "purge"})


class Operation(NamedTuple):
    """One operation, as its writer tells it.

    Attributes
    ----------
    id
        Its number; what it wrote into the text column. ``double`` writes ``id`` and ``id + 1``.
    style
        How it was written, see :class:`handover.config.proof.Writing`; or ``read``, ``reread``, ``create``,
        ``double``, ``rollback``, ``planted``.
    keys
        The rows, as text.
    began, ended
        Seconds since 1970.
    outcome
        ``ok``: done and committed. ``missed``: there was nothing to do. ``rolled``: rolled back on purpose.
        ``unknown``: the connection or the process went away. ``deadlock``, ``conflict``, ``full``: so it ended.
    basis
        The row as its writer knew it.
    seen
        What a reader saw, None for no row.
    moves
        The status it asked for and the one it set.
    """

    id: int
    style: str
    keys: tuple[str, ...]
    began: float
    ended: float
    outcome: Outcome
    basis: State | None = None
    seen: tuple[State | None, ...] = ()
    moves: tuple[str, str] | None = None

    @property
    def agent(self) -> int:
        """Who did it."""
        return self.id // AGENT_IDS

    @classmethod
    def told(cls, record: Sequence[Any]) -> Self:
        """Return what one record of an agent's answer says."""
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
    """One committed change of a row, as the trigger saw it.

    Attributes
    ----------
    order
        Grows from version to version of a row: whoever writes the next one has waited for this one's commit.
    transaction
        Equal within one transaction.
    role
        The database role that wrote.
    operation
        The id in the text column; of a deleted row the deleter's; None when there is none of ours.
    old, new
        The row before and after; None for no row.
    others
        Which other columns changed, with commas.
    """

    order: int
    transaction: int
    role: str
    operation: int | None
    old: State | None
    new: State | None
    others: str = ""


@dataclass
class RowHistory:
    """Everything about one row.

    Attributes
    ----------
    key
        Its primary key, as text.
    operations
        In any order; those of one agent in the order in which it did them.
    versions
        In the order in which they came about; None where no trigger wrote them down.
    final
        The row at the end, None for no row.
    """

    key: str
    operations: list[Operation] = field(default_factory=list)
    versions: list[Version] | None = None
    final: State | None = None

    def evidence(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"key": self.key, "operations": self.operations, "versions": self.versions, "final": self.final}

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Return what :meth:`evidence` gave, after a way through JSON."""
        operations = [Operation.told(record) for record in values["operations"]]
        versions = values["versions"]
        return cls(values["key"], operations, versions and [_version(v) for v in versions], _state(values["final"]))


@dataclass(frozen=True)
class Writers:
    """Who took part.

    Attributes
    ----------
    sides
        The system of each agent.
    roles
        The system of each database role.
    repeatable
        Agents whose transactions must see the same row twice (REPEATABLE READ and stricter).
    unreported
        Ranges of ids, first and past the last, that agents took with them when they were killed.
    last_status
        The status that ``sweep`` sets.
    """

    sides: dict[int, Side]
    roles: dict[str, Side]
    repeatable: frozenset[int] = frozenset()
    unreported: tuple[tuple[int, int], ...] = ()
    last_status: str = ""

    def may_have_been(self, number: int) -> bool:
        """Say whether an id may be of an operation that nobody could tell about."""
        return any(first <= number < end for first, end in self.unreported)

    def evidence(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self) | {"repeatable": sorted(self.repeatable)}

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Return what :meth:`evidence` gave, after a way through JSON."""
        sides = {int(agent): side for agent, side in values["sides"].items()}
        unreported = tuple((first, end) for first, end in values["unreported"])
        return cls(sides, values["roles"], frozenset(values["repeatable"]), unreported, values["last_status"])


def _state(values: Sequence[Any] | None) -> State | None:
    return (values[0], values[1], values[2]) if values else None


def _version(values: Sequence[Any]) -> Version:
    order, transaction, role, operation, old, new, others = values
    return Version(order, transaction, role, operation, _state(old), _state(new), others)


def contended(row: RowHistory) -> set[int]:
    """Return the ids of the operations during which another agent had one under way on this row.

    From the call to the return of each, not the time for which an object was held. Linear: an agent does one thing at
    a time, so at most as many are under way as there are agents.
    """
    met: set[int] = set()
    under_way: dict[int, Operation] = {}
    for operation in sorted(row.operations, key=lambda o: o.began):
        for agent, other in list(under_way.items()):
            if other.ended <= operation.began:
                del under_way[agent]
            elif agent != operation.agent:
                met.add(other.id)
                met.add(operation.id)
        under_way[operation.agent] = operation
    return met
