"""Faults of concurrent writers: what a system does wrong, and which finding the proof must report.

There are two sorts. The fault of a history is made of records, as writers and a trigger would have made them: the check
must find it. The fault of a system is code in one of two real projects: the proof must find it at work.
"""

# ruff: noqa: E501 - what a system says and what it says instead is read best on one line

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from handover.proof.history import AGENT_IDS, RowHistory, RowState, Version, WriterOperation, Writers
from handover.side import Side
from handover_testing.faults.synthetic import STATUSES, WRITERS, clean_row

# Ways of writing that lose no update.
NARROW = ("update_fields", "update", "conditional", "locked", "delete")
STARTED, RUNNING, COMPLETED = STATUSES
KEY, OTHER_KEY = "k", "l"


@dataclass(frozen=True)
class Expected:
    """The anomaly that the check must report."""

    kind: str
    side: Side
    style: str


@dataclass(frozen=True)
class HistoryFault:
    """The fault of a history: its rows, and the expected anomaly; ``unversioned`` if it also shows without versions."""

    name: str
    rows: tuple[RowHistory, ...]
    expected: Expected
    unversioned: bool = False
    writers: Writers = WRITERS


class _RowUnderTest:
    """One row's history, made step by step; agents 0 and 2 are the original's, 1 and 3 the backend's."""

    def __init__(self, key: str = KEY) -> None:
        self.history = RowHistory(key, [], [])
        self.now = 0.0
        self._ids = [agent * AGENT_IDS for agent in WRITERS.sides]
        self.create = self.writes(0, "create", (0, STARTED))

    @property
    def state(self) -> RowState | None:
        versions = self.history.versions
        return versions[-1].new if versions else None

    def does(self, agent: int, style: str, outcome: str = "ok", **more: object) -> WriterOperation:
        """Record an operation without a version."""
        number, self._ids[agent] = self._ids[agent], self._ids[agent] + 2
        operation = WriterOperation(number, style, (self.history.key,), self.now, self.now + 2, outcome)._replace(
            **more
        )  # type: ignore[arg-type]
        self.now += 1
        self.history.operations.append(operation)
        return operation

    def writes(self, agent: int, style: str, to: tuple[int, str] | None, **more: object) -> WriterOperation:
        """Record an operation and the version that it wrote."""
        operation = self.does(agent, style, **more)  # type: ignore[arg-type]
        self.version(operation, to)
        return operation

    def version(
        self,
        operation: WriterOperation,
        to: tuple[int, str] | None,
        *,
        second: bool = False,
        together: bool = False,
        others: str = "",
    ) -> None:
        """Record a version; ``together``: in the same transaction as the one before."""
        assert self.history.versions is not None
        number = operation.id + second
        transaction = self.history.versions[-1].transaction if together else len(self.history.versions)
        role = f"{WRITERS.sides[operation.agent]}_app"
        new = None if to is None else (number, *to)
        self.history.versions.append(
            Version(len(self.history.versions), transaction, role, number, self.state, new, others)
        )
        self.history.final = new

    def by_hand(self, role: str, to: tuple[int, str]) -> None:
        """Record a version that no recorded operation claims."""
        assert self.history.versions is not None
        assert self.state
        new = (self.state[0], *to)
        self.history.versions.append(
            Version(len(self.history.versions), len(self.history.versions), role, self.state[0], self.state, new)
        )
        self.history.final = new


def histories() -> list[HistoryFault]:
    """Return every fault of a history."""
    return [make() for make in _MAKERS]


def _made(
    name: str,
    row: _RowUnderTest,
    kind: str,
    side: Side,
    style: str,
    *,
    unversioned: bool = False,
    writers: Writers = WRITERS,
) -> HistoryFault:
    return HistoryFault(name, (row.history,), Expected(kind, side, style), unversioned, writers)


def _stale_save() -> HistoryFault:
    row = _RowUnderTest()
    basis = row.state
    row.writes(1, "update", (1, STARTED))
    row.writes(0, "save", (1, STARTED), basis=basis)
    return _made("a stale save takes an update back", row, "lost update", "original", "save")


