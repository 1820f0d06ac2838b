"""The rules that judge a window: a metric, how its samples become one value, and the limit of that value.

The rules follow from ``handover.toml`` alone, never from the samples. So a metric without samples is not overlooked.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from handover.config.config import Config
from handover.config.parallel import SideOrBoth, Watch
from handover.parallel.access_log import OWN, PEOPLE
from handover.parallel.sample import Sample
from handover.parallel.traffic import LEFT_OUT, chosen, left_out, metric_of
from handover.side import Side
from handover.wording import counted

WindowVerdict = Literal["green", "red", "no data", "not enough traffic"]
How = Literal["p50", "p95", "share of failures", "share of the sum", "number", "most", "sum"]


@dataclass(frozen=True)
class MetricVerdict:
    """The verdict on one metric of one window; ``value`` is None when nothing could be measured."""

    system: SideOrBoth
    metric: str
    value: float | None
    verdict: WindowVerdict
    reason: str


@dataclass(frozen=True)
class MetricRule:
    """How one metric is judged.

    Attributes
    ----------
    system, metric
        What the verdict is about.
    source
        The metric of the samples that it is made from.
    how
        How the samples become one value: nearest-rank percentile, share of samples or of their sum that failed,
        number, largest or sum.
    limit
        The largest green value; None when every value is green.
    minimum
        Fewer samples (of ``sum``: a smaller value) are "not enough traffic".
    requests
        The samples are requests: a request without an answer is a failure, not a gap.
    idle
        Another metric whose samples prove that the measurement ran. If it has samples and ``source`` has none, there
        was no traffic; without it, there is no data. Its samples may give the reason.
    beside
        Another metric whose samples are judged with these as long as these alone are fewer than ``minimum``.
    """

    system: SideOrBoth
    metric: str
    source: str
    how: How
    limit: float | None
    minimum: int = 1
    requests: bool = False
    idle: str = ""
    beside: str = ""

    def judge(self, samples: Sequence[Sample]) -> MetricVerdict:
        """Return the verdict on the samples of a window; samples of other metrics are ignored."""
        mine = [s for s in samples if s.system == self.system and s.metric == self.source]
        if self.beside and mine and not self._enough(mine):
            mine += [s for s in samples if s.system == self.system and s.metric == self.beside]
        if not mine:
            return self._nothing(samples)
        values = [s.value for s in mine if s.value is not None]
        gaps = [s for s in mine if s.value is None]
        value = self._value(mine, values)
        if value is not None and self.limit is not None and value > self.limit and self._enough(mine):
            return self._judged(value, "red", self._why(value, mine))
        if gaps and not self.requests:
            missing = f"{len(gaps)} of {counted(len(mine), 'sample')} could not be measured"
            return self._judged(value, "no data", f"{missing}: {gaps[-1].reason}")
        if value is None:
            return self._judged(None, "no data", f"none of {counted(len(mine), 'request')} was answered")
        if not self._enough(mine):
            return self._judged(value, "not enough traffic", self._too_little(self._number(mine)))
        return self._judged(value, "green", self._why(value, mine))

    def _nothing(self, samples: Sequence[Sample]) -> MetricVerdict:
        others = [s for s in samples if (s.system, s.metric) == (self.system, self.idle) and s.value is not None]
        if others:
            return self._judged(None, "not enough traffic", others[-1].reason or self._too_little(0))
        return self._judged(None, "no data", f"nothing measured {self.source}")

    def _too_little(self, number: float) -> str:
        return f"{number:g}, at least {self.minimum} are needed"

    def _enough(self, mine: Sequence[Sample]) -> bool:
        return self._number(mine) >= self.minimum

    def _number(self, mine: Sequence[Sample]) -> float:
        """Return how much was measured."""
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

    def _judged(self, value: float | None, verdict: WindowVerdict, reason: str) -> MetricVerdict:
        return MetricVerdict(self.system, self.metric, value, verdict, reason)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: the smallest value that ``percent`` of 100 values do not exceed.

    Examples
    --------
    >>> percentile([3.0, 1.0, 2.0], 50), percentile([1.0, 2.0], 95)
    (2.0, 2.0)
    """
    return sorted(values)[max(math.ceil(percent / 100 * len(values)), 1) - 1]


