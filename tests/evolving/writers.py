"""People of both shapes who write while things are killed, and the ledger of what was acknowledged to them."""

import random
import re
import threading
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import Connection

from tests.evolving.clients import INSERT, STEP, Shape

A_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NEW_WORDS = {"started": "pending", "running": "processing"}
STATUSES = ("started", "running", "completed", "failed")
UPDATE = "UPDATE choreography_tasks SET status = %s, progress = %s, updated_at = now() WHERE task_id = %s"
DELETE_STEPS = "DELETE FROM task_steps WHERE task_id = %s"
DELETE = "DELETE FROM choreography_tasks WHERE task_id = %s"
EVERY_S = 0.02
# The server was killed or restarts; anything else that fails is the evolution's fault.
RECONNECT_EVERY_S = 0.05


def new_id(key: str) -> UUID:
    """Return the id in the new shape, as the evolution's ``up`` says."""
    return UUID(key) if A_UUID.fullmatch(key) else UUID(md5(key.encode()).hexdigest())  # noqa: S324 - no secret


@dataclass(frozen=True)
class TaskState:
    """What a task is, in the words of the old shape; ``steps`` are the rows of the child table."""

    status: str
    progress: int
    steps: int


@dataclass
class TaskLedger:
    """What was acknowledged, by the old id; several states where a commit's answer never came. None: deleted."""

    tasks: dict[str, set[TaskState | None]] = field(default_factory=dict)
    acknowledged: int = 0
    unanswered: int = 0
    failures: list[str] = field(default_factory=list)


class TaskWriter(threading.Thread):
    """One session of a system that writes until it is stopped; it owns the tasks that it is given and makes."""

    def __init__(self, shape: Shape, url: str, ledger: TaskLedger, keys: list[str], seed: int) -> None:
        super().__init__(name=shape.name, daemon=True)
        self._shape, self._url, self._ledger, self.keys = shape, url, ledger, keys
        self._dice = random.Random(seed)  # noqa: S311 - a seed makes the same run again
        self._session: Connection[Any] | None = None
        self._stop_it = threading.Event()
        self.wrote = 0

    def run(self) -> None:
        """Write until it is stopped."""
        while not self._stop_it.is_set():
            pause_s = EVERY_S if self._connected() else RECONNECT_EVERY_S
            if self._session:
                self._act(self._session)
            self._stop_it.wait(pause_s)
        if self._session:
            self._session.close()

    def stop(self) -> None:
        """Stop, once what it does is answered."""
        self._stop_it.set()
        self.join()

    def _connected(self) -> bool:
        if self._session is None or self._session.closed:
            self._session = None
            try:
                self._session = psycopg.connect(
                    self._url, autocommit=True, options=self._shape.options, application_name=self._shape.name
                )
            except psycopg.OperationalError:
                return False
        return True

    def _act(self, session: Connection[Any]) -> None:
        key, kind = self._dice.choice(self.keys), self._dice.random()
        (now,) = before if len(before := self._ledger.tasks[key]) == 1 else (None,)
        if kind < 0.35 or now is None:
            self._make(session)
        elif kind < 0.8:
            after = TaskState(self._dice.choice(STATUSES), self._progress(), now.steps)
            self._write(session, key, after, (UPDATE, self._word(after.status), after.progress, self._id(key)))
        elif kind < 0.9:
            after = TaskState(now.status, now.progress, now.steps + 1)
            self._write(session, key, after, (STEP, self._id(key)))
        else:
            self._write(session, key, None, (DELETE_STEPS, self._id(key)), (DELETE, self._id(key)))

    def _make(self, session: Connection[Any]) -> None:
        key, after = str(uuid4()), TaskState("started", 0, 1)
        self._ledger.tasks[key] = {None}
        insert = (INSERT, self._id(key), self._word("started"), self._dice.randint(1, 1000))
        self._write(session, key, after, insert, (STEP, self._id(key)))
        self.keys.append(key)

    def _progress(self) -> int:
        """Return a progress; only the old shape takes one above 100."""
        return self._dice.randint(0, 100 if self._shape.uuids else 120)

    def _id(self, key: str) -> str | UUID:
        return new_id(key) if self._shape.uuids else key

    def _word(self, status: str) -> str:
        return NEW_WORDS.get(status, status) if self._shape.uuids else status

    def _write(self, session: Connection[Any], key: str, after: TaskState | None, *statements: tuple[Any, ...]) -> None:
        """Do it in one transaction; the ledger keeps what was acknowledged."""
        ledger, committing = self._ledger, False
        try:
            session.execute("BEGIN")
            for sql, *parameters in statements:
                session.execute(sql, parameters)
            committing = True
            session.execute("COMMIT")
        except psycopg.Error as error:
            self._failed(session, key, after, error, committing=committing)
            return
        ledger.tasks[key] = {after}
        ledger.acknowledged += 1
        self.wrote += 1

    def _failed(
        self, session: Connection[Any], key: str, after: TaskState | None, error: psycopg.Error, *, committing: bool
    ) -> None:
        if session.broken:
            if committing:
                self._ledger.tasks[key] |= {after}
                self._ledger.unanswered += 1
        else:
            said = str(error).strip().splitlines()[0]
            self._ledger.failures.append(f"{self._shape.name}: {type(error).__name__}: {said}")
            session.execute("ROLLBACK")
