"""Which order of the operations explains a row; what none explains is an anomaly, and somebody caused it.

Linear: the versions of a row, in the order in which a trigger wrote them down, are gone through once, and so are the
operations. Each write carries an id of its own, so that a version names its writer and a reader names what it saw.
Without a trigger there is no order to go by, and only what shows by ids and times is found: see :func:`_weakly`.
"""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from handover.config import SideName
from handover.proof.anomalies import Tally
from handover.proof.history import (
    AGENT_IDS,
    DELETES,
    HELD,
    MASS,
    READS,
    WHOLE,
    Operation,
    RowHistory,
    State,
    Version,
    Writers,
    contended,
)

COUNTS_UP = {"update": 1, "locked": 1, "pair": 1, "double": 1, "conditional": 0, "update_fields": 0}
LEAVES_NOTHING = frozenset({"missed", "rolled", "deadlock", "conflict", "full"})
SEVERAL = -1  # two versions look the same
ROWS_SHOWN = 8


@dataclass
class Checked:
    """What was gone through, and what was found.

    Attributes
    ----------
    rows, versions, operations, reads
        How many of each; an operation on several rows is one.
    contended
        How many operations met one of another agent on a row of theirs.
    tally
        The anomalies.
    """

    rows: int = 0
    versions: int = 0
    operations: int = 0
    reads: int = 0
    contended: int = 0
    tally: Tally = field(default_factory=Tally)

    @property
    def contended_pct(self) -> float:
        """Return the share of the operations that met another, in percent."""
        return 100 * self.contended / self.operations if self.operations else 0.0


def check(rows: Iterable[RowHistory], writers: Writers, into: Checked | None = None) -> Checked:
    """Go through histories, row by row; none is kept.

    Parameters
    ----------
    rows
        May be an iterator that reads them one at a time. An operation on several rows is in the history of each.
    writers
        Who took part.
    into
        What to add to; None for a new one.

    Returns
    -------
    Checked
        Counts and anomalies.
    """
    done = into or Checked()
    several = _Several()
    for row in rows:
        done.rows += 1
        done.versions += len(row.versions or ())
        _count(done, row, several)
        explained = _Row(row, writers, done.tally)
        explained.weakly() if row.versions is None else explained.by_versions()
        several.take(row, explained.applied)
    done.contended += len(several.met)
    several.judge(done.tally, writers)
    return done


def _count(done: Checked, row: RowHistory, several: "_Several") -> None:
    met = contended(row)
    for operation in row.operations:
        first = operation.keys[0] == row.key
        done.operations += first
        done.reads += first and operation.style in READS
        if operation.id in met:
            if len(operation.keys) == 1:
                done.contended += 1
            else:
                several.met.add(operation.id)


class _Several:
    """Operations on several rows: they are on all of them or on none."""

    def __init__(self) -> None:
        self.met: set[int] = set()
        self.pairs: dict[int, tuple[Operation, list[str]]] = {}

    def take(self, row: RowHistory, applied: Counter[int]) -> None:
        if row.versions is None:
            return
        for operation in row.operations:
            if operation.style == "pair":
                _, keys = self.pairs.setdefault(operation.id, (operation, []))
                if applied[operation.id]:
                    keys.append(row.key)

    def judge(self, tally: Tally, writers: Writers) -> None:
        for operation, keys in self.pairs.values():
            if 0 < len(keys) < len(operation.keys) and operation.outcome == "unknown":
                line = f"{_told(operation, writers)}: only {keys[0]} of {' and '.join(operation.keys)} was written"
                side = writers.sides[operation.agent]
                tally.add("intermediate read", side, operation, 1, lambda line=line: (line,))  # type: ignore[misc]


