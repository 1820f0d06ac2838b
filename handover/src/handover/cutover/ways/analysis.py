"""Between two steps: what the watch has seen of the systems that people are on. Nothing seen is no next step.

While people are on both systems, both count: most people may still be on the original.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from handover.cutover.context import RunContext
from handover.cutover.paging import page
from handover.cutover.watched_time import over
from handover.errors import HandoverError, UnseenError
from handover.runs.command import Evidence, check_pause
from handover.side import Side
from handover.troubles import why_unreadable
from handover.wording import counted

BETWEEN_S = 0.5
# Windows that began before the step also saw the time before it.
_WINDOWS = """
    SELECT window_start, window_end, system, metric, value, verdict, reason FROM handover.watch_windows
     WHERE system = ANY(%s) AND window_start >= %s ORDER BY window_start, id
"""
ALL_PEOPLE = 100


class RedStepError(HandoverError):
    """A window of the watch is red since the step began.

    Attributes
    ----------
    told
        Which one; ``todo`` is what a person can do.
    original
        The original is red, so no one is sent back to it without a person.
    """

    code = "HO623"
    exit_code = 4

    def __init__(self, told: str, todo: str = "", *, original: bool = False) -> None:
        super().__init__(f"{told} {todo}".rstrip())
        self.told, self.original = told, original


@dataclass(frozen=True)
class StepWindows:
    """What the windows since a step say.

    Attributes
    ----------
    red, missing
        What is over its limit, and what has no data.
    green
        How many windows are whole.
    original
        Whether something of the original is red.
    """

    red: tuple[str, ...]
    green: int
    missing: tuple[str, ...]
    original: bool = False

    def __str__(self) -> str:
        said = [*self.red, *self.missing, counted(self.green, "green window")]
        return "; ".join(said)


def analyse(context: RunContext, backend_pct: int, told: Mapping[str, Any]) -> Evidence:
    """Wait until enough windows since now are green; a red one ends it at once.

    Parameters
    ----------
    context, backend_pct
        What the command acts with, and the share that people have reached.
    told
        What hooks are told besides.

    Raises
    ------
    RedStepError
        A window is red. The hook ``page`` was run.
    UnseenError
        Too few windows were seen in time, so nothing shows that the step is well.
    """
    settings = context.config.switch
    began, since = time.monotonic(), context.journal.now()
    while True:
        check_pause(context.position())
        found = windows_since(context, since, backend_pct)
        if found.red:
            message = f"at {backend_pct} % the watch is red: {'; '.join(found.red)}."
            _page(context, {**told, "said": message, "about": list(found.red)})
            raise RedStepError(message, "Look, then go on or back: handover resume [--back]", original=found.original)
        if found.green >= settings.windows:
            return {"backend_pct": backend_pct, "green_windows": found.green, "since": since.isoformat()}
        if time.monotonic() - began >= settings.wait_s:
            message = f"{counted(found.green, 'green window')} since {since:%F %T %Z}; {settings.windows} are needed."
            message = f"the step of {backend_pct} % cannot be judged: {message} {'; '.join(found.missing)}".rstrip()
            raise UnseenError(f"{message} Is `handover watch` running? Then: handover resume", code="HO624")
        time.sleep(BETWEEN_S)


def windows_since(context: RunContext, since: datetime, backend_pct: int) -> StepWindows:
    """Return what the windows that began since a time say of the systems that people are on.

    Parameters
    ----------
    context, since
        What the command acts with, and the time.
    backend_pct
        The share that people have reached; below 100 the original counts too.

    Raises
    ------
    UnseenError
        They could not be read.
    """
    systems: list[str] = [Side.BACKEND, "both", *([Side.ORIGINAL] if backend_pct < ALL_PEOPLE else [])]
    try:
        rows = context.journal.connection().execute(_WINDOWS, [systems, since]).fetchall()
    except psycopg.Error as error:
        message = f"what the watch has seen could not be read: {why_unreadable(error)}."
        raise UnseenError(f"{message} Nothing shows that the step is well.", code="HO624") from error
    red, missing, windows, original = [], [], defaultdict(list), False
    for start, end, system, metric, value, verdict, reason in rows:
        name = f"{metric} of {system if system == 'both' else f'the {system}'}"
        # The original alone shows nothing of the backend: its green is only no trouble.
        if system != Side.ORIGINAL or verdict != "green":
            windows[start, end].append(verdict)
        if limit := _over(context, system, metric, value, verdict):
            original |= system == Side.ORIGINAL
            red.append(f"{name} is {reason or value} ({limit}) at {start:%T}")
        elif verdict == "no data":
            missing.append(f"{name} has no data: {reason}")
    # Too little traffic is no trouble at 1 %, but a window in which nothing is green shows nothing.
    green = sum("green" in verdicts and "no data" not in verdicts for verdicts in windows.values())
    return StepWindows(tuple(red), green, tuple(dict.fromkeys(missing)), original)


def _over(context: RunContext, system: str, metric: str, value: float | None, verdict: str) -> str:
    """Return the limit that a window breaks: the watch's own, or one of ``[verify] thresholds``; empty when none."""
    if verdict == "red":
        return "red by the watch's own limits"
    # The thresholds of [verify] are for what people go to, not for the original.
    if value is None or verdict in ("no data", "not enough traffic") or system == Side.ORIGINAL:
        return ""
    limits = (over(limit, value) for limit in context.config.verify.thresholds if limit.metric == metric)
    return next(filter(None, limits), "")


def _page(context: RunContext, facts: Mapping[str, Any]) -> None:
    kept = page(context.config, {**facts, "facts": dict(context.facts)}, context.say)
    context.add("page", {"about": facts["about"], "said": facts["said"], **kept}, after_the_fact=True)
