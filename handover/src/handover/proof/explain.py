"""Check histories: each version of a row must follow from the operations; what does not is an anomaly.

The check is linear: it goes once through the versions of a row, in the order in which a trigger recorded them, and once
through the operations. Each write carries an id of its own, so a version names its writer, and a read names the version
that it saw. Without a trigger, :mod:`handover.proof.unversioned` checks what shows by ids and times.
"""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from handover.proof.anomalies import Tally
from handover.proof.anomaly_reports import RowReport, operation_text, state_text
from handover.proof.history import (
    AGENT_IDS,
    DELETES,
    HELD,
    LEAVES_NOTHING,
    MASS,
    READS,
    WHOLE,
    RowHistory,
    RowState,
    Version,
    WriterOperation,
    Writers,
    contended,
)
from handover.proof.unversioned import UnversionedRow

COUNTS_UP = {"update": 1, "locked": 1, "pair": 1, "double": 1, "conditional": 0, "update_fields": 0}
SEVERAL = -1  # two versions have the same state


@dataclass
class Checked:
    """What was checked, and what was found.

    Attributes
    ----------
    rows, versions, operations, reads
        How many of each; an operation on several rows is one.
    contended
        How many operations overlapped one of another agent on the same row.
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
        """The share of the operations that overlapped another one, in percent."""
        return 100 * self.contended / self.operations if self.operations else 0.0


def check(rows: Iterable[RowHistory], writers: Writers, into: Checked | None = None) -> Checked:
    """Check histories, row by row; the rows are not kept.

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
        if row.versions is None:
            UnversionedRow(row, writers, done.tally).examine()
        else:
            several.take(row, _VersionedRow(row, writers, done.tally).examine())
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
    """Operations on several rows: each must have written all of them, or none of them."""

    def __init__(self) -> None:
        self.met: set[int] = set()
        self.pairs: dict[int, tuple[WriterOperation, list[str]]] = {}

    def take(self, row: RowHistory, applied: Counter[int]) -> None:
        for operation in row.operations:
            if operation.style == "pair":
                _, keys = self.pairs.setdefault(operation.id, (operation, []))
                if applied[operation.id]:
                    keys.append(row.key)

    def judge(self, tally: Tally, writers: Writers) -> None:
        for operation, keys in self.pairs.values():
            if 0 < len(keys) < len(operation.keys) and operation.outcome == "unknown":
                pair = " and ".join(operation.keys)
                line = f"{operation_text(operation, writers)}: only {keys[0]} of {pair} was written"
                side = writers.sides[operation.agent]
                tally.add("intermediate read", side, operation, 1, lambda line=line: (line,))  # type: ignore[misc]


