"""The loop of a watch: collect samples, judge the window, and begin again until it is stopped.

Every collector has a thread of its own, so a slow or dead system does not delay the others. Samples that are not
delivered when the window ends are missing in it, and a missing metric is not green.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Lock

from handover.config.config import Config
from handover.journal.own_requests import own_key, own_requests
from handover.parallel import database, stored
from handover.parallel.access_log import Tail
from handover.parallel.agents import ReadingAgent
from handover.parallel.database import Reader
from handover.parallel.history import Window
from handover.parallel.http_probes import HttpProber
from handover.parallel.parity import Parity
from handover.parallel.progress import ProgressChecker
from handover.parallel.rule import rules
from handover.parallel.sample import Sample, measured, unmeasured
from handover.parallel.traffic import IsReadOnly, JourneyRunner, journey_runners
from handover.schema.models import Model
from handover.side import Side

Collector = Callable[[], Iterable[Sample]]
HEED_STOP_EVERY_S = 0.2
START_WITHIN_S = 30.0


def utc_now() -> datetime:
    """Return the time of this machine's clock."""
    return datetime.now(UTC)


@dataclass
class Clocks:
    """This machine's clock beside its monotonic counter, which cannot be set."""

    wall: Callable[[], datetime] = utc_now
    counter: Callable[[], float] = time.monotonic
    _last: tuple[datetime, float] | None = None

    def samples(self, longest_gap_s: float, allowed_s: float) -> Iterator[Sample]:
        """Yield how far the clock moved against the counter since the last call, and a gap if that is long ago."""
        now = (self.wall(), self.counter())
        last, self._last = self._last, now
        if last is None:
            return
        gap = now[1] - last[1]
        jump = (now[0] - last[0]).total_seconds() - gap
        reason = f"the clock of this machine jumped by {jump:+.1f} s" if abs(jump) > allowed_s else ""
        yield measured("both", "clock_s", abs(jump), ok=not reason, reason=reason)
        if gap > longest_gap_s:
            yield unmeasured("both", "clock_s", f"nothing was measured for {gap:.0f} s")


