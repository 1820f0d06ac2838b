"""What can go wrong between concurrent writers: its kinds, how often each came up, and the smallest example of each."""

from collections import Counter
from collections.abc import Callable, Container
from typing import NamedTuple

from handover.finding import Finding, Severity
from handover.proof.history import Operation
from handover.proof.outcome import Failure
from handover.side import Side


class Kind(NamedTuple):
    """One kind of anomaly: its code, and what a finding says of the writer that causes it."""

    code: str
    found: str
    expected: str
    todo: str
    severity: Severity = "breaking"


NARROW = "Write the columns that are meant, by update() with F() or under select_for_update()"
ATOMIC = "Look at its transactions, its connection aliases and its overrides of save()"
KINDS: dict[str, Kind] = {
    "lost update": Kind(
        "HO320", "takes back what others wrote meanwhile", "a write keeps what it does not mean", NARROW
    ),
    "dirty read": Kind("HO321", "lets others see what was never committed", "nobody sees what is rolled back", ATOMIC),
    "intermediate read": Kind(
        "HO322", "lets others see the middle of its transaction", "a transaction is seen whole or not at all", ATOMIC
    ),
    "resurrected row": Kind(
        "HO323", "brings a deleted row back", "a deleted row stays away until it is created", "Save with force_update"
    ),
    "read goes back": Kind(
        "HO324", "reads older rows than it has read or written before", "reads go forward", "Look for caches, replicas"
    ),
    "unexplained": Kind(
        "HO325", "leaves rows that no order of the operations explains", "each row follows from the one before", ATOMIC
    ),
    "deadlock": Kind(
        "HO326", "gives up after a deadlock", "what PostgreSQL ended is tried again", "Repeat it, or lock in one order"
    ),
    "not committed": Kind("HO327", "reports success without a commit", "what was reported is there", ATOMIC),
    "applied after all": Kind(
        "HO328", "reports that nothing was written, and it was", "what failed leaves nothing", ATOMIC
    ),
    "applied twice": Kind(
        "HO329", "writes one operation twice", "a repetition happens once", "Repeat only what failed"
    ),
    "condition ignored": Kind(
        "HO330", "writes although its condition or its lock does not hold", "one of two rivals wins", NARROW
    ),
    "goes back": Kind("HO331", "counts backwards", "numbers that are counted up only grow", NARROW),
    "other columns": Kind("HO332", "changes columns that it does not mean", "they stay as they are", NARROW),
    "overruled": Kind(
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
# What these ways come to between any two processes of one Django system: of a way that is tried without being told that
# a system writes so, it says nothing about the pair.
BY_NATURE = {
    "stale save": ("lost update", "resurrected row", "goes back"),
    "housekeeping": ("overruled",),
    "purge": ("overruled",),
    "delete": ("overruled",),
}
Example = Callable[[], tuple[str, ...]]


class Cause(NamedTuple):
    """Whose doing an anomaly is."""

    kind: str
    side: Side | None
    style: str

    @property
    def is_natural(self) -> bool:
        """Whether it is what this way of writing comes to in every Django system."""
        return self.kind in BY_NATURE.get(STYLES[self.style], ())


class Tally:
    """Anomalies by cause: how many, and the lines of the shortest."""

    def __init__(self) -> None:
        self.counts: Counter[Cause] = Counter()
        self._spans: dict[Cause, int] = {}
        self._examples: dict[Cause, tuple[str, ...]] = {}

    def add(self, kind: str, side: Side | None, operation: Operation | None, span: int, example: Example) -> None:
        """Count one; ``span`` is how many versions its example takes, ``example`` writes it."""
        cause = Cause(kind, side, operation.style if operation else "unknown")
        self.counts[cause] += 1
        if cause not in self._spans or span < self._spans[cause]:
            self._spans[cause] = span
            self._examples[cause] = example()

    def example(self, cause: Cause) -> tuple[str, ...]:
        """Return the smallest history that shows it."""
        return self._examples[cause]

    def by_kind(self) -> dict[str, int]:
        """Return how many of each kind there were."""
        counts: Counter[str] = Counter()
        for cause, count in self.counts.items():
            counts[cause.kind] += count
        return dict(counts)

    def by_nature(self, undescribed: Container[Side | None]) -> Counter[str]:
        """Return how often ways that are tried of themselves did what they do in every Django system."""
        counts: Counter[str] = Counter()
        for cause, count in self.counts.items():
            if cause.side in undescribed and cause.is_natural:
                counts[f"{STYLES[cause.style]} {KINDS[cause.kind].found}"] += count
        return counts

    def failures(self, table: str, undescribed: Container[Side | None] = ()) -> dict[Failure, int]:
        """Return one failure a place with how often; styles that people know by one name share it.

        Of the systems in ``undescribed`` nothing says how they write, see :meth:`by_nature`.
        """
        places: dict[tuple[str, str], tuple[Failure, int]] = {}
        causes = [cause for cause in self.counts if not (cause.side in undescribed and cause.is_natural)]
        for cause in sorted(causes, key=lambda c: (KINDS[c.kind].code, str(c.side), self._spans[c], c.style)):
            failure = self._failure(table, cause)
            place = (failure.finding.code, failure.finding.where)
            first, count = places.get(place, (failure, 0))
            places[place] = (first, count + self.counts[cause])
        return dict(places.values())

    def _failure(self, table: str, cause: Cause) -> Failure:
        kind = KINDS[cause.kind]
        by = f"the {cause.side}" if cause.side else "somebody unknown"
        hurts = {"original": "backend", "backend": "original"}
        finding = Finding(
            code=kind.code,
            where=f"{table}: {STYLES[cause.style]} by {by}",
            found=kind.found,
            expected=kind.expected,
            todo=f"{kind.todo}.",
            severity=kind.severity,
            hurts=hurts[cause.side] if cause.side else "both",  # type: ignore[arg-type]
        )
        return Failure(finding, self.example(cause), cause.side)
