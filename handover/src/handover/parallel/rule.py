"""What a window is judged by: a metric, how its samples become one value, and what that value may be.

The rules follow from ``handover.toml`` alone, never from what was measured: so a metric that nobody measured is seen.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from handover.config.config import Config
from handover.config.parallel import Place, Watch
from handover.parallel.sample import Sample
from handover.parallel.traffic import chosen, metric_of, sides_of
from handover.side import Side
from handover.wording import counted

Verdict = Literal["green", "red", "no data", "not enough traffic"]
How = Literal["p50", "p95", "share of failures", "share of the sum", "number", "most", "sum"]
SYSTEMS: tuple[Place, Place] = (Side.ORIGINAL, Side.BACKEND)


@dataclass(frozen=True)
class Judged:
    """The verdict on one metric of one window; ``value`` is None when there is none."""

    system: Place
    metric: str
    value: float | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True)
class Rule:
    """How one metric is judged.

    Attributes
    ----------
    system, metric
        What the verdict is about.
    source
        The samples it is made from.
    how
        How they become one value: nearest-rank percentile, share of samples or of their sum that failed,
        number, largest or sum.
    limit
        The largest value that is green; None when any is.
    minimum
        Fewer samples (of ``sum``: a smaller value) are "not enough traffic".
    requests
        The samples are requests: one without an answer is a failure, not a gap.
    idle
        Samples that show that somebody looked: then having none of one's own is a quiet time, not blindness.
    """

    system: Place
    metric: str
    source: str
    how: How
    limit: float | None
    minimum: int = 1
    requests: bool = False
    idle: str = ""

    def judge(self, samples: Sequence[Sample]) -> Judged:
        """Return the verdict on the samples of a window; those of other metrics are left out."""
        mine = [s for s in samples if s.system == self.system and s.metric == self.source]
        if not mine:
            return self._nothing(samples)
        values = [s.value for s in mine if s.value is not None]
        blind = [s for s in mine if s.value is None]
        value = self._value(mine, values)
        if value is not None and self.limit is not None and value > self.limit and self._enough(mine):
            return self._judged(value, "red", self._why(value, mine))
        if blind and not self.requests:
            looks = f"{len(blind)} of {counted(len(mine), 'look')} saw nothing"
            return self._judged(value, "no data", f"{looks}: {blind[-1].reason}")
        if value is None:
            return self._judged(None, "no data", f"none of {counted(len(mine), 'request')} was answered")
        if not self._enough(mine):
            return self._judged(value, "not enough traffic", self._too_little(self._number(mine)))
        return self._judged(value, "green", self._why(value, mine))

    def _nothing(self, samples: Sequence[Sample]) -> Judged:
        others = (s for s in samples if (s.system, s.metric) == (self.system, self.idle))
        if any(s.value is not None for s in others):
            return self._judged(None, "not enough traffic", self._too_little(0))
        return self._judged(None, "no data", f"nothing measured {self.source}")

    def _too_little(self, number: float) -> str:
        return f"{number:g}, at least {self.minimum} are needed"

    def _enough(self, mine: Sequence[Sample]) -> bool:
        return self._number(mine) >= self.minimum

    def _number(self, mine: Sequence[Sample]) -> float:
        """Return how much was looked at."""
        return math.fsum(s.value or 0 for s in mine) if "sum" in self.how else len(mine)

    def _value(self, mine: Sequence[Sample], values: Sequence[float]) -> float | None:
        if self.how == "number":
            return len(mine)
        if self.how == "share of failures":
            return sum(not s.ok for s in mine) / len(mine)
        if self.how == "share of the sum":
            all_of_it = math.fsum(values)
            return math.fsum(s.value or 0 for s in mine if not s.ok) / all_of_it if all_of_it else 0
        ways: dict[How, Callable[[Sequence[float]], float]] = {"most": max, "sum": math.fsum}
        ways |= {"p50": lambda v: percentile(v, 50), "p95": lambda v: percentile(v, 95)}
        return ways[self.how](values) if values else None

    def _why(self, value: float, mine: Sequence[Sample]) -> str:
        limit = "" if self.limit is None else f", at most {self._shown(self.limit)}"
        of = f" of {self._number(mine):g}" if self.how not in ("number", "most", "sum") else ""
        reasons = [s.reason for s in mine if s.reason and not s.ok]
        said = f"; the last: {reasons[-1]}" if reasons else ""
        return f"{self._shown(value)}{of}{limit}{said}"

    def _shown(self, value: float) -> str:
        return f"{100 * value:.3g} %" if self.how.startswith("share") else f"{value:.4g}"

    def _judged(self, value: float | None, verdict: Verdict, reason: str) -> Judged:
        return Judged(self.system, self.metric, value, verdict, reason)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: the smallest value that ``percent`` of 100 values do not exceed.

    Examples
    --------
    >>> percentile([3.0, 1.0, 2.0], 50), percentile([1.0, 2.0], 95)
    (2.0, 2.0)
    """
    return sorted(values)[max(math.ceil(percent / 100 * len(values)), 1) - 1]