@dataclass
class Watcher:
    """Collects the samples of one pair and judges its windows; opened and closed by ``with``.

    Attributes
    ----------
    config, url
        The pair, and the database it shares.
    clocks
        The clock and the counter.
    is_read_only
        Says whether the original can only read now.
    """

    config: Config
    url: str
    clocks: Clocks = field(default_factory=Clocks)
    is_read_only: IsReadOnly = lambda: False

    def __post_init__(self) -> None:
        """Make the collectors."""
        watch, key = self.config.watch, own_key(self.config)
        self._reader, self._window_reader = Reader(self.url, watch), Reader(self.url, watch)
        self._row_reader = Reader(self.url, watch)
        self._flows = journey_runners(self.config, self.look, self.is_read_only)
        self._probers = [HttpProber(side, self.config.system(side).base_url, watch, key) for side in Side]
        self._agents = {side: ReadingAgent(self.config, side, self.url) for side in Side}
        self._parity, self._progress = Parity(self.config), ProgressChecker(self.config)
        self._busy: dict[Collector, Future[list[Sample]]] = {}
        self._tails = [
            Tail(side, log, self.config.root, own_requests(self.config, side), self.config.system(side).health)
            for side, log in watch.logs.items()
        ]
        self._rows_lock = Lock()
        threads: tuple[HttpProber | JourneyRunner | Tail, ...] = (
            *self._probers,
            *self._flows,
            *self._tails,
        )
        self._collectors: list[Collector] = [*(one.samples for one in threads), self._database, self._rows]

    def __enter__(self) -> "Watcher":
        """Open the pool of threads."""
        self._stack = ExitStack()
        # Entered first, closed last: a collector at work loses its connection before the pool waits for it.
        self._pool = self._stack.enter_context(ThreadPoolExecutor(len(self._collectors), "collector"))
        for flow in self._flows:
            self._stack.callback(flow.close)
        for prober in self._probers:
            self._stack.callback(prober.close)
        for tail in self._tails:
            self._stack.callback(tail.close)
        for reader in (self._reader, self._window_reader, self._row_reader):
            self._stack.callback(reader.close)
        for agent in self._agents.values():
            self._stack.callback(agent.end)
        return self

    def __exit__(self, *error: object) -> None:
        """Close all connections, and wait for the collectors."""
        self._stack.close()

    def window(self, stop: Event) -> tuple[Window | None, list[Sample]]:
        """Collect the samples of one window and judge it; the window is None when it was stopped before its end."""
        start, began = self.clocks.wall(), self.clocks.counter()
        samples: list[Sample] = []
        while not stop.is_set() and (left := self.config.watch.window_s - (self.clocks.counter() - began)) > 0:
            samples += self.collect(stop, min(self.config.watch.interval_s, left))
        self._wait(stop, self.config.watch.timeout_s)
        samples += self._delivered()
        if stop.is_set():
            return None, samples
        samples += self._window_end(start)
        end = start + timedelta(seconds=self.clocks.counter() - began)
        return Window(start, end, tuple(rule.judge(samples) for rule in rules(self.config))), samples

    def collect(self, stop: Event, interval_s: float) -> list[Sample]:
        """Start every idle collector, and return the samples that were delivered at the end of the interval."""
        watch = self.config.watch
        samples = list(self.clocks.samples(3 * watch.interval_s + 2 * watch.timeout_s, watch.limits.clock_s))
        for collector in self._collectors:
            if collector not in self._busy:
                self._busy[collector] = self._pool.submit(_collected, collector)
        stop.wait(interval_s)
        return samples + self._delivered()

    def start_agents(self, stop: Event) -> None:
        """Start the interpreters, so that the first window is as long for them as every other window."""
        self._busy[self._rows] = self._pool.submit(_collected, self._rows)
        self._wait(stop, START_WITHIN_S)

    def _wait(self, stop: Event, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and not stop.is_set():
            if not wait(self._busy.values(), timeout=HEED_STOP_EVERY_S).not_done:
                break

    def _delivered(self) -> list[Sample]:
        done = [collector for collector, future in self._busy.items() if future.done()]
        return [sample for collector in done for sample in self._busy.pop(collector).result()]

    def _database(self) -> Iterable[Sample]:
        return database.database_samples(self._reader, self.config.watch)

    def _rows(self) -> Iterable[Sample]:
        with self._rows_lock:
            yield from self._parity.samples(self._row_reader, self._agents)
            yield from self._progress.samples(self._row_reader, self._agents)
            yield from stored.file_samples(self._row_reader, self.config, self._agents)

    def look(self) -> Iterator[Sample]:
        """Read what was just written through both systems, until both read the same or are late.

        A flow waits for it between its steps: what it writes and removes at once would never be compared otherwise.
        """
        if not self._rows_lock.acquire(timeout=self.config.watch.timeout_s):
            waited = f"the rows were being read for {self.config.watch.timeout_s:g} s, so they waited for no longer"
            yield from self._parity.unread(f"what a flow wrote was not compared: {waited}")
            return
        try:
            yield from self._parity.look(self._row_reader, self._agents)
        finally:
            self._rows_lock.release()

    def _window_end(self, start: datetime) -> Iterable[Sample]:
        return database.window_samples(self._window_reader, self.config.watch, self._models(), start)

    def _models(self) -> list[tuple[str, Model]] | None:
        found = []
        for side, agent in self._agents.items():
            described = agent.described
            by_path = {model.path: model for model in described.concrete()} if described else {}
            for pair in self.config.models:
                path = side.of(pair)
                if path not in by_path:
                    return None
                found.append((pair.table, by_path[path]))
        return found


def _collected(collector: Collector) -> list[Sample]:
    return list(collector())
