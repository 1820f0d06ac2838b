"""The strategy's table of risks, with what is done about each today, and what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from handover.cutover.gates import JudgedGate
from handover.report.watched import Watched

Grounds = tuple[str, str]
GREEN, RED, UNKNOWN = "green", "red", "unknown"


@dataclass(frozen=True)
class Risk:
    """One row: the strategy's words, today's mitigation, and the measured state with its grounds."""

    risk: str
    impact: str
    probability: str
    mitigation: str
    state: str
    grounds: str


def risks(gates: Sequence[JudgedGate] | None, watched: Watched) -> list[Risk]:
    """Return the six rows; what was not measured is unknown, never green.

    Parameters
    ----------
    gates
        The judged gates; None when they were not judged.
    watched
        What the watch saw last.
    """
    of = _Measured(gates, watched)
    rows = (
        (
            "Schema mismatch", "Critical", "High",
            "handover check compares both systems' models with the live schema",
            (of.gate("check"),),
        ),
        (
            "Data corruption", "Critical", "Medium",
            "Concurrent writes are proven; every change is read back by both systems; invariants are counted",
            (of.gate("proofs"), of.metric("parity_differences"), of.metric("invariant_")),
        ),
        (
            "Breaking original app", "Critical", "Medium",
            "Only nullable columns are added; the original is watched and walked through all the time",
            (of.gate("check"), of.metric("health", "original"), of.metric("error_rate", "original")),
        ),
        (
            "related_name conflicts", "High", "Medium",
            "handover check compares related names; the proofs use them from both sides",
            (of.gate("check"), of.gate("proofs")),
        ),
        (
            "Status value mismatch", "High", "Medium",
            "handover check compares choices; rows with a value outside them are counted in every window",
            (of.gate("check"), of.metric("invariant_choices")),
        ),
        (
            "File path issues", "Medium", "Low",
            "Files are written by one system and read by the other; the newest files are looked for by both",
            (of.gate("proofs"), of.metric("files_missing")),
        ),
    )  # fmt: skip
    return [Risk(risk, impact, how_likely, today, *_together(facts)) for risk, impact, how_likely, today, facts in rows]


@dataclass(frozen=True)
class _Measured:
    gates: Sequence[JudgedGate] | None
    watched: Watched

    def gate(self, kind: str) -> Grounds:
        found = [one for one in self.gates or () if one.gate.kind == kind]
        if not found:
            return UNKNOWN, f"no gate {kind} was judged"
        return (GREEN if found[0].result.ok else RED), f"gate {found[0].gate.id}: {found[0].result.found}"

    def metric(self, prefix: str, system: str = "") -> Grounds:
        mine = [m for m in self.watched.measures if m.metric.startswith(prefix) and system in ("", m.system)]
        for verdict, state in (("red", RED), ("no data", UNKNOWN), ("not enough traffic", UNKNOWN)):
            for one in mine:
                if one.verdict == verdict:
                    return state, f"{one.metric} of {one.system}: {verdict}, {one.reason}"
        return (GREEN, f"{prefix.rstrip('_')} is green") if mine else (UNKNOWN, f"{prefix} is not watched")


def _together(facts: Sequence[Grounds]) -> Grounds:
    states = [state for state, _ in facts]
    state = RED if RED in states else UNKNOWN if UNKNOWN in states or not states else GREEN
    worst = [text for one, text in facts if one == state]
    return state, "; ".join(worst)
