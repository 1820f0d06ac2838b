"""A run of the proofs: each group is run, judged by the contract, and recorded as evidence."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import psycopg

from handover.check import contract
from handover.config.config import Config
from handover.errors import HandoverError
from handover.finding import Finding
from handover.journal.evidence import EvidenceError, Recorder, latest
from handover.proof.actor import actors
from handover.proof.groups import GROUPS, Group
from handover.proof.outcome import Failure, Outcome
from handover.proof.target import ProofTarget
from handover.schema import catalog
from handover.schema.fingerprint import fingerprint

KIND = "prove"
ALL_GREEN, COULD_NOT_RUN, DIFFERENCES = 0, 1, 4


@dataclass(frozen=True)
class JudgedOutcome:
    """One outcome, judged by the contract.

    Attributes
    ----------
    name, title
        Name of the outcome, and what it shows.
    outcome
        What was found; it is empty when the group could not run.
    open
        Failures that the contract does not accept.
    accepted
        Failures that the contract accepts, with the reason.
    error
        Why the group could not run.
    seconds
        How long its group took.
    """

    name: str
    title: str
    outcome: Outcome
    open: tuple[Failure, ...] = ()
    accepted: tuple[tuple[Failure, str], ...] = ()
    error: str = ""
    seconds: float = 0.0

    @property
    def green(self) -> bool:
        """Whether it ran, no count is zero, and every difference is accepted."""
        return self.passes and not self.outcome.nothing

    @property
    def passes(self) -> bool:
        """Whether it is green, or had nothing to compare and no failure is open."""
        return not (self.error or self.open or self.outcome.empty)


@dataclass(frozen=True)
class ProofRun:
    """All outcomes of a run.

    Attributes
    ----------
    judged
        In the order of the strategy.
    idle
        Acceptances that match no failure; only known after a run of all groups.
    """

    judged: tuple[JudgedOutcome, ...]
    idle: tuple[contract.Accepted, ...] = ()

    @property
    def green(self) -> bool:
        """Whether every outcome is green or had nothing to compare."""
        return bool(self.judged) and all(one.passes for one in self.judged)

    @property
    def exit_code(self) -> int:
        """0 when all are green or had nothing to compare, 1 when a group could not run or compared nothing, else 4."""
        blind = (one.error or one.outcome.empty or (one.outcome.nothing and one.open) for one in self.judged)
        if any(blind) or not self.judged:
            return COULD_NOT_RUN
        return ALL_GREEN if self.green else DIFFERENCES


@dataclass
class _Part:
    group: Group
    outcomes: tuple[Outcome, ...] = ()
    error: str = ""
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)


def run(target: ProofTarget, groups: Iterable[Group], recorder: Recorder, today: date) -> ProofRun:
    """Run groups one after another; a group that cannot run is red, and the next one is run.

    Parameters
    ----------
    target
        Where to act.
    groups
        The groups to run.
    recorder
        Gets a line of ``groups`` for each outcome, and the summary.
    today
        The day that decides which acceptances still hold.
    """
    agreed = contract.load(contract.path_of(target.config)).of_proofs()
    recorder.summary |= _where(target)
    parts = []
    for group in groups:
        target.say(f"{group.name} ...")
        parts.append(_run_one(target, group, recorder))
    findings = [f.finding for part in parts for outcome in part.outcomes for f in outcome.failures]
    judged = contract.judge(agreed, findings, today)
    result = ProofRun(
        tuple(j for part in parts for j in _judge(part, judged)), judged.idle if len(parts) == len(GROUPS) else ()
    )
    for one in result.judged:
        recorder.line("groups", as_line(one))
    recorder.summary |= {"groups": {one.name: as_line(one) for one in result.judged}, "green": result.green}
    return result


def _run_one(target: ProofTarget, group: Group, recorder: Recorder) -> _Part:
    began = time.monotonic()
    try:
        outcomes = group.load()(target, recorder)
    except (HandoverError, psycopg.Error, ImportError, OSError) as error:
        return _Part(group, error=f"{error}", seconds=time.monotonic() - began)
    found = outcomes if isinstance(outcomes, tuple) else (outcomes,)
    return _Part(group, found, seconds=time.monotonic() - began)


def _judge(part: _Part, judged: contract.JudgedFindings) -> Iterator[JudgedOutcome]:
    accepted = {id(finding): entry.because for finding, entry in judged.accepted}
    for name, title in zip(part.group.outcomes, part.group.titles, strict=True):
        outcome = next((o for o in part.outcomes if o.group == name), None)
        if outcome is None:
            error = part.error or f"the group gave no outcome {name}"
            yield JudgedOutcome(name, title, Outcome(name, {}), error=error, seconds=part.seconds)
            continue
        yield JudgedOutcome(
            name,
            title,
            outcome,
            tuple(f for f in outcome.failures if id(f.finding) not in accepted and f.finding.severity != "safe"),
            tuple((f, accepted[id(f.finding)]) for f in outcome.failures if id(f.finding) in accepted),
            seconds=part.seconds,
        )


def _where(target: ProofTarget) -> dict[str, Any]:
    """Return what the run is about: versions of both systems, the shape of the database, the size and the seed."""
    with actors(target) as both:
        versions = {side: actor.description.versions for side, actor in both.items()}
    with catalog.snapshot(target.owner_url) as connection:
        shape = fingerprint(catalog.read_catalog(connection))
    kind = "production, read only" if target.reads_only else "throw-away copy" if target.throwaway else "staging"
    return {"versions": versions, "fingerprint": shape, "on": kind, "size": target.size, "seed": target.seed}


def as_line(one: JudgedOutcome) -> dict[str, Any]:
    """Return an outcome in the form of the evidence and of ``--json``."""
    return {
        "group": one.name,
        "green": one.green,
        "counts": dict(one.outcome.counts),
        "empty": one.outcome.empty,
        "nothing": one.outcome.nothing if one.passes else "",
        "failures": [asdict(f.finding) | {"reproduce": f.reproduce, "caused_by": f.caused_by} for f in one.open],
        "accepted": [asdict(f.finding) | {"because": because} for f, because in one.accepted],
        "notes": one.outcome.notes,
        "figures": dict(one.outcome.figures),
        "error": one.error,
        "seconds": round(one.seconds, 3),
    }


def proved_findings(config: Config) -> tuple[Finding, ...]:
    """Return the findings of the last proof, accepted or not.

    Raises
    ------
    EvidenceError
        Nothing was proved yet, or the evidence was tampered with.
    """
    last = latest(config, KIND)
    if last is None:
        raise EvidenceError("nothing was proved yet, so nothing was found; run `handover prove` first.")
    lines = [f for group in last.summary["groups"].values() for f in (*group["failures"], *group["accepted"])]
    names = ("code", "where", "found", "expected", "todo", "severity", "hurts")
    return tuple(Finding(**{name: line[name] for name in names}) for line in lines)