class _Row:
    """One row under examination."""

    def __init__(self, row: RowHistory, writers: Writers, tally: Tally) -> None:
        self.row, self.writers, self.tally = row, writers, tally
        self.versions = row.versions or []
        self.by_id: dict[int, Operation] = {}
        for operation in row.operations:
            if operation.style not in READS:
                self.by_id[operation.id] = operation
                if operation.style in {"double", "rollback"}:
                    self.by_id[operation.id + 1] = operation
        self.applied: Counter[int] = Counter()
        self.first: dict[int | None, int] = {}  # id → the first version that carries it
        self.where: dict[State, int] = {}
        self.deletions: list[int] = []
        self.mass_at = -1

    def by_versions(self) -> None:
        """Go through the versions, then hold every operation against them."""
        state: State | None = None
        for at, version in enumerate(self.versions):
            operation = self._writer(version)
            if version.old != state:
                self._add("unexplained", version, operation, at - 1, at)
            if operation is None:
                self._stranger(at, version)
            else:
                self._judge(at, version, operation)
            self._remember(at, version)
            state = version.new
        if self.row.final != state:
            last = len(self.versions) - 1
            line = f"the row at the end: {_shown(self.row.final)}; the last version: {_shown(state)}"
            writer = self.by_id.get(state[0]) if state and state[0] is not None else None
            self.tally.add("unexplained", self._side(writer), writer, 1, lambda: (*self._lines(last, last), line))
        self._operations()

    def _writer(self, version: Version) -> Operation | None:
        """Whose version it is: of whom it names, unless somebody else has left the name of the one before."""
        operation = self.by_id.get(version.operation) if version.operation is not None else None
        if operation is not None and version.old and version.old[0] == version.operation:
            role = self.writers.roles.get(version.role)
            return operation if role == self._side(operation) else None
        return operation

    def _remember(self, at: int, version: Version) -> None:
        if version.new is None:
            self.deletions.append(at)
        else:
            self.first.setdefault(version.new[0], at)
            self.where[version.new] = SEVERAL if version.new in self.where else at

    def _stranger(self, at: int, version: Version) -> None:
        """A version of nobody who told of it: of an agent that was killed, or of somebody else."""
        if version.operation is not None and self.writers.may_have_been(version.operation):
            self.applied[version.operation] += 1
            if self.applied[version.operation] > 1:
                self._add("applied twice", version, None, self.first.get(version.operation, at), at)
            return
        self._add("unexplained", version, None, at - 1, at)

    def _judge(self, at: int, version: Version, operation: Operation) -> None:
        assert version.operation is not None  # noqa: S101 - an operation was found by it
        self.applied[version.operation] += 1
        if self.applied[version.operation] > 1:
            self._add("applied twice", version, operation, self.first.get(version.operation, at), at)
        elif operation.outcome in LEAVES_NOTHING:
            self._add("applied after all", version, operation, at - 1, at)
        elif version.old is None:
            if operation.style != "create":
                self._add("resurrected row", version, operation, at - 1, at)
        elif version.new is None:
            self._judge_delete(at, version, version.old, operation)
        elif operation.style in WHOLE and operation.basis:
            self._judge_whole(at, version, operation, operation.basis, version.old, version.new)
        else:
            self._judge_update(at, version, operation, version.old, version.new)
        self._overruled(operation)
        if operation.style in MASS:
            self.mass_at = at

    def _judge_delete(self, at: int, version: Version, old: State, operation: Operation) -> None:
        if operation.style not in DELETES:
            self._add("unexplained", version, operation, at - 1, at)
        elif operation.style == "purge" and old[2] != self.writers.last_status:
            self._add("condition ignored", version, operation, at - 1, at)

    def _judge_whole(
        self, at: int, version: Version, operation: Operation, basis: State, old: State, new: State
    ) -> None:
        """A save of every column: it meant to count one up from what it knew, and nothing else."""
        stale = old[0] != basis[0]
        if new[1:] != (basis[1] + 1, basis[2]):
            self._deviates(at, version, operation, old, new)
        elif old[1:] != basis[1:] or (stale and version.others):
            self._add("lost update", version, operation, self.first.get(basis[0], at - 1), at)
        elif version.others:
            self._add("other columns", version, operation, at - 1, at)

    def _judge_update(self, at: int, version: Version, operation: Operation, old: State, new: State) -> None:
        basis = operation.basis
        if not self._condition_holds(operation, old):
            self._add("condition ignored", version, operation, at - 1, at)
        elif operation.style not in COUNTS_UP and operation.style != "sweep":
            self._add("unexplained", version, operation, at - 1, at)
        elif new[1:] != self._meant(operation, old):
            if basis and new[1] - basis[1] in {0, 1} and new[2] == basis[2]:
                self._add("lost update", version, operation, self.first.get(basis[0], at - 1), at)
            else:
                self._deviates(at, version, operation, old, new)
        elif version.others:
            stale = basis is not None and basis[0] != old[0]
            self._add("lost update" if stale else "other columns", version, operation, at - 1, at)
        elif operation.style == "double" and version.operation == operation.id:
            following = self.versions[at + 1] if at + 1 < len(self.versions) else None
            if following is None or following.transaction != version.transaction:
                self._add("intermediate read", version, operation, at, at + 1)

    def _condition_holds(self, operation: Operation, old: State) -> bool:
        if operation.style == "locked":
            return operation.basis is not None and operation.basis[0] == old[0]
        if operation.style == "conditional":
            return operation.moves is not None and operation.moves[0] == old[2]
        return operation.style != "sweep" or old[2] != self.writers.last_status

    def _meant(self, operation: Operation, old: State) -> tuple[int, str]:
        if operation.style == "sweep":
            return 0, self.writers.last_status
        status = operation.moves[1] if operation.moves else old[2]
        return old[1] + COUNTS_UP[operation.style], status

    def _deviates(self, at: int, version: Version, operation: Operation, old: State, new: State) -> None:
        self._add("goes back" if new[1] < old[1] else "unexplained", version, operation, at - 1, at)

    def _overruled(self, operation: Operation) -> None:
        """The other system's housekeeping came between what a writer knew and what it wrote."""
        if operation.style not in HELD or not operation.basis or self.mass_at < 0:
            return
        known = self.first.get(operation.basis[0])
        if known is not None and known < self.mass_at:
            self._overruled_by(self.mass_at, operation)

    def _overruled_by(self, mass_at: int, operation: Operation) -> None:
        mass = self.by_id.get(self.versions[mass_at].operation or 0)
        if mass and mass.style in MASS and self._side(mass) != self._side(operation):
            lines = (*self._lines(mass_at, mass_at), self._knew(operation))
            self.tally.add("overruled", self._side(mass), mass, 1, lambda: lines)

    def _operations(self) -> None:
        reached: dict[int, int] = defaultdict(lambda: -1)
        for operation in self.row.operations:
            if operation.style in READS:
                self._reads(operation, reached)
                continue
            own = self.first.get(operation.id)
            if own is not None:
                reached[operation.agent] = max(own, reached[operation.agent])
            self._ended(operation)

    def _ended(self, operation: Operation) -> None:
        if operation.outcome in {"deadlock", "conflict"}:
            self._say("deadlock", operation, f"ended as {operation.outcome} and was not tried again")
        elif operation.outcome == "ok" and operation.style not in MASS:
            wanted = {operation.id, operation.id + 1} if operation.style == "double" else {operation.id}
            if any(not self.applied[number] for number in wanted):
                self._say("not committed", operation, "reported success; no version of the row carries its id")
        elif operation.style == "double" and self.applied[operation.id] != self.applied[operation.id + 1]:
            self._say("intermediate read", operation, "only half of its transaction was committed")
        elif operation.outcome == "missed" and operation.style in HELD and operation.basis:
            self._purged(operation, operation.basis)

    def _purged(self, operation: Operation, basis: State) -> None:
        known = self.first.get(basis[0])
        if known is not None:
            after = bisect(self.deletions, known)
            if after < len(self.deletions):
                self._overruled_by(self.deletions[after], operation)

    def _reads(self, operation: Operation, reached: dict[int, int]) -> None:
        for seen in operation.seen:
            if seen is not None:
                self._read(operation, seen, reached)
        if operation.agent in self.writers.repeatable and len(set(operation.seen)) > 1:
            self._say("read goes back", operation, f"saw {' then '.join(map(_shown, operation.seen))} in a transaction")

    def _read(self, operation: Operation, seen: State, reached: dict[int, int]) -> None:
        writer = self.by_id.get(seen[0]) if seen[0] is not None else None
        at = self.where.get(seen)
        if writer is not None and (writer.outcome == "rolled" or (at is None and seen[0] not in self.first)):
            self._saw("dirty read", operation, seen, writer)
        elif at is None:
            self._saw_nothing_known(operation, seen)
        elif self._is_halfway(at, seen, writer):
            self._saw("intermediate read", operation, seen, writer)
        elif at != SEVERAL:
            if at < reached[operation.agent]:
                self._add("read goes back", None, operation, at, reached[operation.agent])
            reached[operation.agent] = max(at, reached[operation.agent])

    def _saw_nothing_known(self, operation: Operation, seen: State) -> None:
        """Columns of different rows, or an id that only a killed agent can have written."""
        if seen[0] is not None and self.writers.may_have_been(seen[0]) and seen[0] not in self.first:
            side = self.writers.sides[seen[0] // AGENT_IDS]
            line = f"{_told(operation, self.writers)} saw {_shown(seen)}, which was never committed"
            self.tally.add("dirty read", side, None, 1, lambda: (line,))
        else:
            self._say("unexplained", operation, f"saw {_shown(seen)}, which the row never was")

    def _is_halfway(self, at: int, seen: State, writer: Operation | None) -> bool:
        if writer is not None and writer.style == "double" and seen[0] == writer.id:
            return True
        following = self.versions[at + 1] if 0 <= at < len(self.versions) - 1 else None
        return following is not None and following.transaction == self.versions[at].transaction

    def weakly(self) -> None:
        """Find what shows without the order of the versions: by ids that were seen, and by times."""
        known: dict[int, Operation] = {}
        gone_since, created_until = None, float("-inf")
        for operation in sorted(self.row.operations, key=lambda o: o.began):
            if operation.outcome in {"deadlock", "conflict"}:
                self._say("deadlock", operation, f"ended as {operation.outcome} and was not tried again")
            for seen in operation.seen:
                self._weakly_read(operation, seen)
            if operation.agent in self.writers.repeatable and len(set(operation.seen)) > 1:
                self._say("read goes back", operation, "saw two rows in one transaction")
            if operation.style == "create" and operation.outcome in {"ok", "unknown"}:
                gone_since, created_until = None, max(created_until, operation.ended)
            elif operation.outcome != "ok":
                continue
            elif operation.style == "delete" and created_until < operation.began:
                gone_since = operation.ended
            elif operation.style in WHOLE or operation.style == "locked":
                if operation.style != "locked" and gone_since is not None and operation.began > gone_since:
                    self._say("resurrected row", operation, "saved a row that had been deleted")
                self._weakly_based(operation, known)
        self._weakly_final()

    def _weakly_read(self, operation: Operation, seen: State | None) -> None:
        writer = self.by_id.get(seen[0]) if seen and seen[0] is not None else None
        if seen and writer and writer.outcome in LEAVES_NOTHING:
            self._saw("dirty read", operation, seen, writer)
        elif seen and writer and writer.style == "double" and writer.id == seen[0]:
            self._saw("intermediate read", operation, seen, writer)

    def _weakly_based(self, operation: Operation, known: dict[int, Operation]) -> None:
        """Two writers counted up from the same row: the later one took back what the earlier one wrote."""
        basis = operation.basis[0] if operation.basis else None
        if basis is None:
            return
        rival = known.setdefault(basis, operation)
        if rival is not operation:
            kind = "condition ignored" if operation.style == "locked" else "lost update"
            rivals = (_told(rival, self.writers), _told(operation, self.writers))
            self.tally.add(kind, self._side(operation), operation, 2, lambda: rivals)

    def _weakly_final(self) -> None:
        final = self.row.final
        writer = self.by_id.get(final[0]) if final and final[0] is not None else None
        if final and writer and writer.outcome in LEAVES_NOTHING:
            self._say("applied after all", writer, f"ended as {writer.outcome}, and the row carries its id")

    def _saw(self, kind: str, reader: Operation, seen: State, writer: Operation | None) -> None:
        wrote = [f"{_told(writer, self.writers)}, {writer.outcome}"] if writer else []
        line = f"{_told(reader, self.writers)} saw {_shown(seen)}"
        self.tally.add(kind, self._side(writer), writer, len(wrote) + 1, lambda: (*wrote, line))

    def _say(self, kind: str, operation: Operation, words: str) -> None:
        line = f"{_told(operation, self.writers)} {words}"
        self.tally.add(kind, self._side(operation), operation, 1, lambda: (f"row {self.row.key}", line))

    def _add(self, kind: str, version: Version | None, operation: Operation | None, start: int, end: int) -> None:
        """Count an anomaly that the versions from ``start`` to ``end`` show."""
        role = self.writers.roles.get(version.role) if version else None
        side = self._side(operation) or role
        start = max(start, 0)
        self.tally.add(kind, side, operation, end - start + 1, lambda: self._lines(start, end, operation))

    def _lines(self, start: int, end: int, operation: Operation | None = None) -> tuple[str, ...]:
        shown = list(range(start, min(end + 1, len(self.versions))))
        if len(shown) > ROWS_SHOWN:
            shown = [*shown[: ROWS_SHOWN // 2], *shown[-ROWS_SHOWN // 2 :]]
        lines = [f"row {self.row.key}", *(self._line(at) for at in shown if at >= 0)]
        if operation is not None and operation.basis:
            lines.append(self._knew(operation))
        return tuple(lines)

    def _knew(self, operation: Operation) -> str:
        knew = f"{_told(operation, self.writers)} knew {_shown(operation.basis)}"
        return f"{knew}; it ended {operation.outcome}"

    def _line(self, at: int) -> str:
        version = self.versions[at]
        writer = self.by_id.get(version.operation) if version.operation is not None else None
        who = _told(writer, self.writers) if writer else f"role {version.role}"
        others = f", and {version.others}" if version.others else ""
        return f"version {at + 1}: {who}: {_shown(version.old)} → {_shown(version.new)}{others}"

    def _side(self, operation: Operation | None) -> SideName | None:
        return self.writers.sides.get(operation.agent) if operation else None


def _told(operation: Operation, writers: Writers) -> str:
    side = writers.sides.get(operation.agent, "?")
    return f"{side} (agent {operation.agent}) {operation.style} {operation.id}"


def _shown(state: State | None) -> str:
    return "no row" if state is None else f"[{state[0]}, {state[1]}, {state[2]}]"


def told_rows(rows: Iterable[RowHistory]) -> Iterator[dict[str, object]]:
    """Yield each row's history as plain values, for evidence that can be replayed."""
    for row in rows:
        yield {"key": row.key, "operations": row.operations, "versions": row.versions, "final": row.final}
