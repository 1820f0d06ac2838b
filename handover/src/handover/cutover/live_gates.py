"""Gates that look at both systems as they are now: a clean check, green proofs, a green watch."""

from datetime import date, datetime, timedelta
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from handover.check.contract import judge, load, path_of
from handover.check.merging import by_cause
from handover.check.run import run_check
from handover.check.systems import asking
from handover.config.config import database_url
from handover.config.cutover import Gate
from handover.cutover.attempt import FIRST
from handover.cutover.gate_context import GateContext, GateResult
from handover.journal.evidence import latest
from handover.proof.gate import proven
from handover.proof.run import KIND
from handover.side import Side
from handover.wording import counted

CENSUS_S = 30.0
_WINDOWS = """
    SELECT system, metric, window_start, window_end, verdict, reason FROM handover.watch_windows
     WHERE window_end > %s ORDER BY system, metric, window_start
"""


def check_gate(context: GateContext, _: Gate) -> GateResult:
    """Run ``handover check`` on the schema as it is."""
    config = context.config
    with asking(config) as answers:
        looked = run_check(config, database_url(config), answers, budget_s=CENSUS_S, say=lambda _: None)
    judged = judge(load(path_of(config)), looked.findings, date.today())  # noqa: DTZ011 - the reader's own day
    bad = [finding for finding in by_cause(judged.open) if finding.severity != "safe"]
    if bad or not looked.compared:
        first = f"{bad[0].code} {bad[0].where}" if bad else "no table was compared"
        return GateResult(
            ok=False,
            found=f"the check finds {counted(len(bad), 'difference')}: {first}",
            todo="See them: handover check",
        )
    return GateResult(ok=True, found=f"the check is clean over {len(looked.compared)} tables")


def proofs_gate(context: GateContext, gate: Gate) -> GateResult:
    """Ask for green proofs of every group on the schema as it is."""
    limit = timedelta(hours=gate.max_age_h)
    todo = "Prove it: handover prove"
    if reasons := proven(context.config, context.fingerprint, limit, now=context.now):
        return GateResult(ok=False, found="; ".join(reasons), todo=todo)
    run = latest(context.config, KIND)
    return GateResult(ok=True, found="every group is green", todo=todo, attempt=run.attempt if run else None)


def watch_gate(context: GateContext, gate: Gate) -> GateResult:
    """Every window of the last hours is green, without a gap, for both systems."""
    since = context.now - timedelta(hours=gate.hours)
    rows = context.journal.connection().execute(_WINDOWS, [since]).fetchall()
    todo = "See them: handover watch. Both systems must be watched, with traffic, for that long."
    missing = sorted(set(Side) - {row[0] for row in rows})
    if missing:
        return GateResult(ok=False, found=f"nothing was watched of {' and '.join(missing)}", todo=todo)
    for (system, metric), windows in groupby(rows, key=itemgetter(0, 1)):
        if trouble := _trouble(list(windows), context, since):
            return GateResult(ok=False, found=f"{metric} of the {system} {trouble}", todo=todo)
    lately = f"{gate.hours:g} h" if gate.hours >= 1 else f"{gate.hours * 3600:g} s"
    found = f"{counted(len(rows), 'window')} of the last {lately} are green"
    return GateResult(ok=True, found=found, todo=todo, attempt=_attempt_at(context, since))


def _attempt_at(context: GateContext, since: datetime) -> int:
    """Return the attempt to which a moment belongs: what was watched before a rollback ended is of an earlier one."""
    return FIRST + sum(ended.at <= since for ended in context.ended_attempts)


def _trouble(windows: list[Any], context: GateContext, since: Any) -> str:
    for _, _, start, _, verdict, reason in windows:
        if verdict != "green":
            return f"is {verdict} at {start:%F %T}: {reason}"
    length = windows[0][3] - windows[0][2]
    if windows[0][2] > since:
        return f"is watched since {windows[0][2]:%F %T} only; needed since {since:%F %T}"
    for before, after in pairwise(windows):
        if after[2] - before[3] > length:
            return f"was not watched from {before[3]:%F %T} to {after[2]:%F %T}"
    if context.now - windows[-1][3] > 2 * length:
        return f"is not watched any more since {windows[-1][3]:%F %T}"
    return ""
