"""The writers: several agents a side, each in a thread of ours and an interpreter of its system's."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from queue import Queue
from typing import Any

from psycopg.conninfo import make_conninfo

from handover.config.proof import Style
from handover.errors import ProbeError, RaisedError
from handover.probe.client import Probe
from handover.proof.arena import Arena
from handover.proof.history import AGENT_IDS, Operation
from handover.proof.venue import Venue
from handover.schema.models import Description
from handover.side import Side

PREFIX = "prove-"
CHAPTERS = ("fill", "contend")
IDS_AN_OPERATION = 2
RETRIES = 3
# How often each way of writing comes up; what is not a system's own choice comes up on either side.
WEIGHTS: dict[Style, float] = {
    "save": 12,
    "forced_save": 12,
    "update_fields": 10,
    "update": 14,
    "conditional": 10,
    "locked": 8,
    "pair": 4,
    "sweep": 0.4,
    "delete": 0.8,
    "purge": 0.4,
}
OWN = 70.0
ALWAYS: tuple[tuple[str, float], ...] = (("read", 36), ("reread", 4), ("double", 3), ("rollback", 3))


@dataclass(frozen=True)
class Plan:
    """How much is done.

    Attributes
    ----------
    operations
        How many in all.
    batch
        How many one answer of an agent tells of.
    agents
        How many a side.
    rows
        How many are written to at a time.
    rows_last
        After how many operations the next rows are taken.
    """

    operations: int
    batch: int
    agents: int
    rows: int
    rows_last: int

    @property
    def sets(self) -> int:
        """How many sets of rows it takes."""
        return -(-self.operations // self.rows_last)


@dataclass(frozen=True)
class Told:
    """What a batch came to: its operations, or those that a killed agent took with it."""

    agent: int
    operations: list[Operation]
    unreported: tuple[int, int] | None = None
    error: BaseException | None = None


@dataclass
class Seat:
    """Where one agent after the other works."""

    side: Side
    venue: Venue
    probe: Probe | None = None
    agent: int = -1
    next_id: int = 0
    orders: list[dict[str, Any]] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)


class Crew:
    """All writers at work on one database; made by :func:`at_work`."""

    def __init__(self, venue: Venue, plan: Plan, isolation: str | None) -> None:
        self.venue, self.plan, self.isolation = venue, plan, isolation
        self.keys: list[str] = []
        self.controls: list[str] = []
        self.sides: dict[int, Side] = {}
        self.levels: dict[int, str] = {}
        self.told: Queue[Told] = Queue()
        self.seats: list[Seat] = []
        self.made: list[list[str]] = []
        self._related: dict[str, Any] = {}
        self._given, self._wanted = 0, plan.operations  # operations handed out, and to be
        self._lock = threading.Condition()
        self._open = True  # more may be wanted
        self._ready: Queue[Seat | BaseException] = Queue()
        self._go, self._end = threading.Event(), threading.Event()
        self._stopped = False

    def seat(self, side: Side, venue: Venue) -> threading.Thread:
        """Start one agent in a thread."""
        seat = Seat(side, venue)
        self.seats.append(seat)
        thread = threading.Thread(target=self._sit, args=(seat,), name=f"{side} writer", daemon=True)
        thread.start()
        return thread

    def started(self) -> None:
        """Wait until every agent has started."""
        for _ in self.seats:
            ready = self._ready.get()
            if isinstance(ready, BaseException):
                raise ready

    def describe(self) -> dict[Side, Description]:
        """Return what each system says of itself."""
        return {side: Description.of(f"the {side}", self.ask(self.of(side), "describe")) for side in Side}

    def join(self, arena: Arena, keys: list[str], controls: list[str]) -> None:
        """Tell every agent what to write to; the first one sees to the rows that ours point at."""
        self.arena, self.keys, self.controls, self._related = arena, keys, controls, {}
        for seat in self.seats:
            self._join(seat)

    def begin(self) -> None:
        """Let them all write."""
        self._go.set()

    def batches(self) -> Iterator[Told]:
        """Yield what they tell, until all is done."""
        working = len(self.seats)
        while working:
            told = self.told.get()
            if told.error is not None:
                raise told.error
            if not told.operations and told.unreported is None:
                working -= 1
            else:
                yield told

    def go_on(self, limit: int) -> None:
        """Hand out another batch for each agent, until there were ``limit`` operations."""
        with self._lock:
            more = self._given + self.plan.batch * len(self.seats)
            self._wanted = max(self._wanted, min(more, limit))
            self._open = self._given < limit
            self._lock.notify_all()

    def finish(self) -> None:
        """Hand out what was planned, and no more."""
        with self._lock:
            self._open = False
            self._lock.notify_all()

    def stop(self) -> None:
        """End all agents, whatever they are at."""
        self._stopped = True
        self.finish()
        self._go.set()
        self._end.set()
        for seat in self.seats:
            if seat.probe:
                seat.probe.end()

    def ask(self, seat: Seat, do: str, **arguments: object) -> Any:
        """Ask an agent for one thing, while it does nothing else."""
        assert seat.probe  # noqa: S101 - it has joined
        return seat.probe.ask(do, **arguments)

    def take_ids(self, seat: Seat, operations: int) -> int:
        """Return the first of as many ids as a seat's operations need."""
        first = seat.next_id
        seat.next_id += IDS_AN_OPERATION * operations
        return first

    def of(self, side: Side) -> Seat:
        """Return the first seat of a side, which goes through the proxy where there is one."""
        return next(seat for seat in self.seats if seat.side == side)

    def last_of(self, side: Side) -> Seat:
        """Return the last seat of a side."""
        return next(seat for seat in reversed(self.seats) if seat.side == side)

    def _sit(self, seat: Seat) -> None:
        try:
            self._occupy(seat, replacement=False)
            while not self._work(seat):
                self._occupy(seat, replacement=True)
            self.told.put(Told(seat.agent, []))
            self._end.wait()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the results are waited for
            self._ready.put(error)
            self.told.put(Told(seat.agent, [], error=error))
        finally:
            seat.stack.close()

    def _occupy(self, seat: Seat, *, replacement: bool) -> None:
        seat.stack.close()
        seat.probe = seat.stack.enter_context(seat.venue.acting(seat.side, *CHAPTERS))
        if replacement:
            self._join(seat)
        else:
            self._ready.put(seat)
            self._go.wait()

    def _join(self, seat: Seat) -> None:
        with self._lock:
            number = len(self.sides)
            self.sides[number] = seat.side
        seat.agent, seat.next_id = number, number * AGENT_IDS
        arena, settings = self.arena, self.venue.config.prove.concurrent
        answer = self.ask(
            seat,
            "contend_join",
            model=arena.model(seat.side),
            text=arena.text,
            number=arena.number,
            status=arena.status,
            statuses=arena.statuses,
            prefix=PREFIX,
            retries=settings.retries.get(seat.side, RETRIES),
            audited=self.venue.throwaway,
            isolation=self.isolation,
            related=self._related,
            rows=[*self.keys, *self.controls],
        )
        self._related = answer["related"]
        self.made += answer["made"]
        self.levels[number] = answer["isolation"]

    def _work(self, seat: Seat) -> bool:
        """Do batches until there are no more; False when the agent was killed, as it had been told to be."""
        while (batch := self._next(seat)) is not None:
            first, order = batch["first"], batch.get("die")
            try:
                records = self.ask(seat, "contend", **batch)
            except RaisedError:
                raise
            except ProbeError:
                if not order or self._stopped:
                    raise
                end = first + IDS_AN_OPERATION * batch["operations"]
                self.told.put(Told(seat.agent, _killed_within(order, first), (first, end)))
                return False
            self.told.put(Told(seat.agent, [Operation.told(record) for record in records]))
        return True

    def _next(self, seat: Seat) -> dict[str, Any] | None:
        with self._lock:
            self._lock.wait_for(lambda: self._given < self._wanted or not self._open)
            start = self._given
            operations = min(self.plan.batch, self._wanted - start)
            if operations <= 0 or self._stopped:
                return None
            self._given += operations
            order = seat.orders.pop() if seat.orders else None
        rows = min(start // self.plan.rows_last, self.plan.sets - 1) * self.plan.rows
        keys = self.keys[rows : rows + self.plan.rows]
        chosen: tuple[Style, ...] = getattr(self.venue.config.prove.concurrent, seat.side)
        weights = [*ALWAYS, *weighed(chosen)]
        if order is not None and "at" in order:
            order = {**order, "at": operations // 2, "key": keys[0]}
        first = self.take_ids(seat, operations)
        seed = f"{self.venue.seed}/{first}"
        return {"operations": operations, "first": first, "keys": keys, "seed": seed, "weights": weights, "die": order}


def weighed(styles: tuple[Style, ...]) -> list[tuple[str, float]]:
    """Return how often each of a system's ways of writing comes up; together more often than what is always done."""
    common = [style for style in styles if WEIGHTS[style] >= 1] or list(styles)
    factor = OWN / sum(WEIGHTS[style] for style in common)
    return [(style, WEIGHTS[style] * (factor if style in common else 1)) for style in styles]


def _killed_within(order: dict[str, Any], first: int) -> list[Operation]:
    """Return the one operation of a killed agent that is known: its transaction was open, so it came to nothing."""
    if "at" not in order:
        return []
    now = time.time()
    return [Operation(first + IDS_AN_OPERATION * order["at"], "rollback", (order["key"],), now, now, "rolled")]


@contextmanager
def at_work(venue: Venue, plan: Plan, *, cut_at: int | None, isolation: str | None) -> Iterator[Crew]:
    """Start all writers; they are gone when the block ends.

    Parameters
    ----------
    venue, plan
        Where, and how much.
    cut_at
        Port of the proxy that the first agent of each side goes through; None for none.
    isolation
        Level that every session works at; None for what each system has configured.
    """
    crew = Crew(venue, plan, isolation)
    through = venue
    if cut_at is not None:
        url = make_conninfo(venue.owner_url, host="127.0.0.1", port=str(cut_at))
        through = replace(venue, owner_url=url)
    threads = []
    try:
        for number in range(plan.agents):
            threads += [crew.seat(side, through if number == 0 else venue) for side in Side]
        crew.started()
        yield crew
    finally:
        crew.stop()
        for thread in threads:
            thread.join()
