"""After the switch: what the whole watch says, who is paged, and the automatic rollback.

Only measured errors on the backend go back, and only while the original answers. Data that is missing pages a person
and never goes back: a quiet night is not an outage.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

import psycopg

from handover.config.cutover import Threshold
from handover.cutover import health, read_only
from handover.cutover.confirm import goes_back_at, last_switch
from handover.cutover.context import RunContext
from handover.cutover.paging import not_sent, page
from handover.cutover.watched_time import WatchedStretch, WatchedTime, over, watched_time
from handover.cutover.ways.chosen import chosen_way
from handover.errors import HandoverError, UnseenError
from handover.journal.own_requests import own_key
from handover.journeys.run import run_journey
from handover.side import Side
from handover.troubles import why_unreadable
from handover.wording import counted

CONFIRM = 'handover verify --confirm-switch --because "…"'
PAGE_AGAIN_AFTER = timedelta(hours=1)
HEALTH = "health"
NO_WAY_BACK = "no automatic rollback"
# The last windows of each metric. A metric can have windows of the backend and of both systems: they are apart.
_WINDOWS = """
    SELECT metric, window_start, window_end, value, verdict, reason, system
      FROM (SELECT *, row_number() OVER (PARTITION BY metric, system ORDER BY window_start DESC, id DESC) AS place
              FROM handover.watch_windows WHERE system IN ('backend', 'both') AND window_start >= %s) AS found
     WHERE place <= %s ORDER BY metric, system, place
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
    """What the watch says since the switch.

    Attributes
    ----------
    time
        All of it.
    breaches
        Metrics that are over their limits in the last windows.
    missing
        Metrics without data now, and why.
    quiet
        Metrics with too little traffic now to say anything.
    early
        Why there is no verdict yet; empty when there is one.
    red
        What is red in a window in which data is missing: by the measure's name the sentence, the most telling first.
    """

    time: WatchedTime
    breaches: tuple[Breach, ...]
    missing: tuple[str, ...]
    quiet: tuple[str, ...]
    early: str = ""
    red: Mapping[str, str] = field(default_factory=dict)

    @property
    def calm(self) -> bool:
        """Whether there was data, no breach is in it, and a person has signed off whatever was not green."""
        well = not (self.breaches or self.missing or self.time.unsigned)
        return well and not self.early and bool(self.time.windows)

    def __str__(self) -> str:
        said = [
            *map(str, self.breaches),
            *self.red.values(),
            *self.missing,
            *(f"{metric}: too little traffic" for metric in self.quiet),
        ]
        if self.early:
            said.append(self.early)
        if (unsigned := self.time.unsigned) and not (self.breaches or self.missing):
            said.append(f"before that {unsigned[0]}" if self.early else f"the last windows are well, but {unsigned[0]}")
            said += [f"and {len(unsigned) - 1} more times"] if unsigned[1:] else []
        number = f"{counted(len(self.time.windows), 'window')} since the switch"
        well = (
            f"{number}: {self.time.signed}; nothing else was wrong" if self.time.signed else f"{number}, nothing wrong"
        )
        return "; ".join(said) or well


def judge_windows(context: RunContext, *, ended_lately: timedelta = timedelta(0)) -> VerifyResult:
    """Judge the whole watch since the switch: the last windows by the thresholds, and all for what was not green.

    Parameters
    ----------
    context
        What the command acts with.
    ended_lately
        The watch may have ended so long ago; else it must go on.

    Raises
    ------
    UnseenError
        The windows could not be read.
    """
    settings = context.config.verify
    switch = last_switch(context.journal.entries())
    time = watched_time(context.config, context.journal, switch.began)
    # Those that began before the switch ended hold what people met on the way, but are no state to go on from.
    rows = _last_windows(context, switch.ended)
    watched = {key: list(found) for key, found in groupby(rows, key=itemgetter(0, 6))}
    if not watched and (early := _early(context, switch.ended)):
        return VerifyResult(time, (), (), (), early)
    limits = {threshold.metric: threshold for threshold in settings.thresholds}
    unwatched = {(metric, Side.BACKEND) for metric in limits.keys() - {metric for metric, _ in watched}}
    breaches, missing, quiet = [], [], []
    for metric, system in sorted({*watched, *unwatched}):
        last = watched.get((metric, system), [])
        if trouble := _missing(f"{system} {metric}", last, context, ended_lately):
            missing.append(trouble)
        elif all(row[4] == "not enough traffic" for row in last):
            quiet.append(_name(metric, system))
        elif len(last) == settings.windows and (limit := _over(limits.get(metric), last)):
            breaches.append(Breach(metric, tuple(row[3] for row in last), limit, system))
    if not watched:
        missing.append("nothing was watched since the switch")
    red = _red_beside(rows, {(one.metric, one.system) for one in breaches}, settings.error_metrics)
    return VerifyResult(time, tuple(breaches), tuple(missing), tuple(quiet), red=red)


