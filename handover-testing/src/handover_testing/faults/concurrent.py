"""Faults of concurrent writers: what a system does wrong, and what the proof must say about whom.

Two sorts. A history is what writers and a trigger would have told of the fault: the check alone must see it. A system
is a pair of real projects, one of which has the fault in its code: the proof must see it happen.
"""

# ruff: noqa: E501 - what a system says and what it says instead is read best on one line

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from handover.proof.history import AGENT_IDS, RowHistory, State, Version, WriterOperation, Writers
from handover.side import Side
from handover_testing.faults.synthetic import STATUSES, WRITERS, clean_row

# Ways of writing that take nothing back.
NARROW = ("update_fields", "update", "conditional", "locked", "delete")
STARTED, RUNNING, COMPLETED = STATUSES
KEY, OTHER_KEY = "k", "l"


@dataclass(frozen=True)
class Seen:
    """An anomaly as the check has to tell it."""

    kind: str
    side: Side
    style: str


@dataclass(frozen=True)
class History:
    """A fault in a history: its rows, and what must be said; ``unversioned`` when that shows without versions, too."""

    name: str
    rows: tuple[RowHistory, ...]
    seen: Seen
    unversioned: bool = False
    writers: Writers = WRITERS


class _Told:
    """One row's history as it comes about; agents 0 and 2 are the original's, 1 and 3 the backend's."""

    def __init__(self, key: str = KEY) -> None:
        self.row = RowHistory(key, [], [])
        self.now = 0.0
        self._ids = [agent * AGENT_IDS for agent in WRITERS.sides]
        self.create = self.writes(0, "create", (0, STARTED))

    @property
    def state(self) -> State | None:
        versions = self.row.versions
        return versions[-1].new if versions else None

    def does(self, agent: int, style: str, outcome: str = "ok", **more: object) -> WriterOperation:
        """Tell of an operation that changed nothing."""
        number, self._ids[agent] = self._ids[agent], self._ids[agent] + 2
        operation = WriterOperation(number, style, (self.row.key,), self.now, self.now + 2, outcome)._replace(**more)  # type: ignore[arg-type]
        self.now += 1
        self.row.operations.append(operation)
        return operation

    def writes(self, agent: int, style: str, to: tuple[int, str] | None, **more: object) -> WriterOperation:
        """Tell of an operation and of the version that it left."""
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
        """Write a version down; ``together`` with the one before in a transaction."""
        assert self.row.versions is not None
        number = operation.id + second
        transaction = self.row.versions[-1].transaction if together else len(self.row.versions)
        role = f"{WRITERS.sides[operation.agent]}_app"
        new = None if to is None else (number, *to)
        self.row.versions.append(Version(len(self.row.versions), transaction, role, number, self.state, new, others))
        self.row.final = new

    def by_hand(self, role: str, to: tuple[int, str]) -> None:
        """Write a version down that no operation tells of."""
        assert self.row.versions is not None
        assert self.state
        new = (self.state[0], *to)
        self.row.versions.append(
            Version(len(self.row.versions), len(self.row.versions), role, self.state[0], self.state, new)
        )
        self.row.final = new


def histories() -> list[History]:
    """Return every fault of a history."""
    return [make() for make in _MAKERS]


def _made(
    name: str, told: _Told, kind: str, side: Side, style: str, *, unversioned: bool = False, writers: Writers = WRITERS
) -> History:
    return History(name, (told.row,), Seen(kind, side, style), unversioned, writers)


def _stale_save() -> History:
    told = _Told()
    basis = told.state
    told.writes(1, "update", (1, STARTED))
    told.writes(0, "save", (1, STARTED), basis=basis)
    return _made("a stale save takes an update back", told, "lost update", "original", "save")


def _stale_save_of_another_column() -> History:
    told = _Told()
    basis = told.state
    told.writes(0, "conditional", (0, RUNNING), moves=(STARTED, RUNNING))
    told.writes(1, "forced_save", (1, STARTED), basis=basis)
    return _made("a stale save takes a status back", told, "lost update", "backend", "forced_save")


