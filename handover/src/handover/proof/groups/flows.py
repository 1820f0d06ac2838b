"""Journeys over HTTP: what people do on one system, seen on the other, in both directions."""

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpx
import psycopg
from psycopg import sql

from handover.config import SideName, from_environment
from handover.errors import ConfigurationError, Finding, Hurts
from handover.evidence.folder import Recorder
from handover.journeys.journey import Journey
from handover.journeys.result import JourneyResult
from handover.journeys.run import TIMEOUT_S, run
from handover.proof.addresses import VARIABLES, base_urls
from handover.proof.outcome import Failure, Outcome
from handover.proof.venue import Venue

GROUP = "flows"
# What went wrong in a step, see `StepResult.kind`.
CODES = {"status": "HO403", "unfinished": "HO404", "content": "HO405", "silent": "HO406"}
LINES = 5
# An idle session reports what it has written after 10 s (PGSTAT_IDLE_INTERVAL), one that ends at once.
TOLD_WITHIN_S, ASK_AGAIN_S = 12.0, 0.1


def prove(venue: Venue, recorder: Recorder) -> Outcome:
    """Make every flow of ``handover.toml``, on each system that it can be run on.

    The systems must be running on this database: a flow that leaves no trace in any mapped table was made elsewhere and
    proves nothing here.

    Returns
    -------
    Outcome
        Counts ``journeys`` (runs), ``steps`` and ``requests``. Figures hold the slowest step in milliseconds.
    """
    flows = [flow for flow in venue.config.flows if not flow.stores]
    counts = {"journeys": 0, "steps": 0, "requests": 0}
    if not flows:
        found, todo = (
            "are not described: handover.toml has no [[flows]]",
            "Write down what people do: docs/reference/handover-toml.md.",
        )
        return Outcome(GROUP, counts, (_failure("HO400", found, todo),))
    urls = base_urls(venue.config)
    if unreachable := list(_unreachable(urls)):
        return Outcome(GROUP, counts, tuple(unreachable))
    results: list[JourneyResult] = []
    failures: list[Failure] = []
    before = _changes(venue)
    for flow in flows:
        for side in flow.sides:
            venue.say(f"{flow.name}, on the {side}")
            result = run(flow, urls, on=side, root=venue.config.root)
            results.append(result)
            failures += _failures(flow, result)
            _record(recorder, result)
    if not _left_traces(venue, before):
        failures.append(_elsewhere())
    steps = [step for result in results for step in result.steps]
    counts = {"journeys": len(results), "steps": len(steps), "requests": sum(step.tries for step in steps)}
    figures = {"slowest_step_ms": max((step.latency_ms for step in steps), default=0.0)}
    return Outcome(GROUP, counts, tuple(failures), (), figures)


def _unreachable(urls: dict[SideName, str]) -> Iterable[Failure]:
    """Yield the systems that have no address, or do not answer there, whatever they answer."""
    for side, variable in VARIABLES.items():
        if side not in urls:
            found, todo = f"is not known: [{side}] has no base_url", f"Add it to handover.toml, or set {variable}."
            yield _failure("HO401", found, todo, where=f"address of the {side}", hurts=side)
            continue
        try:
            httpx.get(urls[side], timeout=TIMEOUT_S)
        except httpx.HTTPError as error:
            found = f"does not answer at {urls[side]} ({type(error).__name__}); no flow was made"
            todo = f"Start it on this database, or set {variable}."
            yield _failure("HO401", found, todo, where=f"the {side}", hurts=side)


def _failures(flow: Journey, result: JourneyResult) -> Iterable[Failure]:
    failed = [step for step in result.steps if step.failure]
    for step, words in zip(failed, result.failures, strict=True):
        todo = f"{step.method} {step.path} there by hand, after the steps before it."
        where = f"flow {flow.name!r} on the {result.on}"
        finding = Finding(CODES[step.kind or ""], where, f"fails in {words}", "", todo, "breaking", step.on)
        done = [f"{s.method} {s.path} on the {s.on}: {s.status}" for s in result.steps[: result.steps.index(step) + 1]]
        yield Failure(finding, tuple(done[-LINES:]))


def _record(recorder: Recorder, result: JourneyResult) -> None:
    for step in result.steps:
        recorder.line("flows", {"flow": result.journey, "run_on": result.on, **vars(step)})


def _changes(venue: Venue) -> dict[str, int]:
    """Return how many rows of the mapped tables were ever written, for each database where the systems may be."""
    urls = {"of the venue": venue.owner_url}
    with suppress(ConfigurationError):  # the venue may have been named by itself
        urls["that handover.toml names"] = from_environment(venue.config.database.url_env, "the database URL")
    return {name: _written(url, [pair.table for pair in venue.config.models]) for name, url in urls.items()}


def _written(url: str, tables: list[str]) -> int:
    query = sql.SQL(
        "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables"
        " WHERE relname = ANY(%s) OR schemaname || '.' || relname = ANY(%s)"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        row: Any = connection.execute(query, [tables, tables]).fetchone()
    return int(row[0])


def _left_traces(venue: Venue, before: dict[str, int]) -> bool:
    """Say whether rows were written meanwhile; PostgreSQL tells so up to ten seconds later."""
    deadline = time.monotonic() + TOLD_WITHIN_S
    while _changes(venue) == before:
        if time.monotonic() > deadline:
            return False
        time.sleep(ASK_AGAIN_S)
    return True


def _elsewhere() -> Failure:
    found = "wrote no row of any mapped table of this database: the running systems are on another one"
    return _failure("HO402", found, "Start them on this database, or prove on theirs: --database.")


def _failure(code: str, found: str, todo: str, where: str = GROUP, hurts: Hurts = "both") -> Failure:
    return Failure(Finding(code, where, found, "", todo, "unseen", hurts))
