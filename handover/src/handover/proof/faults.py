"""Faults that are injected while the writers write: a killed agent, cut connections, a killed server, a full disk."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from handover.config.config import Config
from handover.errors import HandoverError
from handover.proof.history import WriterOperation
from handover.proof.proxy import Proxy
from handover.proof.writer_processes import BatchResult, WriterProcesses
from handover.side import Side

COMMAND_WITHIN_S = 120.0
ARBITRARY_S = 0.02  # into a batch
BY_THEN = 75  # percent of a run: what is left shows that both systems go on
LONGEST = 3  # times the plan: a fault that no operation has met by then is given up
SPARE_ROWS = 100_000  # more than the pages hold that a table has ready
USE_UP = """
    INSERT INTO handover_prove.versions (transaction, role, key, others)
    SELECT 0, '', '', repeat('x', 100) FROM generate_series(1, %s)
"""


class FaultError(HandoverError):
    """A fault could not be injected, or could not be ended."""

    code = "HO336"


@dataclass(frozen=True)
class InjectedFault:
    """One fault.

    Attributes
    ----------
    name
        Its name in results.
    strike
        Injects it.
    shows
        Whether an operation failed because of it; None stands for a batch that was not reported.
    end
        Ends it, if it does not end by itself.
    """

    name: str
    strike: Callable[[WriterProcesses], None]
    shows: Callable[[WriterOperation | None], bool]
    end: Callable[[], None] = lambda: None


@dataclass
class Struck:
    """The course of a fault.

    Attributes
    ----------
    name, began, ended
        Which fault, and from when to when operations met it; seconds since 1970.
    met
        Whether operations failed because of it. A fault that no operation met has proven nothing.
    """

    name: str
    began: float
    ended: float = 0.0
    met: bool = False


class Schedule:
    """Faults spread evenly over a run, one after the other.

    Attributes
    ----------
    struck
        The faults that were injected so far.
    """

    def __init__(self, faults: list[InjectedFault], operations: int) -> None:
        self.struck: list[Struck] = []
        self._to_come = list(faults)
        self._every = operations * BY_THEN // 100 // max(len(faults), 1)
        self._rest = operations - operations * BY_THEN // 100
        self._limit = LONGEST * operations
        self._done = self._done_at_last = 0
        self._current: InjectedFault | None = None

    def watch(self, processes: WriterProcesses, batches: Iterator[BatchResult]) -> Iterator[BatchResult]:
        """Pass on the results of the writers, and inject the faults in between."""
        if not self._to_come:
            processes.finish()
        try:
            for batch in batches:
                self._done += len(batch.operations)
                self._end_if_met(batch)
                due = self._done >= self._every * len(self.struck)
                if self._current is None and self._to_come and due:
                    self._strike(processes, self._to_come.pop(0))
                if self._to_come or self._current or self._done < self._done_at_last + self._rest:
                    processes.go_on(self._limit)
                else:
                    processes.finish()
                yield batch
        finally:
            self._over()

    def _strike(self, processes: WriterProcesses, fault: InjectedFault) -> None:
        processes.target.say(f"concurrent writes: {fault.name}")
        self.struck.append(Struck(fault.name, time.time()))
        self._current = fault
        fault.strike(processes)

    def _end_if_met(self, batch: BatchResult) -> None:
        """End the present fault when an operation has met it."""
        if self._current is None:
            return
        struck, shows = self.struck[-1], self._current.shows
        met = any(shows(operation) for operation in batch.operations if operation.ended >= struck.began)
        if met or (batch.unreported is not None and shows(None)):
            struck.met = True
            self._over()

    def _over(self) -> None:
        if self._current is not None:
            fault, self._current = self._current, None
            fault.end()
            self.struck[-1].ended = time.time()
            self._done_at_last = self._done


def _killed(operation: WriterOperation | None) -> bool:
    return operation is None


def _lost(operation: WriterOperation | None) -> bool:
    return operation is not None and operation.outcome == "unknown"


def _full(operation: WriterOperation | None) -> bool:
    return operation is not None and operation.outcome == "full"


def possible(config: Config, proxy: Proxy) -> tuple[list[InjectedFault], dict[str, str]]:
    """Return the faults that can be injected here, and which setting each of the others needs."""
    prove, root = config.prove, config.root
    faults = [
        InjectedFault(
            "a client is killed", lambda processes: _order(processes, Side.ORIGINAL, after_s=ARBITRARY_S), _killed
        ),
        InjectedFault(
            "a worker is killed in its transaction", lambda processes: _order(processes, Side.BACKEND, at=0), _killed
        ),
        InjectedFault("connections are cut", lambda _: _cut(proxy), _lost),
    ]
    missing = {}
    if prove.restart:
        faults.append(InjectedFault("PostgreSQL is killed and restarted", lambda _: run(prove.restart, root), _lost))
    else:
        missing["PostgreSQL is killed and restarted"] = "[prove] restart"
    if prove.fill_disk and prove.free_disk:
        fill, free = prove.fill_disk, prove.free_disk
        faults.append(
            InjectedFault("the disk is full", lambda processes: _fill(processes, fill), _full, lambda: run(free, root))
        )
    else:
        missing["the disk is full"] = "[prove] fill_disk and free_disk"
    return faults, missing


def _order(processes: WriterProcesses, side: Side, **order: float) -> None:
    processes.last_of(side).orders.append(dict(order))


def _cut(proxy: Proxy) -> None:
    if not proxy.cut():
        raise FaultError("no connection went through the proxy, so none could be cut. Run the proof again.")


def _fill(processes: WriterProcesses, command: Sequence[str]) -> None:
    """Fill the disk, and the free pages of the tables too, so that the next writes need room."""
    run(command, processes.target.config.root)
    with psycopg.connect(processes.target.owner_url) as connection:
        try:
            connection.execute(USE_UP, [SPARE_ROWS])
        except psycopg.errors.DiskFull:
            return
        connection.rollback()
    what = f"[prove] fill_disk has run, and {SPARE_ROWS:,} rows still found room"
    raise FaultError(f"{what}. Let it fill the disk that the copy's tables lie on.")


def run(command: Sequence[str], root: Path) -> None:
    """Run a command of ``[prove]`` and wait for its end.

    Raises
    ------
    FaultError
        It could not be run, took too long, or did not end with 0.
    """
    shown = " ".join(command)
    try:
        done = subprocess.run(
            command,
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FaultError(f"{shown} could not be run: {error}. Correct [prove] in handover.toml.") from error
    if done.returncode:
        said = f"It said:\n{done.stdout}\nCorrect [prove] in handover.toml."
        raise FaultError(f"{shown} ended with status {done.returncode}; 0 was expected. {said}")
