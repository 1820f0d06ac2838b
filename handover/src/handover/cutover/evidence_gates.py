"""Gates that read evidence: a backup that was restored, a rollback that was rehearsed, a load that was carried."""

from collections.abc import Callable
from datetime import timedelta

from handover.config.config import Config
from handover.config.cutover import Gate
from handover.cutover.gate_context import GateContext, GateResult
from handover.journal.evidence import PLACE, Sealed, latest, read
from handover.journal.journal import Journal

# Returns why the evidence is not enough, or else what it shows.
Summarise = Callable[[GateContext, Gate, Sealed], tuple[str, str]]


def note_newest(config: Config, journal: Journal, kind: str) -> None:
    """Enter the newest evidence of a kind into the journal, with the time of the journal's database.

    Parameters
    ----------
    config, journal
        The pair and its journal.
    kind
        ``backup``, ``rehearsal`` or ``load``; its evidence must be there.
    """
    sealed = latest(config, kind)
    assert sealed is not None  # noqa: S101 - the caller has just made it
    journal.add("evidence", {"evidence": kind, "signature": sealed.signature, "folder": sealed.folder.name})


def newest(context: GateContext, kind: str) -> tuple[Sealed, timedelta] | None:
    """Return the newest evidence that the journal knows, with its age by the database's clock.

    Raises
    ------
    EvidenceError
        Its files are not those that were signed.
    """
    entry = context.latest("evidence", evidence=kind)
    if entry is None:
        return None
    sealed = read(context.config, context.config.root / PLACE / entry.body["folder"])
    return sealed, context.now - entry.at


def backup_gate(context: GateContext, gate: Gate) -> GateResult:
    """A backup was made, restored into an empty database, and compared."""
    return _of_evidence(context, gate, "backup", "Make one: handover backup --apply", _of_backup)


def rehearsal_gate(context: GateContext, gate: Gate) -> GateResult:
    """A rollback was rehearsed within the budget."""
    return _of_evidence(context, gate, "rehearsal", "Rehearse: handover rehearse-rollback --apply", _of_rehearsal)


def capacity_gate(context: GateContext, gate: Gate) -> GateResult:
    """The backend carried a multiple of the measured peak."""
    return _of_evidence(context, gate, "load", "Measure it: handover load --apply", _of_load)


def _of_evidence(context: GateContext, gate: Gate, kind: str, todo: str, of: Summarise) -> GateResult:
    found = newest(context, kind)
    if found is None:
        return GateResult(ok=False, found=f"there is no evidence of kind {kind}", todo=todo)
    sealed, age = found
    if age > timedelta(hours=gate.max_age_h):
        hours = age.total_seconds() / 3600
        return GateResult(
            ok=False, found=f"the last {kind} is {hours:.1f} h old; at most {gate.max_age_h:g} h", todo=todo
        )
    trouble, words = of(context, gate, sealed)
    return GateResult(ok=not trouble, found=trouble or words, todo=todo, attempt=sealed.attempt)


def _of_backup(_: GateContext, __: Gate, sealed: Sealed) -> tuple[str, str]:
    facts = sealed.summary
    if not facts.get("restored"):
        return "the backup was not restored, so it is not known whether it can be", ""
    if facts.get("differing"):
        return f"the restored copy differs: {', '.join(facts['differing'])}", ""
    if not facts.get("tables") or not facts.get("rows"):
        return "the restored copy was compared over no table or no row", ""
    return "", f"{facts['tables']} tables, {facts['rows']} rows, {facts.get('objects', 0)} files restored and equal"


def _of_rehearsal(context: GateContext, _: Gate, sealed: Sealed) -> tuple[str, str]:
    took, budget = sealed.summary.get("total_s"), context.config.rollback.budget_s
    if took is None:
        return "the rehearsal did not come to its end", ""
    if took > budget:
        return f"the rehearsed rollback took {took:.0f} s; at most {budget:.0f} s", ""
    return "", f"the rehearsed rollback took {took:.1f} s of {budget:.0f} s"


def _of_load(_: GateContext, gate: Gate, sealed: Sealed) -> tuple[str, str]:
    facts = sealed.summary
    if not facts.get("requests") or facts.get("failed") is None:
        return "the load test made no request", ""
    if facts["failed"]:
        return f"{facts['failed']} of {facts['requests']} requests failed under load", ""
    if facts["carried_per_s"] < gate.factor * facts["peak_per_s"]:
        wanted = f"{gate.factor:g} x the peak of {facts['peak_per_s']:g}/s"
        return f"{facts['carried_per_s']:.1f} requests/s were carried; {wanted} expected", ""
    return (
        "",
        f"{facts['carried_per_s']:.1f} requests/s carried, {gate.factor:g} x the peak of {facts['peak_per_s']:g}/s",
    )