def _stale_save_of_a_column_unknown() -> History:
    told = _Told()
    basis = told.state
    told.writes(1, "update_fields", (0, STARTED), basis=basis)
    late = told.does(0, "save", basis=basis)
    told.version(late, (1, STARTED), others="job_execution_name")
    return _made(
        "a stale save takes back a column that only the other side knows", told, "lost update", "original", "save"
    )


def _rivals() -> History:
    told = _Told()
    basis = told.state
    told.writes(1, "save", (1, STARTED), basis=basis)
    told.writes(2, "save", (1, STARTED), basis=basis)
    return _made("two saves count up from one row", told, "lost update", "original", "save", unversioned=True)


def _lost_lock() -> History:
    told = _Told()
    basis = told.state
    told.writes(0, "locked", (1, STARTED), basis=basis)
    told.writes(1, "locked", (1, STARTED), basis=basis)
    return _made("a lock that holds nobody off", told, "condition ignored", "backend", "locked", unversioned=True)


def _condition() -> History:
    told = _Told()
    told.writes(1, "conditional", (0, COMPLETED), moves=(RUNNING, COMPLETED))
    return _made("an update without its condition", told, "condition ignored", "backend", "conditional")


def _twice() -> History:
    told = _Told()
    again = told.writes(1, "update", (1, STARTED))
    told.version(again, (2, STARTED))
    return _made("a retry that applies twice", told, "applied twice", "backend", "update")


def _resurrected() -> History:
    told = _Told()
    basis = told.state
    told.now += 10
    told.writes(1, "delete", None)
    told.now += 10
    told.writes(0, "save", (1, STARTED), basis=basis)
    return _made("a delete undone by a save", told, "resurrected row", "original", "save", unversioned=True)


def _dirty() -> History:
    told = _Told()
    rolled = told.does(1, "rollback", "rolled")
    told.does(0, "read", seen=((rolled.id, 1, STARTED),))
    return _made("a read of what was rolled back", told, "dirty read", "backend", "rollback", unversioned=True)


def _rolled_back_and_there() -> History:
    told = _Told()
    rolled = told.does(1, "rollback", "rolled")
    told.version(rolled, (1, STARTED))
    return _made(
        "a rollback that rolls nothing back", told, "applied after all", "backend", "rollback", unversioned=True
    )


def _intermediate() -> History:
    told = _Told()
    both = told.writes(0, "double", (1, STARTED))
    told.version(both, (2, STARTED), second=True, together=True)
    told.does(3, "read", seen=((both.id, 1, STARTED),))
    return _made(
        "a read within another's transaction", told, "intermediate read", "original", "double", unversioned=True
    )


def _torn() -> History:
    told = _Told()
    both = told.writes(1, "double", (1, STARTED))
    told.version(both, (2, STARTED), second=True)
    return _made("a transaction that is two", told, "intermediate read", "backend", "double")


def _backwards() -> History:
    told = _Told()
    told.writes(0, "update", (1, STARTED))
    told.writes(1, "update", (0, STARTED))
    return _made("progress that goes backwards", told, "goes back", "backend", "update")


def _not_committed() -> History:
    told = _Told()
    told.does(1, "update")
    return _made("a success without a commit", told, "not committed", "backend", "update")


def _deadlock() -> History:
    told = _Told()
    told.does(0, "pair", "deadlock", keys=(KEY,))
    return _made("a deadlock that is not tried again", told, "deadlock", "original", "pair", unversioned=True)


def _reads_back() -> History:
    told = _Told()
    early = told.state
    told.writes(0, "update", (1, STARTED))
    told.does(1, "read", seen=(told.state,))
    told.does(1, "read", seen=(early,))
    return _made("a read from a copy that lags", told, "read goes back", "backend", "read")


def _own_write_unread() -> History:
    told = _Told()
    early = told.state
    told.writes(1, "update", (1, STARTED))
    told.does(1, "read", seen=(early,))
    return _made("a writer that does not see its own write", told, "read goes back", "backend", "read")


