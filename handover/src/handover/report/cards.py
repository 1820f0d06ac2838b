"""The first screen: one question each for the manager, the DBA and the developer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handover.cutover.gates import JudgedGate
from handover.cutover.states import DESCRIPTIONS, State
from handover.report.chart import number
from handover.report.timeline import Override, Signature
from handover.report.watched import LatestMeasure, Watched
from handover.side import Side
from handover.wording import counted

GREEN, RED, UNKNOWN = "green", "red", "unknown"
STATE_OF = {"green": GREEN, "red": RED, "no data": UNKNOWN, "not enough traffic": UNKNOWN}
UNITS = {
    "latency_p50_ms": "ms",
    "latency_p95_ms": "ms",
    "error_rate": "%",
    "connections_share": "%",
    "parity_lag_p95_s": "s",
}
BEFORE: tuple[State, ...] = ("none", "preparing", "beginning", "parallel", "rolled_back")


@dataclass(frozen=True)
class Fact:
    """One line of a card."""

    label: str
    value: str
    state: str


@dataclass(frozen=True)
class Card:
    """A reader's question with its answer; the answer is as bad as the worst fact."""

    reader: str
    question: str
    answer: str
    facts: tuple[Fact, ...]

    @property
    def state(self) -> str:
        """The worst of its facts; unknown without any."""
        return worst(fact.state for fact in self.facts)


def worst(states: Iterable[str]) -> str:
    """Return red if one is red, unknown if one is unknown or there are none, else green."""
    known = set(states)
    return RED if RED in known else UNKNOWN if UNKNOWN in known or not known else GREEN


def manager(
    state: State,
    gates: Sequence[JudgedGate] | None,
    signatures: Sequence[Signature],
    overrides: Sequence[Override],
    rollbacks: Sequence[tuple[datetime, Mapping[str, Any]]],
    budget_s: float,
) -> Card:
    """Return whether people may be moved, or whether the move holds.

    Parameters
    ----------
    state
        Of the move.
    gates, signatures, overrides
        What was judged, signed and overridden; ``gates`` is None when they could not be judged.
    rollbacks
        When each rollback was, and how long it took.
    budget_s
        How long a rollback may take, in seconds.
    """
    before = state in BEFORE
    facts = [_gates(gates)] if before or gates else []
    if before or signatures:
        holding = sum(one.holds for one in signatures)
        signed = GREEN if signatures and holding == len(signatures) else UNKNOWN
        facts.append(Fact("Sign-offs", f"{holding} of {len(signatures)}", signed))
    facts += [_way_back(gates, rollbacks, budget_s), _overridden(overrides)]
    if before:
        answer = {GREEN: "Yes. Every gate is green.", RED: "Not yet.", UNKNOWN: "That is not known yet."}[
            worst(f.state for f in facts)
        ]
        return Card("For the manager", "May people be moved?", answer, tuple(facts))
    return Card(
        "For the manager",
        "Where are we?",
        f"{DESCRIPTIONS[state].text[0].upper()}{DESCRIPTIONS[state].text[1:]}.",
        tuple(facts),
    )


def _gates(gates: Sequence[JudgedGate] | None) -> Fact:
    if not gates:
        return Fact("Gates", "not judged", UNKNOWN)
    green = sum(one.result.ok for one in gates)
    return Fact("Gates", f"{green} of {len(gates)} green", GREEN if green == len(gates) else RED)


def _way_back(
    gates: Sequence[JudgedGate] | None, rollbacks: Sequence[tuple[datetime, Mapping[str, Any]]], budget_s: float
) -> Fact:
    if rollbacks:
        took = rollbacks[-1][1]["total_s"]
        return Fact("Way back", f"took {took:.0f} s of {budget_s:.0f} s", GREEN if took <= budget_s else RED)
    rehearsed = [one for one in gates or () if one.gate.kind == "rehearsal"]
    if rehearsed:
        return Fact("Way back", rehearsed[0].result.found, GREEN if rehearsed[0].result.ok else RED)
    return Fact("Way back", "never rehearsed", UNKNOWN)