class _VersionedRow(RowReport):
    """One row, examined by its recorded versions."""

    def __init__(self, row: RowHistory, writers: Writers, tally: Tally) -> None:
        super().__init__(row, writers, tally)
        self.applied: Counter[int] = Counter()
        self.first: dict[int | None, int] = {}  # id → the first version that carries it
        self.where: dict[RowState, int] = {}
        self.deletions: list[int] = []
        self.mass_at = -1

    def examine(self) -> Counter[int]:
        """Check the versions, then every operation against them; return how often each id was written."""
        state: RowState | None = None
        for at, version in enumerate(self.versions):
            operation = self._writer(version)
            if version.old != state:
                self.add("unexplained", version, operation, at - 1, at)
            if operation is None:
                self._unclaimed(at, version)
            else:
                self._judge(at, version, operation)
            self._remember(at, version)
            state = version.new
        if self.row.final != state:
            last = len(self.versions) - 1
            line = f"the row at the end: {state_text(self.row.final)}; the last version: {state_text(state)}"
            writer = self.by_id.get(state[0]) if state and state[0] is not None else None
            self.tally.add("unexplained", self.side(writer), writer, 1, lambda: (*self.lines(last, last), line))
        self._operations()
        return self.applied

    def _writer(self, version: Version) -> WriterOperation | None:
        """Return the operation that wrote a version.

        A version names its operation. A writer that does not set the text column leaves the name of the operation
        before; then the database role tells whether that operation can have written the version.
        """
        operation = self.by_id.get(version.operation) if version.operation is not None else None
        if operation is not None and version.old and version.old[0] == version.operation:
            role = self.writers.roles.get(version.role)
            return operation if role == self.side(operation) else None
        return operation

    def _remember(self, at: int, version: Version) -> None:
        if version.new is None:
            self.deletions.append(at)
        else:
            self.first.setdefault(version.new[0], at)
            self.where[version.new] = SEVERAL if version.new in self.where else at

    def _unclaimed(self, at: int, version: Version) -> None:
        """Judge a version that no recorded operation claims: a killed agent or another program wrote it."""
        if version.operation is not None and self.writers.may_have_been(version.operation):
            self.applied[version.operation] += 1
            if self.applied[version.operation] > 1:
                self.add("applied twice", version, None, self.first.get(version.operation, at), at)
            return
        self.add("unexplained", version, None, at - 1, at)

    def _judge(self, at: int, version: Version, operation: WriterOperation) -> None:
        assert version.operation is not None  # noqa: S101 - an operation was found by it
        self.applied[version.operation] += 1
        if self.applied[version.operation] > 1:
            self.add("applied twice", version, operation, self.first.get(version.operation, at), at)
        elif operation.outcome in LEAVES_NOTHING:
            self.add("applied after all", version, operation, at - 1, at)
        elif version.old is None:
            if operation.style != "create":
                self.add("resurrected row", version, operation, at - 1, at)
        elif version.new is None:
            self._judge_delete(at, version, version.old, operation)
        elif operation.style in WHOLE and operation.basis:
            self._judge_whole(at, version, operation, operation.basis, version.old, version.new)
        else:
            self._judge_update(at, version, operation, version.old, version.new)
        self._overruled(operation)
        if operation.style in MASS:
            self.mass_at = at

    def _judge_delete(self, at: int, version: Version, old: RowState, operation: WriterOperation) -> None:
        if operation.style not in DELETES:
            self.add("unexplained", version, operation, at - 1, at)
        elif operation.style == "purge" and old[2] != self.writers.last_status:
            self.add("condition ignored", version, operation, at - 1, at)

    def _judge_whole(
        self, at: int, version: Version, operation: WriterOperation, basis: RowState, old: RowState, new: RowState
    ) -> None:
        """Judge a save of every column: it should count one up from what its writer knew, and change nothing else."""
        stale = old[0] != basis[0]
        if new[1:] != (basis[1] + 1, basis[2]):
            self._deviates(at, version, operation, old, new)
        elif old[1:] != basis[1:] or (stale and version.others):
            self.add("lost update", version, operation, self.first.get(basis[0], at - 1), at)
        elif version.others:
            self.add("other columns", version, operation, at - 1, at)

    def _judge_update(
        self, at: int, version: Version, operation: WriterOperation, old: RowState, new: RowState
    ) -> None:
        basis = operation.basis
        if not self._condition_holds(operation, old):
            self.add("condition ignored", version, operation, at - 1, at)
        elif operation.style not in COUNTS_UP and operation.style != "sweep":
            self.add("unexplained", version, operation, at - 1, at)
        elif new[1:] != self._meant(operation, old):
            if basis and new[1] - basis[1] in {0, 1} and new[2] == basis[2]:
                self.add("lost update", version, operation, self.first.get(basis[0], at - 1), at)
            else:
                self._deviates(at, version, operation, old, new)
        elif version.others:
            stale = basis is not None and basis[0] != old[0]
            self.add("lost update" if stale else "other columns", version, operation, at - 1, at)
        elif operation.style == "double" and version.operation == operation.id:
            following = self.versions[at + 1] if at + 1 < len(self.versions) else None
            if following is None or following.transaction != version.transaction:
                self.add("intermediate read", version, operation, at, at + 1)

    def _condition_holds(self, operation: WriterOperation, old: RowState) -> bool:
        if operation.style == "locked":
            return operation.basis is not None and operation.basis[0] == old[0]
        if operation.style == "conditional":
            return operation.moves is not None and operation.moves[0] == old[2]
        return operation.style != "sweep" or old[2] != self.writers.last_status

    def _meant(self, operation: WriterOperation, old: RowState) -> tuple[int, str]:
        if operation.style == "sweep":
            return 0, self.writers.last_status
        status = operation.moves[1] if operation.moves else old[2]
        return old[1] + COUNTS_UP[operation.style], status

    def _deviates(self, at: int, version: Version, operation: WriterOperation, old: RowState, new: RowState) -> None:
        self.add("goes back" if new[1] < old[1] else "unexplained", version, operation, at - 1, at)

    def _overruled(self, operation: WriterOperation) -> None:
        """Find housekeeping of the other system between what a writer knew and what it wrote."""
        if operation.style not in HELD or not operation.basis or self.mass_at < 0:
            return
        known = self.first.get(operation.basis[0])
        if known is not None and known < self.mass_at:
            self._overruled_by(self.mass_at, operation)

    def _overruled_by(self, mass_at: int, operation: WriterOperation) -> None:
        mass = self.by_id.get(self.versions[mass_at].operation or 0)
        if mass and mass.style in MASS and self.side(mass) != self.side(operation):
            lines = (*self.lines(mass_at, mass_at), self.knew(operation))
            self.tally.add("overruled", self.side(mass), mass, 1, lambda: lines)

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

    def _ended(self, operation: WriterOperation) -> None:
        if operation.outcome in {"deadlock", "conflict"}:
            self.say("deadlock", operation, f"ended as {operation.outcome} and was not tried again")
        elif operation.outcome == "ok" and operation.style not in MASS:
            wanted = {operation.id, operation.id + 1} if operation.style == "double" else {operation.id}
            if any(not self.applied[number] for number in wanted):
                self.say("not committed", operation, "reported success; no version of the row carries its id")
        elif operation.style == "double" and self.applied[operation.id] != self.applied[operation.id + 1]:
            self.say("intermediate read", operation, "only half of its transaction was committed")
        elif operation.outcome == "missed" and operation.style in HELD and operation.basis:
            self._purged(operation, operation.basis)

    def _purged(self, operation: WriterOperation, basis: RowState) -> None:
        known = self.first.get(basis[0])
        if known is not None:
            after = bisect(self.deletions, known)
            if after < len(self.deletions):
                self._overruled_by(self.deletions[after], operation)

    def _reads(self, operation: WriterOperation, reached: dict[int, int]) -> None:
        for seen in operation.seen:
            if seen is not None:
                self._read(operation, seen, reached)
        if operation.agent in self.writers.repeatable and len(set(operation.seen)) > 1:
            self.say(
                "read goes back", operation, f"saw {' then '.join(map(state_text, operation.seen))} in a transaction"
            )

    def _read(self, operation: WriterOperation, seen: RowState, reached: dict[int, int]) -> None:
        writer = self.by_id.get(seen[0]) if seen[0] is not None else None
        at = self.where.get(seen)
        if writer is not None and (writer.outcome == "rolled" or (at is None and seen[0] not in self.first)):
            self.saw("dirty read", operation, seen, writer)
        elif at is None:
            self._saw_nothing_known(operation, seen)
        elif self._is_halfway(at, seen, writer):
            self.saw("intermediate read", operation, seen, writer)
        elif at != SEVERAL:
            if at < reached[operation.agent]:
                self.add("read goes back", None, operation, at, reached[operation.agent])
            reached[operation.agent] = max(at, reached[operation.agent])

    def _saw_nothing_known(self, operation: WriterOperation, seen: RowState) -> None:
        """Judge a read that matches no version: an id of a killed agent, or columns that never were in one row."""
        if seen[0] is not None and self.writers.may_have_been(seen[0]) and seen[0] not in self.first:
            side = self.writers.sides[seen[0] // AGENT_IDS]
            line = f"{operation_text(operation, self.writers)} saw {state_text(seen)}, which was never committed"
            self.tally.add("dirty read", side, None, 1, lambda: (line,))
        else:
            self.say("unexplained", operation, f"saw {state_text(seen)}, which the row never was")

    def _is_halfway(self, at: int, seen: RowState, writer: WriterOperation | None) -> bool:
        if writer is not None and writer.style == "double" and seen[0] == writer.id:
            return True
        following = self.versions[at + 1] if 0 <= at < len(self.versions) - 1 else None
        return following is not None and following.transaction == self.versions[at].transaction
