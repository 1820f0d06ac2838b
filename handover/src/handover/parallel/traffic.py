"""Declared flows, run on each system again and again, so that an idle system has traffic, too."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import httpx

from handover.config.config import Config
from handover.config.journey import Journey
from handover.errors import ConfigurationError
from handover.http_client import http_client
from handover.journal.own_requests import own_key
from handover.journeys.result import JourneyResult
from handover.journeys.run import run_journey
from handover.parallel.sample import Sample, measured, unmeasured
from handover.side import Side

ALL = "*"
Look = Callable[[], Iterable[Sample]]
IsReadOnly = Callable[[], bool]
LEFT_OUT = "left_out"
WHY_LEFT_OUT = "flows that write through the original are left out: it can only read now"


class JourneyRunner:
    """Runs one flow on one system, at most every ``journeys_every_s``.

    ``look`` reads what a step has written. While ``is_read_only``, a flow that writes through the original is left out.
    Each run opens connections of its own: a server may close one that is idle between two runs.
    """

    def __init__(self, config: Config, journey: Journey, side: Side, look: Look, is_read_only: IsReadOnly) -> None:
        self._config, self._journey, self._side, self._look = config, journey, side, look
        self._client: httpx.Client | None = None
        self._is_read_only = is_read_only
        self._next = float("-inf")

    def close(self) -> None:
        """Close the connections of the run that goes on."""
        if self._client:
            self._client.close()

    def samples(self) -> Iterator[Sample]:
        """Run the flow once if it is due."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._config.watch.journeys_every_s
        if self._cannot_write():
            yield from self._left_out()
            return
        rows: list[Sample] = []
        key = own_key(self._config)
        with http_client(timeout_s=self._config.watch.timeout_s, key=key) as self._client:
            result = run_journey(
                self._journey,
                base_urls(self._config),
                on=self._side,
                client=self._client,
                root=self._config.root,
                key=key,
                after_write=lambda: rows.extend(self._look()),
            )
        yield from rows
        # Read-only mode may have begun while the flow ran.
        yield from self._left_out() if result.failures and self._cannot_write() else _samples(result)

    def _cannot_write(self) -> bool:
        return self._journey.writes_on(Side.ORIGINAL, self._side) and self._is_read_only()

    def _left_out(self) -> Iterator[Sample]:
        for metric in (LEFT_OUT, left_out(self._journey)):
            yield measured(self._side, metric, 1, reason=WHY_LEFT_OUT)


def journey_runners(config: Config, look: Look, is_read_only: IsReadOnly) -> list[JourneyRunner]:
    """Return a runner for each chosen flow and system.

    Parameters
    ----------
    config
        The pair.
    look
        Reads what a step has written.
    is_read_only
        Says whether the original can only read now.
    """
    return [
        JourneyRunner(config, journey, side, look, is_read_only) for journey in chosen(config) for side in journey.sides
    ]


def chosen(config: Config) -> tuple[Journey, ...]:
    """Return the flows that ``[watch]`` names.

    Raises
    ------
    ConfigurationError
        One of them is not declared.
    """
    if config.watch.journeys == (ALL,):
        return config.flows
    known = {flow.name: flow for flow in config.flows}
    if missing := [name for name in config.watch.journeys if name not in known]:
        there = ", ".join(sorted(known)) or "none"
        message = f"[watch] names the flow {missing[0]!r}, which [[flows]] does not declare; there is: {there}."
        raise ConfigurationError(f"{message} Correct `journeys`.")
    return tuple(known[name] for name in config.watch.journeys)


def metric_of(journey: Journey) -> str:
    """Return the name of the metric that says whether a flow succeeded."""
    return f"journey {journey.name}"


def left_out(journey: Journey) -> str:
    """Return the name of the metric that says how often a flow was left out."""
    return f"{LEFT_OUT} {journey.name}"


def base_urls(config: Config) -> Mapping[Side, str]:
    """Return where each system answers."""
    return {side: url for side in Side if (url := config.system(side).base_url)}


def _samples(result: JourneyResult) -> Iterator[Sample]:
    for step in result.steps:
        reason = f"{result.journey}, {step.title}: {step.failure}" if step.failure else ""
        if step.status is None:
            yield unmeasured(step.on, "request_ms", reason)
        else:
            yield measured(step.on, "request_ms", step.latency_ms, ok=not reason, reason=reason)
    failures = result.failures
    reason = failures[0] if failures else "" if result.steps else "it has no steps"
    yield measured(result.on, f"journey {result.journey}", 1, ok=not reason, reason=reason)
