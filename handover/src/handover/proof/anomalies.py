"""Anomalies between concurrent writers: their kinds, how often each occurred, and the smallest example of each."""

from collections import Counter
from collections.abc import Callable, Container
from typing import NamedTuple

from handover.finding import Finding, Severity
from handover.proof.history import WriterOperation
from handover.proof.outcome import Failure
from handover.side import Side


class AnomalyKind(NamedTuple):
    """One kind of anomaly: its code, and what a finding says of the writer that caused it."""

    code: str
    found: str
    expected: str
    todo: str
    severity: Severity = "breaking"


NARROW = "Write the columns that are meant, by update() with F() or under select_for_update()"
ATOMIC = "Look at its transactions, its connection aliases and its overrides of save()"
KINDS: dict[str, AnomalyKind] = {
    "lost update": AnomalyKind(
        "HO320", "takes back what others wrote meanwhile", "a write keeps the columns that it does not mean", NARROW
    ),
    "dirty read": AnomalyKind(
        "HO321", "lets others see what was never committed", "what is rolled back stays unseen", ATOMIC
    ),
    "intermediate read": AnomalyKind(
        "HO322", "lets others see the middle of its transaction", "a transaction is seen whole or not at all", ATOMIC
    ),
    "resurrected row": AnomalyKind(
        "HO323", "brings a deleted row back", "a deleted row stays away until it is created", "Save with force_update"
    ),
    "read goes back": AnomalyKind(
        "HO324", "reads older rows than it has read or written before", "reads go forward", "Look for caches, replicas"
    ),
    "unexplained": AnomalyKind(
        "HO325", "leaves rows that no order of the operations explains", "each row follows from the one before", ATOMIC
    ),
    "deadlock": AnomalyKind(
        "HO326", "gives up after a deadlock", "what PostgreSQL ended is tried again", "Repeat it, or lock in one order"
    ),
    "not committed": AnomalyKind("HO327", "reports success without a commit", "what was reported is there", ATOMIC),
    "applied after all": AnomalyKind(
        "HO328", "reports that nothing was written, and it was", "what failed leaves nothing", ATOMIC
    ),
    "applied twice": AnomalyKind(
        "HO329", "writes one operation twice", "a repetition happens once", "Repeat only what failed"
    ),
    "condition ignored": AnomalyKind(
        "HO330", "writes although its condition or its lock does not hold", "one of two rivals wins", NARROW
    ),
    "goes back": AnomalyKind("HO331", "counts backwards", "numbers that are counted up only grow", NARROW),
    "other columns": AnomalyKind("HO332", "changes columns that it does not mean", "they stay as they are", NARROW),
    "overruled": AnomalyKind(
        "HO333",
        "changes or deletes rows that the other system is at work on",
        "each system ends its own work",
        "Let it leave the other's rows alone, or accept it",
        "risky",
    ),
}
STYLES = {
    "save": "stale save",
    "forced_save": "stale save",
    "planted": "planted stale save",
    "update_fields": "save of named fields",
    "update": "update",
    "conditional": "conditional update",
    "locked": "update under a lock",
    "pair": "update of two rows",
    "double": "transaction",
    "rollback": "rolled-back transaction",
    "sweep": "housekeeping",
    "purge": "purge",
    "delete": "delete",
    "create": "create",
    "read": "read",
    "reread": "repeated read",
    "unknown": "write without an operation",
}
# Anomalies that these ways of writing cause between any two processes of one Django system. If handover.toml does not
# say that a system writes so, they say nothing about the pair.
BY_NATURE = {
    "stale save": ("lost update", "resurrected row", "goes back"),
    "housekeeping": ("overruled",),
    # Django's delete() reads the keys first where other tables point at the rows, and then deletes by key.
    "purge": ("overruled", "condition ignored"),
    "delete": ("overruled",),
}
WriteExample = Callable[[], tuple[str, ...]]


class AnomalyCause(NamedTuple):
    """What caused an anomaly: the system, and its way of writing."""

    kind: str
    side: Side | None
    style: str

    @property
    def is_natural(self) -> bool:
        """Whether this way of writing causes this kind of anomaly in every Django system."""
        return self.kind in BY_NATURE.get(STYLES[self.style], ())


class Tally:
    """Anomalies by cause: how many, and the lines of the shortest example."""

    def __init__(self) -> None:
        self.counts: Counter[AnomalyCause] = Counter()
        self._spans: dict[AnomalyCause, int] = {}
        self._examples: dict[AnomalyCause, tuple[str, ...]] = {}

    def add(
        self, kind: str, side: Side | None, operation: WriterOperation | None, span: int, example: WriteExample
    ) -> None:
        """Count one anomaly.

        Parameters
        ----------
        kind
            Key of :data:`KINDS`.
        side, operation
            The system and the operation that caused it, as far as they are known.
        span
            How many versions its example takes; the shortest example is kept.
        example
            Writes the lines of the example.
        """
        cause = AnomalyCause(kind, side, operation.style if operation else "unknown")
        self.counts[cause] += 1
        if cause not in self._spans or span < self._spans[cause]:
            self._spans[cause] = span
            self._examples[cause] = example()

    def example(self, cause: AnomalyCause) -> tuple[str, ...]:
        """Return the lines of the smallest history that shows a cause."""
        return self._examples[cause]

    def by_kind(self) -> dict[str, int]:
        """Return how many anomalies of each kind there were."""
        counts: Counter[str] = Counter()
        for cause, count in self.counts.items():
            counts[cause.kind] += count
        return dict(counts)

    def by_nature(self, undescribed: Container[Side | None]) -> Counter[str]:
        """Return how often undescribed ways of writing did what they do in every Django system."""
        counts: Counter[str] = Counter()
        for cause, count in self.counts.items():
            if cause.side in undescribed and cause.is_natural:
                counts[f"{STYLES[cause.style]} {KINDS[cause.kind].found}"] += count
        return counts

    def failures(self, table: str, undescribed: Container[Side | None] = ()) -> dict[Failure, int]:
        """Return one failure for each place, with how often it occurred; styles with one name share a place.

        ``undescribed`` are the systems whose ways of writing ``handover.toml`` does not name, see :meth:`by_nature`.
        """
        places: dict[tuple[str, str], tuple[Failure, int]] = {}
        causes = [cause for cause in self.counts if not (cause.side in undescribed and cause.is_natural)]
        for cause in sorted(causes, key=lambda c: (KINDS[c.kind].code, str(c.side), self._spans[c], c.style)):
            failure = self._failure(table, cause)
            place = (failure.finding.code, failure.finding.where)
            first, count = places.get(place, (failure, 0))
            places[place] = (first, count + self.counts[cause])
        return dict(places.values())

    def _failure(self, table: str, cause: AnomalyCause) -> Failure:
        kind = KINDS[cause.kind]
        by = f"the {cause.side}" if cause.side else "an unknown writer"
        finding = Finding(
            code=kind.code,
            where=f"{table}: {STYLES[cause.style]} by {by}",
            found=kind.found,
            expected=kind.expected,
            todo=f"{kind.todo}.",
            severity=kind.severity,
            hurts=cause.side.other if cause.side else "both",
        )
        return Failure(finding, self.example(cause), cause.side)