def _stale_save_of_another_column() -> HistoryFault:
    row = _RowUnderTest()
    basis = row.state
    row.writes(0, "conditional", (0, RUNNING), moves=(STARTED, RUNNING))
    row.writes(1, "forced_save", (1, STARTED), basis=basis)
    return _made("a stale save takes a status back", row, "lost update", "backend", "forced_save")


def _stale_save_of_a_column_unknown() -> HistoryFault:
    row = _RowUnderTest()
    basis = row.state
    row.writes(1, "update_fields", (0, STARTED), basis=basis)
    late = row.does(0, "save", basis=basis)
    row.version(late, (1, STARTED), others="job_execution_name")
    return _made(
        "a stale save takes back a column that only the other side knows", row, "lost update", "original", "save"
    )


def _rivals() -> HistoryFault:
    row = _RowUnderTest()
    basis = row.state
    row.writes(1, "save", (1, STARTED), basis=basis)
    row.writes(2, "save", (1, STARTED), basis=basis)
    return _made("two saves count up from one row", row, "lost update", "original", "save", unversioned=True)


def _lost_lock() -> HistoryFault:
    row = _RowUnderTest()
    basis = row.state
    row.writes(0, "locked", (1, STARTED), basis=basis)
    row.writes(1, "locked", (1, STARTED), basis=basis)
    return _made("a lock that does not lock", row, "condition ignored", "backend", "locked", unversioned=True)


def _condition() -> HistoryFault:
    row = _RowUnderTest()
    row.writes(1, "conditional", (0, COMPLETED), moves=(RUNNING, COMPLETED))
    return _made("an update without its condition", row, "condition ignored", "backend", "conditional")


def _twice() -> HistoryFault:
    row = _RowUnderTest()
    again = row.writes(1, "update", (1, STARTED))
    row.version(again, (2, STARTED))
    return _made("a retry that applies twice", row, "applied twice", "backend", "update")


def _resurrected() -> HistoryFault:
    row = _RowUnderTest()
    basis = row.state
    row.now += 10
    row.writes(1, "delete", None)
    row.now += 10
    row.writes(0, "save", (1, STARTED), basis=basis)
    return _made("a delete undone by a save", row, "resurrected row", "original", "save", unversioned=True)


def _dirty() -> HistoryFault:
    row = _RowUnderTest()
    rolled = row.does(1, "rollback", "rolled")
    row.does(0, "read", seen=((rolled.id, 1, STARTED),))
    return _made("a read of what was rolled back", row, "dirty read", "backend", "rollback", unversioned=True)


def _rolled_back_and_there() -> HistoryFault:
    row = _RowUnderTest()
    rolled = row.does(1, "rollback", "rolled")
    row.version(rolled, (1, STARTED))
    return _made(
        "a rollback that rolls nothing back", row, "applied after all", "backend", "rollback", unversioned=True
    )


def _intermediate() -> HistoryFault:
    row = _RowUnderTest()
    both = row.writes(0, "double", (1, STARTED))
    row.version(both, (2, STARTED), second=True, together=True)
    row.does(3, "read", seen=((both.id, 1, STARTED),))
    return _made(
        "a read within another's transaction", row, "intermediate read", "original", "double", unversioned=True
    )


def _torn() -> HistoryFault:
    row = _RowUnderTest()
    both = row.writes(1, "double", (1, STARTED))
    row.version(both, (2, STARTED), second=True)
    return _made("a transaction that is two", row, "intermediate read", "backend", "double")


def _backwards() -> HistoryFault:
    row = _RowUnderTest()
    row.writes(0, "update", (1, STARTED))
    row.writes(1, "update", (0, STARTED))
    return _made("progress that goes backwards", row, "goes back", "backend", "update")


def _not_committed() -> HistoryFault:
    row = _RowUnderTest()
    row.does(1, "update")
    return _made("a success without a commit", row, "not committed", "backend", "update")