def _red_beside(rows: Sequence[Any], told: Collection[tuple[str, str]], errors: Collection[str]) -> dict[str, str]:
    """Return what is red in a newest window in which data is missing: why it is missing stands there."""
    newest = [next(found) for _, found in groupby(rows, key=itemgetter(0, 6))]
    without = {(row[6], row[1]) for row in newest if row[4] == "no data"}
    red = [row for row in newest if row[4] == "red" and (row[6], row[1]) in without and (row[0], row[6]) not in told]
    red.sort(key=lambda row: (row[0] != HEALTH, row[0] not in errors, row[0]))
    return {f"{row[6]} {row[0]}": f"{row[6]} {row[0]} is red: {row[5]}" for row in red}


def _early(context: RunContext, switched: datetime) -> str:
    """Return why there is no window yet: the one that was open at the switch, and the one after it, take their time."""
    watch = context.config.watch
    due = switched + 2 * timedelta(seconds=watch.window_s + watch.timeout_s)
    if context.journal.now() >= due:
        return ""
    return f"no window that began after the switch has ended yet; the first is there by {due:%T %Z}"


def _last_windows(context: RunContext, since: datetime) -> list[Any]:
    try:
        connection = context.journal.connection()
        return connection.execute(_WINDOWS, [since, context.config.verify.windows]).fetchall()
    except psycopg.Error as error:
        message = f"what the watch has seen could not be read: {why_unreadable(error)}."
        raise UnseenError(f"{message} Is `handover watch` there and running?") from error


def _name(metric: str, system: str) -> str:
    """Return what to call a metric: only those of both systems name them."""
    return metric if system == Side.BACKEND else f"{metric} of {system}"


def _missing(name: str, last: list[Any], context: RunContext, ended_lately: timedelta) -> str:
    if not last:
        return f"{name} was not watched since the switch"
    _, start, end, _, verdict, reason, _ = last[0]
    if verdict == "no data":
        return f"{name} has no data: {reason}"
    if context.journal.now() - end > max(2 * (end - start), ended_lately):
        return f"{name} is not watched any more since {end:%F %T %Z}"
    return ""


def _over(threshold: Threshold | None, last: list[Any]) -> str:
    """Return the limit that all these windows exceed; empty when a window does not, or was not measured."""
    if any(row[3] is None or row[4] in ("no data", "not enough traffic") for row in last):
        return ""
    if threshold is None:
        return "red by the watch's own limits" if all(row[4] == "red" for row in last) else ""
    limits = [over(threshold, row[3]) for row in last]
    return limits[0] if all(limits) else ""


def page_about(context: RunContext, judged: VerifyResult) -> bool:
    """Page a person about breaches, missing data and outages that are over; return whether the page was sent.

    What holds on is told once an hour, and what is over once.
    """
    about = [*(breach.name for breach in judged.breaches), *judged.red, *judged.missing]
    pages = [e for e in context.journal.entries() if e.kind == "page"]
    earlier = [e for e in pages if not "".join(e.body["about"]).startswith(NO_WAY_BACK)]
    now = context.journal.now()
    told = {text for e in earlier if "trouble" not in e.body for text in e.body.get("outages", ())}
    outages = [_told_of(stretch) for stretch in _outages(context, judged)]
    again = not earlier or earlier[-1].body["about"] != about or now - earlier[-1].at >= PAGE_AGAIN_AFTER
    if set(outages) <= told and not (about and again):
        return False
    return send_page(context, str(judged), about, outages)


