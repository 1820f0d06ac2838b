"""The state machine, the watch and what waits, as metrics of Prometheus: for a team's own dashboards and alerts.

Everything is read when it is asked for: from the journal and the windows of the watch, or from the copies on this
machine when the database is away. The systems and the name servers are not asked.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from handover.config.config import Config
from handover.cutover.attempt import FIRST, ended_attempts
from handover.cutover.position import Position, position_of
from handover.cutover.states import State
from handover.errors import HandoverError
from handover.evolve.position import begun_evolutions, evolution_position
from handover.evolve.states import EVOLVE_STATES
from handover.journal.delivery import waiting
from handover.journal.entry import JournalEntry
from handover.journal.journal import Journal
from handover.report import timeline
from handover.report.watched import Watched, read_watched

VERDICTS = ("green", "red", "no data", "not enough traffic")
# How far back a window counts as the latest of its metric.
REACH = timedelta(hours=1)


class NightCollector(Collector):
    """Reads a pair when it is asked; made for a registry of ``prometheus_client``.

    Attributes
    ----------
    config
        The pair.
    trouble
        Why it could not be read the last time; None when it was. ``handover_readable`` says so as well.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.trouble: HandoverError | None = None

    def describe(self) -> Iterator[Metric]:
        """Yield nothing: a registry need not read the pair when it gets this."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, as it is now."""
        says = "Whether the journal or its copy can be read; nothing else is told when it cannot."
        self.trouble, found = None, []
        try:
            found = list(self._read())
        except HandoverError as error:
            self.trouble = error
        yield GaugeMetricFamily("handover_readable", says, float(bool(found)))
        yield from found

    def _read(self) -> Iterator[Metric]:
        journal = Journal(self.config)
        try:
            entries = journal.entries()
            away = bool(journal.trouble)
            now = datetime.now(UTC)
            watched = read_watched(self.config, journal, now - REACH, now)
        finally:
            journal.close()
        yield GaugeMetricFamily("handover_database_up", "Whether the journal's database answers.", float(not away))
        yield from _of_move(position_of(entries))
        yield from _of_entries(entries)
        yield from _of_watch(watched)
        yield from _of_evolutions(entries)
        yield _labelled("handover_events_waiting", "Entries that a sink has not taken.", "sink", waiting(self.config))


def metrics_text(collector: NightCollector) -> str:
    """Return every metric in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry).decode()


def _of_move(position: Position) -> Iterator[Metric]:
    now = {state: float(state == position.state) for state in get_args(State)}
    yield _labelled("handover_state", "The state of the move: 1 for the present one.", "state", now)
    since = position.since.timestamp() if position.since else 0.0
    yield GaugeMetricFamily("handover_state_since_timestamp_seconds", "When the present state was entered.", since)
    run = position.run
    under_way = {run.command: 1.0} if run else {}
    yield _labelled("handover_under_way", "A command that has begun and not ended.", "command", under_way)
    failed = float(bool(run and run.error))
    yield GaugeMetricFamily("handover_under_way_failed", "Whether the last action of that command failed.", failed)
    yield GaugeMetricFamily("handover_paused", "Whether everything is paused.", float(position.paused is not None))
    conflict = float(bool(position.conflict))
    yield GaugeMetricFamily("handover_journal_conflict", "Whether entries contradict each other.", conflict)


def _of_entries(entries: list[JournalEntry]) -> Iterator[Metric]:
    kinds = Counter(entry.kind for entry in entries)
    counted = CounterMetricFamily("handover_journal_entries", "Entries of the journal, by kind.", labels=["kind"])
    for kind, number in sorted(kinds.items()):
        counted.add_metric([kind], number)
    yield counted
    ended = len(ended_attempts(entries))
    yield CounterMetricFamily("handover_rollbacks", "Rollbacks that came to their end.", ended)
    yield GaugeMetricFamily("handover_attempt", "The number of the present attempt.", ended + FIRST)
    overridden = len(timeline.overrides(entries))
    yield CounterMetricFamily("handover_overrides", "What was done although it was red.", overridden)
    took = timeline.rollback_times(entries)
    seconds = {"last": float(took[-1][1]["total_s"])} if took and "total_s" in took[-1][1] else {}
    yield _labelled("handover_rollback_seconds", "How long a rollback took, decision to last look.", "which", seconds)


def _of_watch(watched: Watched) -> Iterator[Metric]:
    names = ["system", "metric"]
    value = GaugeMetricFamily("handover_window_value", "A metric in its latest window.", labels=names)
    verdict = GaugeMetricFamily(
        "handover_window_verdict", "The verdict on it: 1 for the one that holds.", labels=[*names, "verdict"]
    )
    for measure in watched.measures:
        of = [str(measure.system), measure.metric]
        if measure.value is not None:
            value.add_metric(of, measure.value)
        for one in VERDICTS:
            verdict.add_metric([*of, one], float(measure.verdict == one))
    yield value
    yield verdict
    last = max((window.end for window in watched.windows), default=None)
    ended = last.timestamp() if last else 0.0
    yield GaugeMetricFamily("handover_watch_last_window_timestamp_seconds", "When the last window ended.", ended)


def _of_evolutions(entries: list[JournalEntry]) -> Iterator[Metric]:
    found = GaugeMetricFamily(
        "handover_evolution_state",
        "The state of each evolution that began: 1 for the present one.",
        labels=["evolution", "state"],
    )
    for name in begun_evolutions(entries):
        present = evolution_position(entries, name).state
        for state in EVOLVE_STATES:
            found.add_metric([name, state], float(state == present))
    yield found


def _labelled(name: str, says: str, label: str, values: dict[str, float] | dict[str, int]) -> Metric:
    found = GaugeMetricFamily(name, says, labels=[label])
    for one, value in values.items():
        found.add_metric([one], float(value))
    return found
