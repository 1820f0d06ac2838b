"""The gates before the switch: what each one finds, and whether people may be moved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from handover.config.config import Config
from handover.config.cutover import Gate, GateKind
from handover.cutover.attempt import FIRST
from handover.cutover.certificate import certificate_gate
from handover.cutover.context import RunContext
from handover.cutover.evidence_gates import backup_gate, capacity_gate, rehearsal_gate
from handover.cutover.gate_context import GateContext, GateResult, gate_context
from handover.cutover.live_gates import check_gate, proofs_gate, watch_gate
from handover.cutover.plan import CutoverPlan
from handover.cutover.sign import sign_offs_gate
from handover.cutover.ttl import ttl_gate
from handover.errors import HandoverError, Refused
from handover.finding import Finding
from handover.journal.journal import Journal
from handover.wording import page_address

RED_GATES = "HO549"


@dataclass(frozen=True)
class GateRule:
    """What a kind of gate looks at.

    Attributes
    ----------
    code
        Stable; of the finding when it is red.
    judge
        Looks, and returns what it found.
    live
        Whether it looks at things as they are now, or minds attempts itself; else it reads evidence, which belongs to
        the attempt that it was made for.
    """

    code: str
    judge: Callable[[GateContext, Gate], GateResult]
    live: bool = False


RULES: dict[GateKind, GateRule] = {
    "check": GateRule("HO540", check_gate, live=True),
    "proofs": GateRule("HO541", proofs_gate),
    "watch": GateRule("HO542", watch_gate),
    "backup": GateRule("HO543", backup_gate),
    "rehearsal": GateRule("HO544", rehearsal_gate),
    "capacity": GateRule("HO545", capacity_gate),
    "certificate": GateRule("HO546", certificate_gate, live=True),
    "ttl": GateRule("HO547", ttl_gate, live=True),
    "sign-offs": GateRule("HO548", sign_offs_gate, live=True),
}


@dataclass(frozen=True)
class JudgedGate:
    """A gate with what it found; ``because`` is why it was overridden, empty when it was not."""

    gate: Gate
    result: GateResult
    because: str = ""

    @property
    def open(self) -> bool:
        """Whether people may pass."""
        return self.result.ok or bool(self.because)

    def finding(self) -> Finding:
        """Return why it is red."""
        return Finding(
            code=RULES[self.gate.kind].code,
            where=f"gate {self.gate.id}",
            found=f"is red: {self.result.found}",
            expected=f"it is there because {self.gate.reason}",
            todo=self.result.todo,
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as the journal keeps it."""
        values = {"gate": self.gate.id, "kind": self.gate.kind, "ok": self.result.ok, "found": self.result.found}
        signatures = {"signatures": dict(self.result.signatures)} if self.result.signatures else {}
        return values | signatures | ({"overridden": self.because} if self.because else {})


def judge_gates(
    config: Config, journal: Journal, plan: CutoverPlan | None, overrides: Mapping[str, str] | None = None
) -> list[JudgedGate]:
    """Judge every declared gate; a gate that cannot be judged is red.

    Parameters
    ----------
    config, journal
        The pair and its journal.
    plan
        The plan that would be applied, or None.
    overrides
        Why to go on although a gate is red, by the gate's id.

    Raises
    ------
    Refused
        No gate is declared, or an override or ``untouched_gates`` names one that it may not.
    """
    if not config.gates:
        message = "handover.toml declares no [[gates]], so nothing says that people may be moved."
        raise Refused(f"{message} Declare them: {page_address('reference/handover-toml', 'The night')}", code=RED_GATES)
    overrides = overrides or {}
    ids = [gate.id for gate in config.gates]
    if unknown := sorted(set(overrides) - set(ids)):
        raise Refused(f"there is no gate {', '.join(unknown)}; there are {', '.join(ids)}.", code=RED_GATES)
    _check_untouched(config)
    context = gate_context(config, journal, plan)
    return [JudgedGate(gate, judge_gate(context, gate), overrides.get(gate.id, "")) for gate in config.gates]


def judge_gate(context: GateContext, gate: Gate) -> GateResult:
    """Judge one gate; red when it cannot be judged, or when its evidence is of an attempt that was rolled back."""
    rule = RULES[gate.kind]
    try:
        result = rule.judge(context, gate)
        return result if rule.live or not result.ok else _of_this_attempt(context, gate, result)
    except (HandoverError, psycopg.Error, OSError) as error:
        found = f"it could not be judged: {str(error).strip()}"
        return GateResult(ok=False, found=found, todo="Mend that, then run handover gates again.")


def _of_this_attempt(context: GateContext, gate: Gate, result: GateResult) -> GateResult:
    """Return a green result as this attempt sees it: evidence of an earlier one is red, unless declared untouched."""
    made_for = result.attempt or FIRST
    if made_for >= context.attempt:
        return result
    because = {one.attempt: one.because for one in context.config.rollback.untouched_gates if one.gate == gate.id}
    since = range(made_for, context.attempt)
    if all(number in because for number in since):
        why = "; ".join(because[number] for number in since)
        found = f"{result.found}; of attempt {made_for}, and what ended it does not touch that: {why}"
        return replace(result, found=found)
    ended = context.ended_attempts[made_for - FIRST]
    found = f"{result.found}, but that is of attempt {made_for}: {ended}"
    return replace(result, ok=False, found=found)


def _check_untouched(config: Config) -> None:
    """Raise when `untouched_gates` names what is no gate, or sign-offs: these never outlive an attempt."""
    kinds = {gate.id: gate.kind for gate in config.gates}
    for id_ in (one.gate for one in config.rollback.untouched_gates):
        if kinds.get(id_, "sign-offs") == "sign-offs":
            what = "sign-offs, and those never count for a second attempt" if id_ in kinds else "no gate"
            message = f"handover.toml: [rollback] untouched_gates names {id_}, which is {what}. Take it out."
            raise Refused(message, code=RED_GATES)


def require(context: RunContext) -> dict[str, Any]:
    """Return what every gate found.

    Raises
    ------
    Refused
        A gate is red and not overridden.
    """
    judged = judge_gates(context.config, context.journal, context.plan, context.facts.get("overrides", {}))
    for one in judged:
        if one.because and not one.result.ok:
            context.say(f"OVERRIDDEN  gate {one.gate.id} is red: {one.result.found} -- because: {one.because}")
    context.journal.add("gates", {"gates": [one.as_json() for one in judged]})
    red = tuple(one.finding() for one in judged if not one.open)
    if red:
        message = f"{len(red)} of {len(judged)} gates are red; nothing was switched."
        raise Refused(message, red, code=RED_GATES)
    return {"gates": [one.as_json() for one in judged]}