def _not_repeatable() -> History:
    told = _Told()
    early = told.state
    told.writes(0, "update", (1, STARTED))
    told.does(1, "reread", seen=(early, told.state))
    strict = replace(WRITERS, repeatable=frozenset({1}))
    return _made(
        "a repeatable read that is none", told, "read goes back", "backend", "reread", unversioned=True, writers=strict
    )


def _mixed() -> History:
    told = _Told()
    written = told.writes(0, "update", (1, STARTED))
    told.does(1, "read", seen=((written.id, 0, STARTED),))
    return _made("a read of two rows in one", told, "unexplained", "backend", "read")


def _dropped_column() -> History:
    told = _Told()
    basis = told.state
    saved = told.does(1, "update_fields", basis=basis)
    told.version(saved, (0, STARTED), others="result")
    return _made("a save that drops a column", told, "other columns", "backend", "update_fields")


def _by_hand() -> History:
    told = _Told()
    told.by_hand("backend_app", (7, STARTED))
    return _made("a write that nobody tells of", told, "unexplained", "backend", "unknown")


def _missed_and_there() -> History:
    told = _Told()
    told.writes(1, "conditional", (0, RUNNING), outcome="missed", moves=(STARTED, RUNNING))
    return _made("a success reported as a miss", told, "applied after all", "backend", "conditional", unversioned=True)


def _lost_after_restart() -> History:
    told = _Told()
    told.writes(1, "update", (1, STARTED))
    told.row.versions.pop()  # type: ignore[union-attr]
    told.row.final = told.state
    return _made("a commit that did not survive", told, "not committed", "backend", "update")


def _final() -> History:
    told = _Told()
    told.writes(1, "update", (1, STARTED))
    told.row.final = (told.create.id, 0, STARTED)
    return _made("a row that is not what was written last", told, "unexplained", "backend", "update")


def _chain() -> History:
    told = _Told()
    told.writes(0, "update", (1, STARTED))
    late = told.does(1, "update")
    assert told.row.versions is not None
    assert told.state
    unknown = (told.state[0], 5, STARTED)
    told.row.versions.append(Version(9, 9, "backend_app", late.id, unknown, (late.id, 6, STARTED)))
    told.row.final = (late.id, 6, STARTED)
    return _made("a version that does not follow from the one before", told, "unexplained", "backend", "update")


def _housekeeping() -> History:
    told = _Told()
    basis = told.writes(1, "update", (1, STARTED))
    told.writes(0, "sweep", (0, COMPLETED))
    told.writes(1, "update_fields", (0, COMPLETED), basis=(basis.id, 1, STARTED))
    return _made("housekeeping ends the other's work", told, "overruled", "original", "sweep")


def _purge() -> History:
    told = _Told()
    held = told.writes(1, "conditional", (0, COMPLETED), moves=(STARTED, COMPLETED))
    told.writes(0, "purge", None)
    told.does(1, "update_fields", "missed", basis=(held.id, 0, COMPLETED))
    return _made("a purge of what the other holds", told, "overruled", "original", "purge")


def _half_a_pair() -> History:
    one, other = _Told(), _Told(OTHER_KEY)
    both = one.does(1, "pair", "unknown", keys=(KEY, OTHER_KEY))
    one.version(both, (1, STARTED))
    other.row.operations.append(both)
    seen = Seen("intermediate read", "backend", "pair")
    return History("two rows of which one is written", (one.row, other.row), seen)


def _killed_and_there() -> History:
    told = _Told()
    reader = told.does(0, "read", seen=((3 * AGENT_IDS + 40, 1, STARTED),))
    killed = replace(WRITERS, unreported=((3 * AGENT_IDS, 3 * AGENT_IDS + 100),))
    assert reader
    return _made(
        "a read of what a killed worker never committed", told, "dirty read", "backend", "unknown", writers=killed
    )