def _overridden(overrides: Sequence[Override]) -> Fact:
    if not overrides:
        return Fact("Overrides", "none", GREEN)
    return Fact("Overrides", f"{len(overrides)}, see below", RED)


def dba(gates: Sequence[JudgedGate] | None, watched: Watched) -> Card:
    """Return whether the data is safe."""
    facts = [
        *(_gate(gates, kind, label) for kind, label in (("check", "Schema"), ("backup", "Backup"))),
        _worst_of(watched, "parity_differences", "Read differently"),
        _worst_of(watched, "parity_lag_p95_s", "Read by the other in"),
        _worst_of(watched, "invariant_", "Broken invariants"),
        _worst_of(watched, "connections_share", "Connections"),
        _worst_of(watched, "database", "Database away"),
    ]
    state = worst(fact.state for fact in facts)
    answers = {GREEN: "Yes, as far as it was checked.", RED: "No.", UNKNOWN: "Not everything was checked."}
    return Card("For the DBA", "Is the data safe?", answers[state], tuple(facts))


def developer(state: State, watched: Watched, shadow: Mapping[str, Any] | None) -> Card:
    """Return whether both systems work; of an original that is being taken away, or is gone, nothing is asked.

    Parameters
    ----------
    state
        How far the move is.
    watched, shadow
        What the watch has seen, and the newest comparison of answers; None without one.
    """
    alone = state in ("cleaning", "cleaned")
    facts = []
    for side in (Side.BACKEND,) if alone else Side:
        for metric, says in (("error_rate", "errors"), ("latency_p95_ms", "p95")):
            measure, worst_value = watched.measure(side, metric), watched.worst(side, metric)
            facts.append(_of(measure, f"{side.capitalize()}, {says}", worst_value))
    tasks = [m for m in watched.measures if m.metric == "tasks_stuck"]
    facts += [_worst_of(watched, "tasks_stuck", "Tasks stuck")] if tasks else []
    facts += [] if alone else [_shadow(shadow)]
    answers = {GREEN: "Yes." if alone else "Yes, both.", RED: "No.", UNKNOWN: "Not everything was measured."}
    question = "Does the backend work?" if alone else "Do both systems work?"
    return Card("For the developer", question, answers[worst(fact.state for fact in facts)], tuple(facts))


def _gate(gates: Sequence[JudgedGate] | None, kind: str, label: str) -> Fact:
    found = [one for one in gates or () if one.gate.kind == kind]
    if not found:
        return Fact(label, "not judged", UNKNOWN)
    return Fact(label, found[0].result.found, GREEN if found[0].result.ok else RED)


def _worst_of(watched: Watched, prefix: str, label: str) -> Fact:
    mine = [m for m in watched.measures if m.metric.startswith(prefix)]
    if not mine:
        return Fact(label, "not watched", UNKNOWN)
    state = worst(STATE_OF[m.verdict] for m in mine)
    at_fault = next((m for m in mine if STATE_OF[m.verdict] == state and state != GREEN), None)
    if at_fault:
        return _of(at_fault, label)
    top = max(mine, key=lambda m: m.value or 0)
    return _of(top, label)


def _of(measure: LatestMeasure, label: str, worst_value: float | None = None) -> Fact:
    """Return the latest value of a measure, and the worst there was where that is another."""
    state = STATE_OF[measure.verdict]
    if measure.value is None:
        return Fact(label, measure.verdict, state)
    value = _shown(measure.metric, measure.value)
    said = f"{measure.verdict} now, was {value}" if state == UNKNOWN else value
    if worst_value is not None and worst_value > measure.value:
        said = f"{said}, worst {_shown(measure.metric, worst_value)}"
    return Fact(label, said, state)


def _shown(metric: str, value: float) -> str:
    unit = UNITS.get(metric, "")
    return number(value * 100 if unit == "%" else value, unit)


def _shadow(summary: Mapping[str, Any] | None) -> Fact:
    if summary is None:
        return Fact("Same answers", "never compared", UNKNOWN)
    compared, different = summary["compared"], summary["different"]
    state = RED if different else GREEN if compared and summary["exit_code"] == 0 else UNKNOWN
    return Fact("Same answers", f"{compared - different} of {counted(compared, 'read')}", state)