def _deadlock() -> HistoryFault:
    row = _RowUnderTest()
    row.does(0, "pair", "deadlock", keys=(KEY,))
    return _made("a deadlock that is not tried again", row, "deadlock", "original", "pair", unversioned=True)


def _reads_back() -> HistoryFault:
    row = _RowUnderTest()
    early = row.state
    row.writes(0, "update", (1, STARTED))
    row.does(1, "read", seen=(row.state,))
    row.does(1, "read", seen=(early,))
    return _made("a read from a copy that lags", row, "read goes back", "backend", "read")


def _own_write_unread() -> HistoryFault:
    row = _RowUnderTest()
    early = row.state
    row.writes(1, "update", (1, STARTED))
    row.does(1, "read", seen=(early,))
    return _made("a writer that does not see its own write", row, "read goes back", "backend", "read")


def _not_repeatable() -> HistoryFault:
    row = _RowUnderTest()
    early = row.state
    row.writes(0, "update", (1, STARTED))
    row.does(1, "reread", seen=(early, row.state))
    strict = replace(WRITERS, repeatable=frozenset({1}))
    return _made(
        "a repeatable read that reads two states",
        row,
        "read goes back",
        "backend",
        "reread",
        unversioned=True,
        writers=strict,
    )


def _mixed() -> HistoryFault:
    row = _RowUnderTest()
    written = row.writes(0, "update", (1, STARTED))
    row.does(1, "read", seen=((written.id, 0, STARTED),))
    return _made("a read of two rows in one", row, "unexplained", "backend", "read")


def _dropped_column() -> HistoryFault:
    row = _RowUnderTest()
    basis = row.state
    saved = row.does(1, "update_fields", basis=basis)
    row.version(saved, (0, STARTED), others="result")
    return _made("a save that drops a column", row, "other columns", "backend", "update_fields")


def _by_hand() -> HistoryFault:
    row = _RowUnderTest()
    row.by_hand("backend_app", (7, STARTED))
    return _made("a write that no operation claims", row, "unexplained", "backend", "unknown")


def _missed_and_there() -> HistoryFault:
    row = _RowUnderTest()
    row.writes(1, "conditional", (0, RUNNING), outcome="missed", moves=(STARTED, RUNNING))
    return _made("a success reported as a miss", row, "applied after all", "backend", "conditional", unversioned=True)


def _lost_after_restart() -> HistoryFault:
    row = _RowUnderTest()
    row.writes(1, "update", (1, STARTED))
    row.history.versions.pop()  # type: ignore[union-attr]
    row.history.final = row.state
    return _made("a commit that did not survive", row, "not committed", "backend", "update")


def _final() -> HistoryFault:
    row = _RowUnderTest()
    row.writes(1, "update", (1, STARTED))
    row.history.final = (row.create.id, 0, STARTED)
    return _made("a row that is not what was written last", row, "unexplained", "backend", "update")


def _chain() -> HistoryFault:
    row = _RowUnderTest()
    row.writes(0, "update", (1, STARTED))
    late = row.does(1, "update")
    assert row.history.versions is not None
    assert row.state
    unknown = (row.state[0], 5, STARTED)
    row.history.versions.append(Version(9, 9, "backend_app", late.id, unknown, (late.id, 6, STARTED)))
    row.history.final = (late.id, 6, STARTED)
    return _made("a version that does not follow from the one before", row, "unexplained", "backend", "update")


def _housekeeping() -> HistoryFault:
    row = _RowUnderTest()
    basis = row.writes(1, "update", (1, STARTED))
    row.writes(0, "sweep", (0, COMPLETED))
    row.writes(1, "update_fields", (0, COMPLETED), basis=(basis.id, 1, STARTED))
    return _made("housekeeping ends the other's work", row, "overruled", "original", "sweep")