def rules(config: Config) -> tuple[MetricRule, ...]:
    """Return all rules for a window of this pair."""
    watch = config.watch
    return (
        *(rule for system in Side for rule in _of_answers(watch, system)),
        *_of_rows(config),
        *_of_tasks(watch),
        *_of_invariants(watch),
        *_of_journeys(config),
        MetricRule("both", "database", "database", "share of failures", 0, requests=True),
        MetricRule("both", "connections_share", "connections_share", "most", watch.limits.connections_share),
        MetricRule("both", "clock_s", "clock_s", "most", watch.limits.clock_s),
        *(MetricRule(m.system, m.name, m.name, "most", m.limit) for m in watch.measures),
    )


def _of_journeys(config: Config) -> Iterator[MetricRule]:
    for journey in chosen(config):
        metric = metric_of(journey)
        idle = left_out(journey)
        yield from (MetricRule(side, metric, metric, "share of failures", 0, idle=idle) for side in journey.sides)


def _of_answers(watch: Watch, system: SideOrBoth) -> Iterator[MetricRule]:
    limits, least = watch.limits, watch.min_requests
    yield MetricRule(system, "requests", "request_ms", "number", None, least, requests=True, idle=LEFT_OUT)
    yield MetricRule(
        system, "error_rate", "request_ms", "share of failures", limits.error_rate, least, requests=True, idle=LEFT_OUT
    )
    yield MetricRule(
        system, "latency_p50_ms", "request_ms", "p50", limits.latency_p50_ms, least, requests=True, idle=LEFT_OUT
    )
    yield MetricRule(
        system, "latency_p95_ms", "request_ms", "p95", limits.latency_p95_ms, least, requests=True, idle=LEFT_OUT
    )
    for probe in watch.probes:
        yield MetricRule(system, probe.name, f"{probe.name}_ms", "share of failures", limits.error_rate, requests=True)
    if system in watch.logs:
        yield MetricRule(system, "access_requests", PEOPLE, "sum", None, 0)
        # Before the switch the idle system answers the toolkit alone; people's requests, once they come, count alone.
        most = limits.error_rate
        yield MetricRule(system, "access_error_rate", PEOPLE, "share of the sum", most, least, beside=OWN)


def _of_rows(config: Config) -> Iterator[MetricRule]:
    watch = config.watch
    unknown = {pair.table for pair in config.models} - watch.writer.keys()
    writers: list[SideOrBoth] = [*(Side if watch.writer else ()), *(["both"] if unknown else ())]
    for writer in writers:
        limit = watch.limits.parity_lag_s
        yield MetricRule(writer, "parity_lag_p95_s", "parity_lag_s", "p95", limit, watch.min_rows, idle="parity_rows")
        yield MetricRule(writer, "parity_rows", "parity_rows", "sum", None, watch.min_rows)
        yield MetricRule(writer, "parity_differences", "parity_different", "sum", 0, 0)
    if watch.files:
        for system in Side:
            yield MetricRule(system, "files_found", "files_found", "sum", None)
            yield MetricRule(system, "files_missing", "files_missing", "sum", 0, 0)


def _of_tasks(watch: Watch) -> Iterator[MetricRule]:
    if watch.tasks is None:
        return
    systems: tuple[SideOrBoth, ...] = tuple(Side) if watch.tasks.table in watch.writer else ("both",)
    for system in systems:
        yield MetricRule(system, "tasks_started", "tasks_started", "sum", None, watch.min_tasks)
        yield MetricRule(system, "tasks_finished", "tasks_finished", "sum", None, watch.min_tasks)
        yield MetricRule(system, "tasks_failed_share", "tasks_failed_share", "most", watch.limits.tasks_failed_share)
        yield MetricRule(system, "tasks_stuck", "tasks_stuck", "most", watch.limits.tasks_stuck)


def _of_invariants(watch: Watch) -> Iterator[MetricRule]:
    names = ["choices", "orphans", *(["progress"] if watch.progress else []), *(i.name for i in watch.invariants)]
    yield from (MetricRule("both", f"invariant_{name}", f"invariant_{name}", "most", 0) for name in names)
