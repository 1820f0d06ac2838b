"""Clients of both shapes, at a declared rate, each in a process of its own: what they waited, and what failed."""

import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import Connection

INSERT = """
    INSERT INTO choreography_tasks
        (task_id, status, progress, stage, message, created_at, updated_at, user_id)
    VALUES (%s, %s, 0, 'initializing', 'Starting choreography generation...', now(), now(), %s)
"""
SAVE = """
    UPDATE choreography_tasks SET status = %s, progress = %s, stage = 'cutting', message = 'Cutting', updated_at = now()
    WHERE task_id = %s
"""
COMPARE_AND_SET = "UPDATE choreography_tasks SET status = %s, updated_at = now() WHERE task_id = %s AND status = %s"
LOCK = "SELECT status FROM choreography_tasks WHERE task_id = %s FOR NO KEY UPDATE"
STEP = "INSERT INTO task_steps (task_id, note) VALUES (%s, 'step')"
# As Django does, a query names its columns: a prepared `SELECT *` may not change its columns.
COLUMNS = "task_id, user_id, status, progress, stage, message, result, error, created_at, updated_at"
READ = f"SELECT {COLUMNS} FROM choreography_tasks WHERE task_id = %s"  # noqa: S608 - of literals
LIST = f"SELECT {COLUMNS} FROM choreography_tasks WHERE user_id = %s ORDER BY created_at DESC LIMIT 20"  # noqa: S608


@dataclass(frozen=True)
class Shape:
    """What a client expects: the words of a state, the type of a key, and the schemas of its tables."""

    name: str
    role: str
    waiting: str
    working: str
    uuids: bool = False
    options: str = ""
    stays_connected: bool = False


# The original opens a session for each request, as Django does by default; its role says where its tables are.
ORIGINAL = Shape("original", "original_app", "started", "running")
BACKEND = Shape("backend", "backend_app", "started", "running", options="-c search_path=phase1,public")
NEW_BACKEND = Shape(
    "backend of phase 2", "backend_app", "pending", "processing", uuids=True,
    options="-c search_path=phase2,public", stays_connected=True,
)  # fmt: skip


@dataclass
class ClientRecord:
    """What one client met: each failure, and the longest wait with the moment of its end."""

    name: str
    statements: int = 0
    failures: list[str] = field(default_factory=list)
    worst_ms: float = 0.0
    worst_what: str = ""
    worst_at: float = 0.0
    waits_ms: list[float] = field(default_factory=list)

    def add(self, what: str, took_s: float) -> None:
        """Take in one statement."""
        self.statements += 1
        self.waits_ms.append(1000 * took_s)
        if 1000 * took_s > self.worst_ms:
            self.worst_ms, self.worst_what, self.worst_at = 1000 * took_s, what, time.time()


class Client:
    """Acts as one system does, one request at a time."""

    def __init__(self, shape: Shape, url: str, seed: int) -> None:
        self._shape, self._url = shape, url
        self._random = random.Random(seed)  # noqa: S311 - a seed makes the same requests again
        self._session: Connection[Any] | None = None
        self._ids: list[Any] = []
        self.record = ClientRecord(shape.name)

    def act(self) -> None:
        """Do one request: a few statements that belong together."""
        try:
            self._connect()
            self._request()
        except psycopg.Error as error:
            self.record.failures.append(f"{type(error).__name__}: {str(error).strip()[:300]}")
            if self._session and self._session.broken:
                self._session = None
        if self._session and not self._shape.stays_connected:
            self._session.close()
            self._session = None

    def _connect(self) -> None:
        if self._session is None:
            self._session = psycopg.connect(
                self._url, autocommit=True, options=self._shape.options, application_name=self._shape.name
            )
        if not self._ids:
            found = self._session.execute("SELECT task_id FROM choreography_tasks LIMIT 5000").fetchall()
            self._ids = [self._key(one) for (one,) in found]

    def _key(self, value: str | UUID) -> str | UUID:
        return value if isinstance(value, UUID) or not self._shape.uuids else UUID(value)

    def _request(self) -> None:
        kind, key, shape = self._random.random(), self._random.choice(self._ids), self._shape
        if kind < 0.3:
            self._execute(READ, key)
            self._execute(LIST, self._random.randint(1, 1000))
        elif kind < 0.5:
            self._make()
        elif kind < 0.75:
            self._execute(SAVE, shape.working, self._random.randint(0, 100), key)
        elif kind < 0.95:
            with self._session.transaction():
                self._execute(LOCK, key)
                self._execute(COMPARE_AND_SET, shape.working, key, shape.waiting)
        else:
            self._execute(STEP, key)

    def _make(self) -> None:
        key = uuid4() if self._shape.uuids else str(uuid4())
        with self._session.transaction():
            self._execute(INSERT, key, self._shape.waiting, self._random.randint(1, 1000))
            self._execute(STEP, key)
        self._ids[self._random.randrange(len(self._ids))] = key

    def _execute(self, statement: str, *parameters: object) -> None:
        began = time.monotonic()
        try:
            found = self._session.execute(statement, parameters)
            if found.description:
                found.fetchall()
        finally:
            self.record.add(" ".join(statement.split()), time.monotonic() - began)


def _run(shape: Shape, url: str, per_s: float, seed: int, stop: Event, pipe: Pipe) -> None:
    client = Client(shape, url, seed)
    client.act()
    pipe.send("ready")
    due = time.monotonic()
    while not stop.is_set():
        due += 1 / per_s
        if (left := due - time.monotonic()) > 0:
            stop.wait(left)
        client.act()
    pipe.send(client.record)


class Clients:
    """Clients that act until the end; ``records`` are there afterwards."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("fork")
        self._running: list[tuple[Any, Event, Pipe]] = []
        self.records: list[ClientRecord] = []

    @contextmanager
    def acting(self, shape: Shape, url: str, *, per_s: float, sessions: int = 2) -> Iterator[None]:
        """Let clients of one shape act while the block runs."""
        stop, running = self._context.Event(), []
        for number in range(sessions):
            ours, theirs = self._context.Pipe()
            arguments = (shape, url, per_s / sessions, number + 1, stop, theirs)
            process = self._context.Process(target=_run, args=arguments, daemon=True)
            process.start()
            running.append((process, ours))
        try:
            for _, pipe in running:
                assert pipe.recv() == "ready"
            yield
        finally:
            stop.set()
            for process, pipe in running:
                self.records.append(pipe.recv())
                process.join()