def _killed_twice() -> History:
    told = _Told()
    lost = WriterOperation(3 * AGENT_IDS + 40, "update", (KEY,), 0, 0, "unknown")
    told.version(lost, (1, STARTED))
    told.version(lost, (2, STARTED))
    killed = replace(WRITERS, unreported=((3 * AGENT_IDS, 3 * AGENT_IDS + 100),))
    return _made("what a killed worker left twice", told, "applied twice", "backend", "unknown", writers=killed)


_MAKERS: tuple[Callable[[], History], ...] = (
    _stale_save, _stale_save_of_another_column, _stale_save_of_a_column_unknown, _rivals, _lost_lock, _condition, _twice,
    _resurrected, _dirty, _rolled_back_and_there, _intermediate, _torn, _backwards, _not_committed, _deadlock,
    _reads_back, _own_write_unread, _not_repeatable, _mixed, _dropped_column, _by_hand, _missed_and_there,
    _lost_after_restart, _final, _chain, _housekeeping, _purge, _half_a_pair, _killed_and_there, _killed_twice,
)  # fmt: skip


def in_between(fault: History, seed: int) -> list[RowHistory]:
    """Return the fault's rows among clean ones."""
    rng = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
    ids = [agent * AGENT_IDS + 10**6 for agent in WRITERS.sides]
    return [clean_row("before", 200, rng, ids), *fault.rows, clean_row("after", 200, rng, ids)]


@dataclass(frozen=True)
class Faulty:
    """A fault in the backend's code: what stands below its model, how it writes, and what must be said of it."""

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


SYSTEMS: tuple[Faulty, ...] = (
    Faulty(
        "save() that ignores update_fields",
        ("update_fields",),
        _save("kwargs.pop('update_fields', None)", "_save(self, *args, **kwargs)"),
        "lost update",
    ),
    Faulty(
        "save() that names a column too many",
        ("update_fields",),
        _save(
            "if 'update_fields' in kwargs:",
            "    kwargs['update_fields'] += ['progress']",
            "_save(self, *args, **kwargs)",
        ),
        "lost update",
    ),
    Faulty("save() of whatever is held", ("save",), "", "lost update"),
    Faulty(
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
    Faulty(
        "save() that skips every other time",
        ("update_fields",),
        "import itertools\n_turns = itertools.cycle([True, False])\n"
        + _save("if next(_turns):", "    _save(self, *args, **kwargs)"),
        "not committed",
    ),
    Faulty(
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
    Faulty(
        "select_for_update() that locks nothing",
        ("locked",),
        _queryset("def select_for_update(self, *args, **kwargs):", "    return self.all()"),
        "condition ignored",
    ),
    Faulty(
        "filter() that forgets the status",
        ("conditional",),
        _queryset(
            "def filter(self, *args, **kwargs):",
            "    kwargs.pop('status', None)",
            "    return super().filter(*args, **kwargs)",
        ),
        "condition ignored",
    ),
    Faulty(
        "update() that is repeated",
        ("update",),
        _queryset("def update(self, **kwargs):", "    super().update(**kwargs)", "    return super().update(**kwargs)"),
        "applied twice",
    ),
    Faulty(
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
    Faulty(
        "update() that only says it did",
        ("update",),
        _queryset("def update(self, **kwargs):", "    return 1"),
        "not committed",
    ),
    Faulty(
        "update() that says it did not",
        ("update",),
        _queryset("def update(self, **kwargs):", "    super().update(**kwargs)", "    return 0"),
        "applied after all",
    ),
    Faulty(
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
    Faulty(
        "transactions that are none",
        ("update",),
        "import contextlib\nfrom django.db import transaction\ntransaction.atomic = lambda *args, **kwargs: contextlib.nullcontext()\n",
        "intermediate read",
    ),
    Faulty(
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
    Faulty(
        "delete() that leaves the row",
        ("delete", "update"),
        _queryset("def delete(self):", "    return self.count(), {}"),
        "not committed",
    ),
    Faulty("two rows in any order, and no second try", ("pair",), "", "deadlock", retries=0, rows=2),
)
