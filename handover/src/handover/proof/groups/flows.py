"""Flows over HTTP: what people do on one system must show on the other, in both directions."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from psycopg import sql

from handover.config.config import from_environment
from handover.config.journey import Journey
from handover.errors import ConfigurationError
from handover.finding import Finding, Hurts
from handover.http_client import get
from handover.journal.evidence import Recorder
from handover.journal.own_requests import own_key
from handover.journeys.result import JourneyResult
from handover.journeys.run import TIMEOUT_S, run_journey
from handover.proof.addresses import VARIABLES, base_urls
from handover.proof.outcome import Failure, Outcome
from handover.proof.target import ProofTarget
from handover.side import Side
from handover.wording import page_address

GROUP = "flows"
# Kind of a failed step, see `StepResult.kind`, and its code.
CODES = {"status": "HO403", "unfinished": "HO404", "content": "HO405", "silent": "HO406"}
LINES = 5


def prove(target: ProofTarget, recorder: Recorder) -> Outcome:
    """Run every flow of ``handover.toml`` on each system that it can run on.

    The systems must be running on this database, or on the one that it is a copy of. A flow whose ``{run}`` shows in
    no row of a mapped table ran on another database, and proves nothing here.

    Returns
    -------
    Outcome
        Counts ``journeys`` (runs), ``steps`` and ``requests``. Figures hold the slowest step in milliseconds.
    """
    flows = [flow for flow in target.config.flows if not flow.stores]
    counts = {"journeys": 0, "steps": 0, "requests": 0}
    if not flows:
        found, todo = (
            "are not described: handover.toml has no [[flows]]",
            f"Write down what people do ({page_address('reference/handover-toml', 'Flows')}). "
            "If the systems have no pages: "
            'handover contract accept HO400 flows --because "no pages"',
        )
        return Outcome(GROUP, counts, (_failure("HO400", found, todo),), nothing="no flow is described")
    urls = base_urls(target.config)
    if unreachable := list(_unreachable(urls)):
        return Outcome(GROUP, counts, tuple(unreachable))
    results: list[JourneyResult] = []
    failures: list[Failure] = []
    with _databases(target) as databases:
        for flow in flows:
            for side in flow.sides:
                target.say(f"{flow.name}, on the {side}")
                marker = _RunMarker(databases, secrets.token_hex(6))
                result = run_journey(
                    flow,
                    urls,
                    on=side,
                    root=target.config.root,
                    run_name=marker.text,
                    say=marker.search_rows,
                    key=own_key(target.config),
                )
                results.append(result)
                failures += _failures(flow, result)
                if not marker.found and not result.failures:
                    failures.append(_elsewhere(flow, side))
                _record(recorder, result)
    steps = [step for result in results for step in result.steps]
    counts = {"journeys": len(results), "steps": len(steps), "requests": sum(step.tries for step in steps)}
    figures = {"slowest_step_ms": max((step.latency_ms for step in steps), default=0.0)}
    return Outcome(GROUP, counts, tuple(failures), (), figures)


def _unreachable(urls: dict[Side, str]) -> Iterable[Failure]:
    """Yield the systems that have no address or do not answer there; any status counts as an answer."""
    for side, variable in VARIABLES.items():
        if side not in urls:
            found, todo = f"is not known: [{side}] has no base_url", f"Add it to handover.toml, or set {variable}."
            yield _failure("HO401", found, todo, where=f"address of the {side}", hurts=side)
            continue
        try:
            get(urls[side], timeout_s=TIMEOUT_S)
        except httpx.HTTPError as error:
            found = f"does not answer at {urls[side]} ({type(error).__name__}); no flow was run"
            todo = f"Start it on this database, or set {variable}."
            yield _failure("HO401", found, todo, where=f"the {side}", hurts=side)


def _failures(flow: Journey, result: JourneyResult) -> Iterable[Failure]:
    failed = [step for step in result.steps if step.failure]
    for step, words in zip(failed, result.failures, strict=True):
        todo = f"{step.method} {step.path} there by hand, after the steps before it."
        where = f"flow {flow.name!r} on the {result.on}"
        finding = Finding(
            code=CODES[step.kind or ""],
            where=where,
            found=f"fails in {words}",
            expected="",
            todo=todo,
            severity="breaking",
            hurts=step.on,
        )
        done = [f"{s.method} {s.path} on the {s.on}: {s.status}" for s in result.steps[: result.steps.index(step) + 1]]
        yield Failure(finding, tuple(done[-LINES:]))


def _record(recorder: Recorder, result: JourneyResult) -> None:
    for step in result.steps:
        recorder.line("flows", {"flow": result.journey, "run_on": result.on, **vars(step)})


@dataclass
class _RunMarker:
    """The text that marks one run; rows are searched for it after each step, before the flow removes what it made."""

    databases: Mapping[str, tuple[psycopg.Connection[Any], tuple[str, ...]]]
    text: str
    found: bool = False

    def search_rows(self, _line: str) -> None:
        self.found = self.found or any(self._is_in(*database) for database in self.databases.values())

    def _is_in(self, connection: psycopg.Connection[Any], tables: tuple[str, ...]) -> bool:
        query = "SELECT EXISTS (SELECT FROM {} AS handover_row WHERE handover_row::text LIKE %s)"
        asked = (sql.SQL(query).format(sql.Identifier(*table.split("."))) for table in tables)
        rows: Iterator[Any] = (connection.execute(one, [f"%{self.text}%"]).fetchone() for one in asked)
        return any(found for (found,) in rows)


@contextmanager
def _databases(target: ProofTarget) -> Iterator[dict[str, tuple[psycopg.Connection[Any], tuple[str, ...]]]]:
    """Open the database of the proof and the one that it may be a copy of; the systems may run on the second."""
    urls = {"target": target.owner_url}
    with suppress(ConfigurationError):  # the database may have been named with --database
        urls["source"] = from_environment(target.config.database.url_env, "the database URL")
    tables = tuple(pair.table for pair in target.config.models)
    with ExitStack() as stack:
        opened = {n: stack.enter_context(psycopg.connect(url, autocommit=True)) for n, url in urls.items()}
        yield {name: (connection, tables) for name, connection in opened.items()}


def _elsewhere(flow: Journey, side: Side) -> Failure:
    used = any("run" in step.needs() for step in flow.steps) or "{run}" in "".join(flow.variables.values())
    if not used:
        found = "has {run} in no step, so its rows cannot be found in any database"
        return _failure("HO402", found, "Let it write {run} into a row, for example as part of a title.", flow.name)
    found = f"left no row with its {{run}} in any mapped table after a run on the {side}: it uses another database"
    return _failure("HO402", found, "Start them on this database, or prove on theirs: --database.", flow.name)


def _failure(code: str, found: str, todo: str, where: str = GROUP, hurts: Hurts = "both") -> Failure:
    return Failure(Finding(code=code, where=where, found=found, expected="", todo=todo, severity="unseen", hurts=hurts))
