"""When an evolution may start: the strategy's four conditions, each with its evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg

from handover.config.config import Config
from handover.config.evolve import EVOLVE_GATES, EvolveGate
from handover.cutover.finish import archived_original
from handover.cutover.gate_context import GateContext, GateResult, gate_context
from handover.cutover.position import position_of
from handover.cutover.states import allowed
from handover.cutover.status import people_reach
from handover.errors import HandoverError, Refused
from handover.evolve.session import open_session
from handover.evolve.sessions import sessions_of
from handover.finding import Finding
from handover.journal.journal import Journal
from handover.runs.position import last_ended
from handover.side import Side
from handover.wording import counted

RED_EVOLVE_GATES = "HO645"
_WINDOWS = """
    SELECT metric, verdict, greatest(window_start, %(since)s), window_end FROM handover.watch_windows
     WHERE window_end > %(since)s AND system = 'backend' ORDER BY metric, window_start
"""
WELL = ("green", "not enough traffic")
ROLLBACK = "rollback"


def stable(context: GateContext) -> GateResult:
    """People have been on the backend for the declared time, and its watched metrics were green."""
    settings = context.config.evolve
    period = timedelta(hours=settings.stable_h)
    moved = last_ended(context.entries, "cutover")
    todo = "Let it run, and keep `handover watch` running. See: handover watch"
    if moved is None:
        return GateResult(ok=False, found="people were never moved to the backend", todo="Move them: handover cutover")
    if context.now - moved < period:
        return GateResult(
            ok=False, found=f"people were moved at {moved:%F %T %Z}, less than {_h(period)} ago", todo=todo
        )
    since = context.now - period
    rows = context.journal.connection().execute(_WINDOWS, {"since": since}).fetchall()
    if not rows:
        return GateResult(ok=False, found=f"the backend was not watched in the last {_h(period)}", todo=todo)
    for metric, windows in groupby(rows, key=itemgetter(0)):
        well = _well(list(windows)) / period
        if well < settings.stable_share:
            found = f"{metric} was watched and green for {well:.1%} of the last {_h(period)}"
            return GateResult(ok=False, found=f"{found}; at least {settings.stable_share:.1%}", todo=todo)
    return GateResult(ok=True, found=f"{counted(len(rows), 'window')} of the last {_h(period)} are green")


def _h(period: timedelta) -> str:
    hours = period.total_seconds() / 3600
    return f"{hours:g} h" if hours >= 1 else f"{period.total_seconds():g} s"


def _well(windows: list[Any]) -> timedelta:
    """Return for how long all windows say that it was well; a window that says otherwise counts against others."""
    bad = [(start, end) for _, verdict, start, end in windows if verdict not in WELL]
    return _covered([(start, end) for _, _, start, end in windows]) - _covered(bad)


def _covered(windows: list[tuple[Any, Any]]) -> timedelta:
    """Return how long some windows last together; where several overlap, once."""
    total, until = timedelta(0), None
    for start, end in sorted(windows):
        begin = start if until is None else max(start, until)
        total += max(end - begin, timedelta(0))
        until = end if until is None else max(until, end)
    return total


def decommissioned(context: GateContext) -> GateResult:
    """The clean-up is over, and no session of the original is left."""
    position = position_of(context.entries)
    todo = "End the original: handover cleanup"
    if position.state != "cleaned":
        return GateResult(ok=False, found=f"the move is in the state {position.state}", todo=todo)
    role = archived_original(context.config).role
    with open_session(context.config) as connection:
        left = sessions_of(connection, [role]) if role != context.config.backend.role else []
    if left:
        found, todo = f"{counted(len(left), 'session')} of {role} are connected: {left[0]}", "End these sessions."
        return GateResult(ok=False, found=found, todo=todo)
    return GateResult(ok=True, found=f"the clean-up ended at {position.since:%F %T %Z}, and {role} has no session")


def users_moved(context: GateContext) -> GateResult:
    """Every name server names the backend, and the original was seen to get no more requests."""
    people, _, answers = people_reach(context.config, position_of(context.entries))
    todo = "Move them: handover cutover; then handover cleanup sees that the original gets no requests."
    if people != Side.BACKEND:
        return GateResult(ok=False, found=f"people reach: {people}", todo=todo)
    cleaned = context.latest("run", command="cleanup")
    traffic = cleaned.body["preflight"].get("traffic", {}) if cleaned else {}
    if not traffic.get("quiet"):
        return GateResult(ok=False, found="the original was not seen to get no more requests", todo=todo)
    found = f"{counted(len(answers), 'name server')} name the backend; the original got no request at the clean-up"
    return GateResult(ok=True, found=found)


def no_rollback(context: GateContext) -> GateResult:
    """The journal allows no way back to the original, and nothing is under way."""
    position = position_of(context.entries)
    todo = "See: handover status"
    if position.run or position.conflict:
        under = position.conflict or f"`{position.run.command if position.run else ''}` is under way"
        return GateResult(ok=False, found=under, todo=todo)
    if ROLLBACK in allowed(position.state) or position.state != "cleaned":
        found = f"in the state {position.state} people may have to be moved back to the original"
        return GateResult(ok=False, found=found, todo=todo)
    return GateResult(ok=True, found="the state is cleaned, from which no command leads back")


EVOLVE_RULES: dict[EvolveGate, tuple[Callable[[GateContext], GateResult], str]] = {
    "stable": (stable, "two changes at once cannot be told apart when something breaks"),
    "decommissioned": (decommissioned, "the original knows the old shape only"),
    "users-moved": (users_moved, "people on the original would meet the new shape"),
    "no-rollback": (no_rollback, "the original cannot take over again once the old shape is dropped"),
}


@dataclass(frozen=True)
class JudgedEvolveGate:
    """A gate with what it found; ``because`` is why it was overridden, empty when it was not."""

    gate: EvolveGate
    result: GateResult
    because: str = ""

    @property
    def open(self) -> bool:
        """Whether an evolution may start."""
        return self.result.ok or bool(self.because)

    def finding(self) -> Finding:
        """Return why it is red."""
        return Finding(
            code=RED_EVOLVE_GATES,
            where=f"gate {self.gate}",
            found=f"is red: {self.result.found}",
            expected=f"it is there because {EVOLVE_RULES[self.gate][1]}",
            todo=self.result.todo,
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as the journal keeps it."""
        values = {"gate": self.gate, "ok": self.result.ok, "found": self.result.found}
        return values | ({"overridden": self.because} if self.because else {})


def judge_evolve_gates(config: Config, journal: Journal, overrides: Mapping[str, str]) -> list[JudgedEvolveGate]:
    """Judge every gate; a gate that cannot be judged is red.

    Parameters
    ----------
    config, journal
        The pair and its journal.
    overrides
        Why to go on although a gate is red, by the gate's name.

    Raises
    ------
    Refused
        An override names no gate.
    """
    if unknown := sorted(set(overrides) - set(EVOLVE_GATES)):
        message = f"there is no gate {', '.join(unknown)}; there are {', '.join(EVOLVE_GATES)}."
        raise Refused(message, code=RED_EVOLVE_GATES)
    context = gate_context(config, journal, None)
    return [JudgedEvolveGate(gate, _judged(gate, context), overrides.get(gate, "")) for gate in EVOLVE_GATES]


def _judged(gate: EvolveGate, context: GateContext) -> GateResult:
    try:
        return EVOLVE_RULES[gate][0](context)
    except (HandoverError, psycopg.Error, OSError) as error:
        return GateResult(ok=False, found=f"it could not be judged: {str(error).strip()}", todo="Mend that, try again.")