def _purge() -> HistoryFault:
    row = _RowUnderTest()
    held = row.writes(1, "conditional", (0, COMPLETED), moves=(STARTED, COMPLETED))
    row.writes(0, "purge", None)
    row.does(1, "update_fields", "missed", basis=(held.id, 0, COMPLETED))
    return _made("a purge of what the other holds", row, "overruled", "original", "purge")


def _purge_of_what_goes_on() -> HistoryFault:
    row = _RowUnderTest()
    row.writes(0, "purge", None)
    return _made("a purge of a row that is not over", row, "condition ignored", "original", "purge")


def _half_a_pair() -> HistoryFault:
    one, other = _RowUnderTest(), _RowUnderTest(OTHER_KEY)
    both = one.does(1, "pair", "unknown", keys=(KEY, OTHER_KEY))
    one.version(both, (1, STARTED))
    other.history.operations.append(both)
    seen = Expected("intermediate read", "backend", "pair")
    return HistoryFault("two rows of which one is written", (one.history, other.history), seen)


def _killed_and_there() -> HistoryFault:
    row = _RowUnderTest()
    reader = row.does(0, "read", seen=((3 * AGENT_IDS + 40, 1, STARTED),))
    killed = replace(WRITERS, unreported=((3 * AGENT_IDS, 3 * AGENT_IDS + 100),))
    assert reader
    return _made(
        "a read of what a killed worker never committed", row, "dirty read", "backend", "unknown", writers=killed
    )


def _killed_twice() -> HistoryFault:
    row = _RowUnderTest()
    lost = WriterOperation(3 * AGENT_IDS + 40, "update", (KEY,), 0, 0, "unknown")
    row.version(lost, (1, STARTED))
    row.version(lost, (2, STARTED))
    killed = replace(WRITERS, unreported=((3 * AGENT_IDS, 3 * AGENT_IDS + 100),))
    return _made("what a killed worker left twice", row, "applied twice", "backend", "unknown", writers=killed)


_MAKERS: tuple[Callable[[], HistoryFault], ...] = (
    _stale_save, _stale_save_of_another_column, _stale_save_of_a_column_unknown, _rivals, _lost_lock, _condition, _twice,
    _resurrected, _dirty, _rolled_back_and_there, _intermediate, _torn, _backwards, _not_committed, _deadlock,
    _reads_back, _own_write_unread, _not_repeatable, _mixed, _dropped_column, _by_hand, _missed_and_there,
    _lost_after_restart, _final, _chain, _housekeeping, _purge, _purge_of_what_goes_on, _half_a_pair,
    _killed_and_there, _killed_twice,
)  # fmt: skip


def in_between(fault: HistoryFault, seed: int) -> list[RowHistory]:
    """Return the fault's rows among clean ones."""
    rng = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
    ids = [agent * AGENT_IDS + 10**6 for agent in WRITERS.sides]
    return [clean_row("before", 200, rng, ids), *fault.rows, clean_row("after", 200, rng, ids)]


@dataclass(frozen=True)
class SystemFault:
    """The fault of a system: code for the backend's module of models, its ways of writing, and the expected anomaly."""

    name: str
    styles: tuple[str, ...]
    code: str
    kind: str
    retries: int = 3
    rows: int = 3


QUERYSET = """
class _Rows(models.QuerySet):
    LINES

for manager in MODEL._meta.local_managers:
    manager._queryset_class = _Rows
MODEL._meta._expire_cache()
"""
SAVE = """
_save = MODEL.save
def save(self, *args, **kwargs):
    LINES
MODEL.save = save
"""


def _queryset(*lines: str) -> str:
    return QUERYSET.replace("LINES", "\n    ".join(lines))


def _save(*lines: str) -> str:
    return SAVE.replace("LINES", "\n    ".join(lines))