def page_no_way_back(context: RunContext, said: str, code: str) -> bool:
    """Page a person because people did not go back by themselves, once an hour; return whether the page was sent.

    Parameters
    ----------
    context
        What the command acts with.
    said, code
        Why they did not, and the code of that.
    """
    about = [f"{NO_WAY_BACK}: {code}"]
    lately = context.journal.now() - PAGE_AGAIN_AFTER
    if any(e.kind == "page" and e.body["about"] == about and e.at > lately for e in context.journal.entries()):
        return False
    return send_page(context, said, about)


def _outages(context: RunContext, judged: VerifyResult) -> Iterator[WatchedStretch]:
    """Yield what a page tells of: enough windows in a row, or time in which nothing was watched."""
    for stretch in judged.time.unsigned:
        if not stretch.windows or len(stretch.windows) >= context.config.verify.windows:
            yield stretch


def _told_of(stretch: WatchedStretch) -> str:
    """Return what a page is known by, however long the stretch becomes."""
    return f"{'not green' if stretch.windows else 'not watched'} from {stretch.start:%F %T}"


def send_page(context: RunContext, said: str, about: Sequence[str], outages: Sequence[str] = ()) -> bool:
    """Page a person; return whether the page was sent.

    Parameters
    ----------
    context
        What the command acts with.
    said, about
        What the person reads, and what it is about.
    outages
        What is over, and was not told before.
    """
    about, outages = list(about), list(outages)
    place = chosen_way(context.config).told(context.facts)
    told = {**place, "facts": dict(context.facts), "said": said, "about": about or outages}
    kept = page(context.config, told, context.say)
    context.journal.add("page", {"about": about, "said": said, "outages": outages, **kept})
    return not not_sent(kept)


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
    """Return why the original cannot be shown to answer its journeys; empty when it does.

    In read-only mode only the journeys that read can show it. The way back itself proves load, and the write after
    read-only mode is off.
    """
    try:
        health.alive(context.config, Side.ORIGINAL)
        base = health.address(context.config, Side.ORIGINAL)
    except HandoverError as error:
        return str(error)
    flows = [flow for flow in context.config.flows if flow.systems(Side.ORIGINAL) == {Side.ORIGINAL}]
    if not flows:
        return "no flow is declared that the original answers alone, so nothing shows that it does"
    if read_only.is_on(context.config, context.journal.entries()):
        flows = [flow for flow in flows if not flow.writes_on(Side.ORIGINAL, Side.ORIGINAL)]
        if not flows:
            context.say("the original can only read now, and every flow writes: its health and the way back prove it")
    for flow in flows:
        made = run_journey(
            flow, {Side.ORIGINAL: base}, on=Side.ORIGINAL, root=context.config.root, key=own_key(context.config)
        )
        if made.failures or not made.steps:
            return f"the original fails its journey {flow.name}: {', '.join(made.failures) or 'no step was made'}"
    return ""


def advance(context: RunContext, judged: VerifyResult) -> str:
    """Go on from close to loose watching when its time is over and all was well; return what is left to wait for."""
    settings, state, entries = context.config.verify, context.position().state, context.journal.entries()
    since = last_switch(entries).ended
    if back_at := goes_back_at(context.config, entries):
        return f"people go back by themselves at {back_at:%F %T %Z}, unless: {CONFIRM}"
    wait_h = settings.close_h if state == "switched" else settings.close_h + settings.loose_h
    left = since + timedelta(hours=wait_h) - context.journal.now()
    if left > timedelta(0):
        return f"{left.total_seconds() / 3600:.1f} h of {'close' if state == 'switched' else 'loose'} watching are left"
    if not judged.calm:
        return "the time is over, but not all of it was well"
    if state == "verifying":
        return "all of it is over: handover cleanup"
    context.journal.add("state", {"source": "switched", "target": "verifying", "because": str(judged)})
    return "close watching is over; loose watching begins"
