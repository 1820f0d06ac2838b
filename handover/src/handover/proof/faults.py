"""What breaks while the writers write: a killed agent, a cut connection, a server that is killed, a full disk."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from handover.config.config import Config
from handover.errors import HandoverError
from handover.proof.crew import Crew, Told
from handover.proof.history import Operation
from handover.proof.proxy import Proxy
from handover.side import Side

COMMAND_WITHIN_S = 120.0
ARBITRARY_S = 0.02  # into a batch
BY_THEN = 75  # percent of a run: what is left shows that both systems go on
LONGEST = 3  # times what was planned: then a fault that nobody has felt is given up
SPARE_ROWS = 100_000  # more than the pages hold that a table has ready
USE_UP = """
    INSERT INTO handover_prove.versions (transaction, role, key, others)
    SELECT 0, 'nobody', '', repeat('x', 100) FROM generate_series(1, %s)
"""


class FaultError(HandoverError):
    """A fault could not be brought about, or not be ended."""

    code = "HO336"


@dataclass(frozen=True)
class Fault:
    """One thing that breaks.

    Attributes
    ----------
    name
        What it is called in results.
    strike
        Brings it about.
    shows
        Whether one operation, or a batch that nobody could tell of, failed by it.
    end
        Ends it, when it does not end by itself.
    """

    name: str
    strike: Callable[[Crew], None]
    shows: Callable[[Operation | None], bool]
    end: Callable[[], None] = lambda: None


@dataclass
class Struck:
    """What a fault came to.

    Attributes
    ----------
    name, began, ended
        Which, and from when to when it was felt; seconds since 1970.
    met
        Whether operations failed by it. A fault that none met has proven nothing.
    """

    name: str
    began: float
    ended: float = 0.0
    met: bool = False


class Schedule:
    """Faults, evenly spread over a run of so many operations, one after the other.

    Attributes
    ----------
    struck
        What became of those that did strike.
    """

    def __init__(self, faults: list[Fault], operations: int) -> None:
        self.struck: list[Struck] = []
        self._to_come = list(faults)
        self._every = operations * BY_THEN // 100 // max(len(faults), 1)
        self._rest = operations - operations * BY_THEN // 100
        self._limit = LONGEST * operations
        self._done = self._done_at_last = 0
        self._current: Fault | None = None

    def watch(self, crew: Crew, batches: Iterator[Told]) -> Iterator[Told]:
        """Pass on what the writers tell, and let the faults strike in between."""
        if not self._to_come:
            crew.finish()
        try:
            for told in batches:
                self._done += len(told.operations)
                self._look(told)
                due = self._done >= self._every * len(self.struck)
                if self._current is None and self._to_come and due:
                    self._strike(crew, self._to_come.pop(0))
                if self._to_come or self._current or self._done < self._done_at_last + self._rest:
                    crew.go_on(self._limit)
                else:
                    crew.finish()
                yield told
        finally:
            self._over()

    def _strike(self, crew: Crew, fault: Fault) -> None:
        crew.venue.say(f"concurrent writes: {fault.name}")
        self.struck.append(Struck(fault.name, time.time()))
        self._current = fault
        fault.strike(crew)

    def _look(self, told: Told) -> None:
        """A fault goes on until somebody has felt it."""
        if self._current is None:
            return
        struck, shows = self.struck[-1], self._current.shows
        felt = any(shows(operation) for operation in told.operations if operation.ended >= struck.began)
        if felt or (told.unreported is not None and shows(None)):
            struck.met = True
            self._over()

    def _over(self) -> None:
        if self._current is not None:
            fault, self._current = self._current, None
            fault.end()
            self.struck[-1].ended = time.time()
            self._done_at_last = self._done


def _killed(operation: Operation | None) -> bool:
    return operation is None


def _lost(operation: Operation | None) -> bool:
    return operation is not None and operation.outcome == "unknown"


def _full(operation: Operation | None) -> bool:
    return operation is not None and operation.outcome == "full"


def possible(config: Config, proxy: Proxy) -> tuple[list[Fault], dict[str, str]]:
    """Return the faults that can be brought about here, and why the others cannot."""
    prove, root = config.prove, config.root
    faults = [
        Fault("a client is killed", lambda crew: _order(crew, Side.ORIGINAL, after_s=ARBITRARY_S), _killed),
        Fault("a worker is killed in its transaction", lambda crew: _order(crew, Side.BACKEND, at=0), _killed),
        Fault("connections are cut", lambda _: _cut(proxy), _lost),
    ]
    missing = {}
    if prove.restart:
        faults.append(Fault("PostgreSQL is killed and restarted", lambda _: run(prove.restart, root), _lost))
    else:
        missing["PostgreSQL is killed and restarted"] = "[prove] restart"
    if prove.fill_disk and prove.free_disk:
        fill, free = prove.fill_disk, prove.free_disk
        faults.append(Fault("the disk is full", lambda crew: _fill(crew, fill), _full, lambda: run(free, root)))
    else:
        missing["the disk is full"] = "[prove] fill_disk and free_disk"
    return faults, missing


def _order(crew: Crew, side: Side, **order: float) -> None:
    crew.last_of(side).orders.append(dict(order))


def _cut(proxy: Proxy) -> None:
    if not proxy.cut():
        raise FaultError("no connection went through the proxy, so none could be cut. Run the proof again.")


def _fill(crew: Crew, command: Sequence[str]) -> None:
    """Fill the disk, and the pages that the tables have ready as well, so that the next writes need room."""
    run(command, crew.venue.config.root)
    with psycopg.connect(crew.venue.owner_url) as connection:
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
