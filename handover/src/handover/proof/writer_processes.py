"""The writers' processes: several agents for each system, each with a thread here and an interpreter there."""

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
from handover.proof.contended_table import ContendedTable
from handover.proof.history import AGENT_IDS, WriterOperation
from handover.proof.target import ProofTarget
from handover.schema.models import Description
from handover.side import Side

PREFIX = "prove-"
CHAPTERS = ("fill", "relation", "contend")
IDS_AN_OPERATION = 2
RETRIES = 3
# How often each way of writing is chosen; those in ALWAYS are done by both systems.
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
class WritePlan:
    """How much is written.

    Attributes
    ----------
    operations
        How many in all.
    batch
        How many operations an agent does for one request.
    agents
        How many agents each system has.
    rows
        How many rows are written to at a time.
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
class BatchResult:
    """The result of a batch: its operations, or the ids that a killed agent did not report."""

    agent: int
    operations: list[WriterOperation]
    unreported: tuple[int, int] | None = None
    error: BaseException | None = None


@dataclass
class WriterSlot:
    """A place for one agent; a killed agent is replaced by the next one."""

    side: Side
    target: ProofTarget
    probe: Probe | None = None
    agent: int = -1
    next_id: int = 0
    orders: list[dict[str, Any]] = field(default_factory=list)
    stack: ExitStack = field(default_factory=ExitStack)


class WriterProcesses:
    """All writers at work on one database; made by :func:`running_writers`."""

    def __init__(self, target: ProofTarget, plan: WritePlan, isolation: str | None) -> None:
        self.target, self.plan, self.isolation = target, plan, isolation
        self.keys: list[str] = []
        self.controls: list[str] = []
        self.sides: dict[int, Side] = {}
        self.levels: dict[int, str] = {}
        self.results: Queue[BatchResult] = Queue()
        self.slots: list[WriterSlot] = []
        self.made: list[list[str]] = []
        self._related: dict[str, Any] = {}
        self._given, self._wanted = 0, plan.operations  # operations handed out, and planned
        self._lock = threading.Condition()
        self._open = True  # more may be planned
        self._ready: Queue[WriterSlot | BaseException] = Queue()
        self._go, self._end = threading.Event(), threading.Event()
        self._stopped = False

    def start(self, side: Side, target: ProofTarget) -> threading.Thread:
        """Start one agent in a thread of its own."""
        slot = WriterSlot(side, target)
        self.slots.append(slot)
        thread = threading.Thread(target=self._run_slot, args=(slot,), name=f"{side} writer", daemon=True)
        thread.start()
        return thread

    def started(self) -> None:
        """Wait until every agent has started."""
        for _ in self.slots:
            ready = self._ready.get()
            if isinstance(ready, BaseException):
                raise ready

    def describe(self) -> dict[Side, Description]:
        """Return each system's description of itself."""
        return {side: Description.of(f"the {side}", self.ask(self.of(side), "describe")) for side in Side}

    def join(self, contended: ContendedTable, keys: list[str], controls: list[str]) -> None:
        """Tell every agent what to write to; the first one makes the rows that foreign keys point at.

        Parameters
        ----------
        contended
            The table.
        keys, controls
            The rows that all agents write to, and the rows of the controls.
        """
        self.contended, self.keys, self.controls, self._related = contended, keys, controls, {}
        for slot in self.slots:
            self._join(slot)

    def begin(self) -> None:
        """Let all agents write."""
        self._go.set()

    def batches(self) -> Iterator[BatchResult]:
        """Yield the results of batches until all operations are done."""
        working = len(self.slots)
        while working:
            result = self.results.get()
            if result.error is not None:
                raise result.error
            if not result.operations and result.unreported is None:
                working -= 1
            else:
                yield result

    def go_on(self, limit: int) -> None:
        """Plan another batch for each agent, up to ``limit`` operations in all."""
        with self._lock:
            more = self._given + self.plan.batch * len(self.slots)
            self._wanted = max(self._wanted, min(more, limit))
            self._open = self._given < limit
            self._lock.notify_all()

    def finish(self) -> None:
        """Do what is planned, and no more."""
        with self._lock:
            self._open = False
            self._lock.notify_all()

    def stop(self) -> None:
        """End all agents at once, also in the middle of a batch."""
        self._stopped = True
        self.finish()
        self._go.set()
        self._end.set()
        for slot in self.slots:
            if slot.probe:
                slot.probe.end()

    def ask(self, slot: WriterSlot, do: str, **arguments: object) -> Any:
        """Send an agent one request; it must be idle."""
        assert slot.probe  # noqa: S101 - it has joined
        return slot.probe.ask(do, **arguments)

    def take_ids(self, slot: WriterSlot, operations: int) -> int:
        """Reserve the ids for so many operations of a slot; return the first."""
        first = slot.next_id
        slot.next_id += IDS_AN_OPERATION * operations
        return first

    def of(self, side: Side) -> WriterSlot:
        """Return the first slot of a side, which goes through the proxy where there is one."""
        return next(slot for slot in self.slots if slot.side == side)

    def last_of(self, side: Side) -> WriterSlot:
        """Return the last slot of a side."""
        return next(slot for slot in reversed(self.slots) if slot.side == side)

    def _run_slot(self, slot: WriterSlot) -> None:
        try:
            self._start_agent(slot, replacement=False)
            while not self._work(slot):
                self._start_agent(slot, replacement=True)
            self.results.put(BatchResult(slot.agent, []))
            self._end.wait()
        except BaseException as error:  # noqa: BLE001 - it is raised again where the results are waited for
            self._ready.put(error)
            self.results.put(BatchResult(slot.agent, [], error=error))
        finally:
            slot.stack.close()

    def _start_agent(self, slot: WriterSlot, *, replacement: bool) -> None:
        slot.stack.close()
        slot.probe = slot.stack.enter_context(slot.target.acting(slot.side, *CHAPTERS))
        if replacement:
            self._join(slot)
        else:
            self._ready.put(slot)
            self._go.wait()

    def _join(self, slot: WriterSlot) -> None:
        with self._lock:
            number = len(self.sides)
            self.sides[number] = slot.side
        slot.agent, slot.next_id = number, number * AGENT_IDS
        contended, settings = self.contended, self.target.config.prove.concurrent
        answer = self.ask(
            slot,
            "contend_join",
            model=contended.model(slot.side),
            text=contended.text,
            number=contended.number,
            status=contended.status,
            statuses=contended.statuses,
            prefix=PREFIX,
            retries=settings.retries.get(slot.side, RETRIES),
            audited=self.target.throwaway,
            isolation=self.isolation,
            related=self._related,
            rows=[*self.keys, *self.controls],
        )
        self._related = answer["related"]
        self.made += answer["made"]
        self.levels[number] = answer["isolation"]

    def _work(self, slot: WriterSlot) -> bool:
        """Do batches until there are no more; return False when the agent was killed as ordered."""
        while (batch := self._next(slot)) is not None:
            first, order = batch["first"], batch.get("die")
            try:
                records = self.ask(slot, "contend", **batch)
            except RaisedError:
                raise
            except ProbeError:
                if not order or self._stopped:
                    raise
                end = first + IDS_AN_OPERATION * batch["operations"]
                self.results.put(BatchResult(slot.agent, _killed_within(order, first), (first, end)))
                return False
            self.results.put(BatchResult(slot.agent, [WriterOperation.of_record(record) for record in records]))
        return True

    def _next(self, slot: WriterSlot) -> dict[str, Any] | None:
        with self._lock:
            self._lock.wait_for(lambda: self._given < self._wanted or not self._open)
            start = self._given
            operations = min(self.plan.batch, self._wanted - start)
            if operations <= 0 or self._stopped:
                return None
            self._given += operations
            order = slot.orders.pop() if slot.orders else None
        rows = min(start // self.plan.rows_last, self.plan.sets - 1) * self.plan.rows
        keys = self.keys[rows : rows + self.plan.rows]
        chosen: tuple[Style, ...] = getattr(self.target.config.prove.concurrent, slot.side)
        weights = [*ALWAYS, *weighed(chosen)]
        if order is not None and "at" in order:
            order = {**order, "at": operations // 2, "key": keys[0]}
        first = self.take_ids(slot, operations)
        seed = f"{self.target.seed}/{first}"
        return {"operations": operations, "first": first, "keys": keys, "seed": seed, "weights": weights, "die": order}


def weighed(styles: tuple[Style, ...]) -> list[tuple[str, float]]:
    """Return the weight of each of a system's ways of writing; together they outweigh what is always done."""
    common = [style for style in styles if WEIGHTS[style] >= 1] or list(styles)
    factor = OWN / sum(WEIGHTS[style] for style in common)
    return [(style, WEIGHTS[style] * (factor if style in common else 1)) for style in styles]


def _killed_within(order: dict[str, Any], first: int) -> list[WriterOperation]:
    """Return the one known operation of a killed agent: its transaction was open, so it was rolled back."""
    if "at" not in order:
        return []
    now = time.time()
    return [WriterOperation(first + IDS_AN_OPERATION * order["at"], "rollback", (order["key"],), now, now, "rolled")]


@contextmanager
def running_writers(
    target: ProofTarget, plan: WritePlan, *, cut_at: int | None, isolation: str | None
) -> Iterator[WriterProcesses]:
    """Start all writers; they are ended when the block ends.

    Parameters
    ----------
    target, plan
        The database, and how much is written.
    cut_at
        Port of the proxy that the first agent of each side goes through; None without a proxy.
    isolation
        Isolation level of every session; None for what each system has configured.
    """
    processes = WriterProcesses(target, plan, isolation)
    through = target
    if cut_at is not None:
        # The host stays: a certificate is compared with its name.
        url = make_conninfo(target.owner_url, hostaddr="127.0.0.1", port=str(cut_at))
        through = replace(target, owner_url=url)
    threads = []
    try:
        for number in range(plan.agents):
            threads += [processes.start(side, through if number == 0 else target) for side in Side]
        processes.started()
        yield processes
    finally:
        processes.stop()
        for thread in threads:
            thread.join()