def rules(config: Config) -> tuple[Rule, ...]:
    """Return everything that a window of this pair is judged by."""
    watch = config.watch
    return (
        *(rule for system in SYSTEMS for rule in _of_answers(watch, system)),
        *_of_rows(config),
        *_of_tasks(watch),
        *_of_invariants(watch),
        *(Rule(s, metric_of(j), metric_of(j), "share of failures", 0) for j in chosen(config) for s in sides_of(j)),
        Rule("both", "database", "database", "share of failures", 0, requests=True),
        Rule("both", "connections_share", "connections_share", "most", watch.limits.connections_share),
        Rule("both", "clock_s", "clock_s", "most", watch.limits.clock_s),
        *(Rule(m.system, m.name, m.name, "most", m.limit) for m in watch.measures),
    )


def _of_answers(watch: Watch, system: Place) -> Iterator[Rule]:
    limits, least = watch.limits, watch.min_requests
    yield Rule(system, "requests", "request_ms", "number", None, least, requests=True)
    yield Rule(system, "error_rate", "request_ms", "share of failures", limits.error_rate, least, requests=True)
    yield Rule(system, "latency_p50_ms", "request_ms", "p50", limits.latency_p50_ms, least, requests=True)
    yield Rule(system, "latency_p95_ms", "request_ms", "p95", limits.latency_p95_ms, least, requests=True)
    for probe in watch.probes:
        yield Rule(system, probe.name, f"{probe.name}_ms", "share of failures", limits.error_rate, requests=True)
    if system in watch.logs:
        yield Rule(system, "access_requests", "access", "sum", None, 0)
        yield Rule(system, "access_error_rate", "access", "share of the sum", limits.error_rate, least)


def _of_rows(config: Config) -> Iterator[Rule]:
    watch = config.watch
    unknown = {pair.table for pair in config.models} - watch.writer.keys()
    writers: list[Place] = [*(SYSTEMS if watch.writer else ()), *(["both"] if unknown else ())]
    for writer in writers:
        limit = watch.limits.parity_lag_s
        yield Rule(writer, "parity_lag_p95_s", "parity_lag_s", "p95", limit, watch.min_rows, idle="parity_rows")
        yield Rule(writer, "parity_rows", "parity_rows", "sum", None, watch.min_rows)
        yield Rule(writer, "parity_differences", "parity_different", "sum", 0, 0)
    if watch.files:
        for system in SYSTEMS:
            yield Rule(system, "files_found", "files_found", "sum", None)
            yield Rule(system, "files_missing", "files_missing", "sum", 0, 0)


def _of_tasks(watch: Watch) -> Iterator[Rule]:
    if watch.tasks is None:
        return
    systems: tuple[Place, ...] = SYSTEMS if watch.tasks.table in watch.writer else ("both",)
    for system in systems:
        yield Rule(system, "tasks_started", "tasks_started", "sum", None, watch.min_tasks)
        yield Rule(system, "tasks_finished", "tasks_finished", "sum", None, watch.min_tasks)
        yield Rule(system, "tasks_failed_share", "tasks_failed_share", "most", watch.limits.tasks_failed_share)
        yield Rule(system, "tasks_stuck", "tasks_stuck", "most", watch.limits.tasks_stuck)


def _of_invariants(watch: Watch) -> Iterator[Rule]:
    names = ["choices", "orphans", *(["progress"] if watch.progress else []), *(i.name for i in watch.invariants)]
    yield from (Rule("both", f"invariant_{name}", f"invariant_{name}", "most", 0) for name in names)
