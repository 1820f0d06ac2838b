"""After the switch: what the watch sees against the declared thresholds, who is paged, and the automatic rollback.

Only measured errors on the backend go back, and only while the original answers. Data that is missing pages a person
and never goes back: a quiet night is not an outage.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg

from handover.config.cutover import Threshold
from handover.cutover import health
from handover.cutover.context import RunContext
from handover.cutover.hooks import HookError
from handover.cutover.switch import hook
from handover.errors import HandoverError, Refused, UnseenError
from handover.journeys.run import run_journey
from handover.runs.position import last_ended
from handover.side import Side
from handover.troubles import why_unreadable

PAGE_AGAIN_AFTER = timedelta(hours=1)
_WINDOWS = """
    SELECT metric, window_start, window_end, value, verdict, reason, system FROM handover.watch_windows
     WHERE system IN ('backend', 'both') AND window_start >= %s ORDER BY metric, system, window_start DESC, id DESC
"""


@dataclass(frozen=True)
class Breach:
    """A metric of the backend, or of both, over its limit window after window; ``values`` are what was measured."""

    metric: str
    values: tuple[float, ...]
    limit: str
    system: Side = Side.BACKEND

    @property
    def name(self) -> str:
        """What to call the metric; see :func:`_name`."""
        return _name(self.metric, self.system)

    def __str__(self) -> str:
        measured = ", ".join(f"{value:g}" for value in self.values)
        return f"{self.name} is {measured} ({self.limit})"


@dataclass(frozen=True)
class VerifyResult:
    """What the last windows say.

    Attributes
    ----------
    windows
        How many were read.
    breaches
        Metrics over their limits.
    missing
        Metrics without data, and why.
    quiet
        Metrics with too little traffic to say anything.
    """

    windows: int
    breaches: tuple[Breach, ...]
    missing: tuple[str, ...]
    quiet: tuple[str, ...]

    @property
    def calm(self) -> bool:
        """Whether there was data, and no breach in it."""
        return self.windows > 0 and not self.breaches and not self.missing

    def __str__(self) -> str:
        said = [*map(str, self.breaches), *self.missing, *(f"{metric}: too little traffic" for metric in self.quiet)]
        return "; ".join(said) or f"{self.windows} windows, nothing wrong"


def switched_at(context: RunContext) -> datetime:
    """Return when people were last moved to the backend.

    Raises
    ------
    Refused
        They never were.
    """
    found = last_ended(context.journal.entries(), "cutover")
    if found is None:
        raise Refused("people were not moved to the backend yet; there is nothing to verify.", code="HO595")
    return found


def judge_windows(context: RunContext) -> VerifyResult:
    """Compare the last windows since the switch with the thresholds.

    Raises
    ------
    UnseenError
        The windows could not be read.
    """
    settings = context.config.verify
    try:
        rows = context.journal.connection().execute(_WINDOWS, [switched_at(context)]).fetchall()
    except psycopg.Error as error:
        message = f"what the watch has seen could not be read: {why_unreadable(error)}."
        raise UnseenError(f"{message} Is `handover watch` there and running?") from error
    # A metric can have windows of the backend and windows of both systems: they are judged apart.
    watched = {key: list(found) for key, found in groupby(rows, key=itemgetter(0, 6))}
    limits = {threshold.metric: threshold for threshold in settings.thresholds}
    unwatched = {(metric, Side.BACKEND) for metric in limits.keys() - {metric for metric, _ in watched}}
    breaches, missing, quiet = [], [], []
    for metric, system in sorted({*watched, *unwatched}):
        last = watched.get((metric, system), [])[: settings.windows]
        if trouble := _missing(_name(metric, system), last, context):
            missing.append(trouble)
        elif all(row[4] == "not enough traffic" for row in last):
            quiet.append(_name(metric, system))
        elif len(last) == settings.windows and (limit := _over(limits.get(metric), last)):
            breaches.append(Breach(metric, tuple(row[3] for row in last), limit, system))
    if not watched:
        missing.append("nothing was watched since the switch")
    return VerifyResult(len(rows), tuple(breaches), tuple(missing), tuple(quiet))


def _name(metric: str, system: str) -> str:
    """Return what to call a metric: only those of both systems name them."""
    return metric if system == Side.BACKEND else f"{metric} of {system}"


def _missing(name: str, last: list[Any], context: RunContext) -> str:
    if not last:
        return f"{name} was not watched since the switch"
    _, start, end, _, verdict, reason, _ = last[0]
    if verdict == "no data":
        return f"{name} has no data: {reason}"
    if context.journal.now() - end > 2 * (end - start):
        return f"{name} is not watched any more since {end:%F %T %Z}"
    return ""


def _over(threshold: Threshold | None, last: list[Any]) -> str:
    """Return the limit that all these windows exceed; empty when a window does not, or was not measured."""
    if any(row[3] is None or row[4] in ("no data", "not enough traffic") for row in last):
        return ""
    values = [row[3] for row in last]
    if threshold is None:
        return "red by the watch's own limits" if all(row[4] == "red" for row in last) else ""
    if threshold.above is not None and all(value > threshold.above for value in values):
        return f"above {threshold.above:g}"
    if threshold.below is not None and all(value < threshold.below for value in values):
        return f"below {threshold.below:g}"
    return ""


def page_about(context: RunContext, judged: VerifyResult) -> bool:
    """Page a person about breaches and missing data, once an hour about the same; return whether the page was sent."""
    about = [breach.name for breach in judged.breaches] + list(judged.missing)
    earlier = [e for e in context.journal.entries() if e.kind == "page"]
    now = context.journal.now()
    if earlier and earlier[-1].body["about"] == about and now - earlier[-1].at < PAGE_AGAIN_AFTER:
        return False
    facts: dict[str, Any] = {"about": about, "said": str(judged)}
    try:
        facts["hook"] = hook(context, "page", {"said": str(judged), "about": about})
    except (HookError, Refused) as error:
        context.say(f"the page was not sent: {error}")
        facts["trouble"] = str(error)
    context.journal.add("page", facts)
    return "trouble" not in facts


def rollback_reason(context: RunContext, judged: VerifyResult) -> str:
    """Return why to go back without a person; empty when there is no reason."""
    settings = context.config.verify
    errors = [breach for breach in judged.breaches if breach.metric in settings.error_metrics]
    if not settings.automatic_rollback or not errors:
        return ""
    if trouble := original_trouble(context):
        context.say(f"no automatic rollback: {trouble}")
        return ""
    return "; ".join(map(str, errors))


def original_trouble(context: RunContext) -> str:
    """Return why the original cannot be shown to answer its journeys; empty when it does."""
    try:
        health.alive(context.config, Side.ORIGINAL)
        base = health.address(context.config, Side.ORIGINAL)
    except HandoverError as error:
        return str(error)
    flows = [flow for flow in context.config.flows if flow.systems(Side.ORIGINAL) == {Side.ORIGINAL}]
    if not flows:
        return "no flow is declared that the original answers alone, so nothing shows that it does"
    for flow in flows:
        made = run_journey(flow, {Side.ORIGINAL: base}, on=Side.ORIGINAL, root=context.config.root)
        if made.failures or not made.steps:
            return f"the original fails its journey {flow.name}: {', '.join(made.failures) or 'no step was made'}"
    return ""


def advance(context: RunContext, judged: VerifyResult) -> str:
    """Go on from close to loose watching when its time is over and all was well; return what is left to wait for."""
    settings, state = context.config.verify, context.position().state
    since = switched_at(context)
    wait_h = settings.close_h if state == "switched" else settings.close_h + settings.loose_h
    left = since + timedelta(hours=wait_h) - context.journal.now()
    if left > timedelta(0):
        return f"{left.total_seconds() / 3600:.1f} h of {'close' if state == 'switched' else 'loose'} watching are left"
    if not judged.calm:
        return f"the time is over, but {judged}"
    if state == "verifying":
        return "all of it is over: handover cleanup"
    context.journal.add("state", {"source": "switched", "target": "verifying", "because": str(judged)})
    return "close watching is over; loose watching begins"
