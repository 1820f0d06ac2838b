"""Declared flows, made on each system again and again: traffic for the idle one, too."""

import time
from collections.abc import Iterator, Mapping

import httpx

from handover.config.config import Config
from handover.config.journey import Journey
from handover.errors import ConfigurationError
from handover.journeys.result import JourneyResult
from handover.journeys.run import run
from handover.parallel.sample import Sample, measured, unmeasured
from handover.side import Side

ALL = "*"


class Walker:
    """Makes one flow on one system, and waits ``journeys_every_s`` before the next time."""

    def __init__(self, config: Config, journey: Journey, side: Side, client: httpx.Client) -> None:
        self._config, self._journey, self._side, self._client = config, journey, side, client
        self._next = float("-inf")

    def look(self) -> Iterator[Sample]:
        """Make the flow once when it is time."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._config.watch.journeys_every_s
        urls = base_urls(self._config)
        result = run(self._journey, urls, on=self._side, client=self._client, root=self._config.root)
        yield from _samples(result)


def walkers(config: Config, client: httpx.Client) -> list[Walker]:
    """Return who makes which flow where."""
    return [Walker(config, journey, side, client) for journey in chosen(config) for side in sides_of(journey)]


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


def sides_of(journey: Journey) -> tuple[Side, ...]:
    """Return where a flow is made: on both systems, or once when every step names its own."""
    floating = any(step.on in ("either", "other") for step in journey.steps)
    return (Side.ORIGINAL, Side.BACKEND) if floating else (Side.ORIGINAL,)


def metric_of(journey: Journey) -> str:
    """Return the name of the metric that says whether a flow went well."""
    return f"journey {journey.name}"


def base_urls(config: Config) -> Mapping[Side, str]:
    """Return where each system answers."""
    urls: dict[Side, str | None] = {Side.ORIGINAL: config.system(Side.ORIGINAL).base_url}
    urls[Side.BACKEND] = config.backend.base_url
    return {side: url for side, url in urls.items() if url}


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