SYSTEMS: tuple[SystemFault, ...] = (
    SystemFault(
        "save() that ignores update_fields",
        ("update_fields",),
        _save("kwargs.pop('update_fields', None)", "_save(self, *args, **kwargs)"),
        "lost update",
    ),
    SystemFault(
        "save() that names a column too many",
        ("update_fields",),
        _save(
            "if 'update_fields' in kwargs:",
            "    kwargs['update_fields'] += ['progress']",
            "_save(self, *args, **kwargs)",
        ),
        "lost update",
    ),
    SystemFault("save() of a stale object", ("save",), "", "lost update"),
    SystemFault(
        "save() that empties a column",
        ("update_fields",),
        _save(
            "if 'update_fields' in kwargs:",
            "    self.result = None",
            "    kwargs['update_fields'] += ['result']",
            "_save(self, *args, **kwargs)",
        ),
        "other columns",
    ),
    SystemFault(
        "save() that skips every other time",
        ("update_fields",),
        "import itertools\n_turns = itertools.cycle([True, False])\n"
        + _save("if next(_turns):", "    _save(self, *args, **kwargs)"),
        "not committed",
    ),
    SystemFault(
        "save() in a transaction that is rolled back",
        ("update_fields",),
        "from django.db import transaction\n"
        + _save(
            "with transaction.atomic():",
            "    _save(self, *args, **kwargs)",
            "    transaction.set_rollback('update_fields' in kwargs)",
        ),
        "not committed",
    ),
    SystemFault(
        "select_for_update() that locks nothing",
        ("locked",),
        _queryset("def select_for_update(self, *args, **kwargs):", "    return self.all()"),
        "condition ignored",
    ),
    SystemFault(
        "filter() that forgets the status",
        ("conditional",),
        _queryset(
            "def filter(self, *args, **kwargs):",
            "    kwargs.pop('status', None)",
            "    return super().filter(*args, **kwargs)",
        ),
        "condition ignored",
    ),
    SystemFault(
        "update() that is repeated",
        ("update",),
        _queryset("def update(self, **kwargs):", "    super().update(**kwargs)", "    return super().update(**kwargs)"),
        "applied twice",
    ),
    SystemFault(
        "update() that counts down",
        ("update",),
        _queryset(
            "def update(self, **kwargs):",
            "    if 'progress' in kwargs:",
            "        kwargs['progress'] = models.F('progress') - 1",
            "    return super().update(**kwargs)",
        ),
        "goes back",
    ),
    SystemFault(
        "update() that only reports success",
        ("update",),
        _queryset("def update(self, **kwargs):", "    return 1"),
        "not committed",
    ),
    SystemFault(
        "update() that reports no success",
        ("update",),
        _queryset("def update(self, **kwargs):", "    super().update(**kwargs)", "    return 0"),
        "applied after all",
    ),
    SystemFault(
        "update() on a connection of its own",
        ("update",),
        "from concurrent.futures import ThreadPoolExecutor\nfrom django.db import connection\n"
        + _queryset(
            "def update(self, **kwargs):",
            "    def work():",
            "        try:",
            "            return super(_Rows, self).update(**kwargs)",
            "        finally:",
            "            connection.close()",
            "    with ThreadPoolExecutor(1) as pool:",
            "        return pool.submit(work).result()",
        ),
        "applied after all",
    ),
    SystemFault(
        "transactions without effect",
        ("update",),
        "import contextlib\nfrom django.db import transaction\ntransaction.atomic = lambda *args, **kwargs: contextlib.nullcontext()\n",
        "intermediate read",
    ),
    SystemFault(
        "reads from a cache",
        ("update",),
        "_cache = {}\n"
        + _queryset(
            "def first(self):",
            "    key = str(self.query)",
            "    found, left = _cache.get(key, (None, 0))",
            "    if not left:",
            "        found, left = super().first(), 8",
            "    _cache[key] = found, left - 1",
            "    return found",
        ),
        "read goes back",
    ),
    SystemFault(
        "delete() that leaves the row",
        ("delete", "update"),
        _queryset("def delete(self):", "    return self.count(), {}"),
        "not committed",
    ),
    SystemFault("two rows in any order, and no second try", ("pair",), "", "deadlock", retries=0, rows=2),
)
