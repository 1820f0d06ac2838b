"""What each failure after a switch cost people: requests, minutes, users; and what happened when.

A failure is a span between a switch and its rollback, or until now, in which a window of the system that people reached
was red. What was not watched is not counted as well: it is told beside it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import psycopg

from handover.config.config import Config, database_url
from handover.cutover.paging import not_sent
from handover.errors import HandoverError
from handover.journal.entry import JournalEntry
from handover.report.chart import number
from handover.report.timeline import marks
from handover.report.watched import Watched, WatchedWindow
from handover.side import Side
from handover.troubles import database_trouble

STATEMENT_TIMEOUT_MS = 10_000


@dataclass(frozen=True)
class Moment:
    """Something that happened in a failure, and when."""

    at: datetime
    what: str


@dataclass(frozen=True)
class ToldFailure:
    """One failure.

    Attributes
    ----------
    moments
        What happened, in its order: the switch, the first red window, pages, the decision, the way back.
    minutes, unseen_minutes
        For how long the system that people reached was red, and for how long it was not watched.
    failed, seen
        Requests that failed, of those that were seen.
    users
        How many people tried meanwhile, in words.
    worst
        The worst window, in words.
    over
        Whether people were brought back.
    """

    moments: tuple[Moment, ...]
    minutes: float
    unseen_minutes: float
    failed: int
    seen: int
    users: str
    worst: str
    over: bool


def failures(config: Config, entries: Sequence[JournalEntry], watched: Watched, now: datetime) -> list[ToldFailure]:
    """Return every failure after a switch, oldest first.

    Parameters
    ----------
    config
        The pair; ``[verify] affected_users_sql`` counts users.
    entries, watched
        What happened, and what the watch saw.
    now
        The end of a span that goes on.
    """
    found = []
    for start, end in _spans(entries):
        windows = [one for one in watched.windows if one.start >= start and one.end <= (end or now)]
        red = [one for one in windows if one.verdict == "red" and one.system == Side.BACKEND]
        if red or end:
            found.append(_failure(config, entries, windows, red, (start, end or now), over=end is not None))
    return found


def _spans(entries: Iterable[JournalEntry]) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield when people were moved, and when they were brought back; None when they were not."""
    moves = [*marks(entries), None]
    for mark, after in pairwise(moves):
        if mark and mark.label == "switch":
            yield mark.at, after.at if after and after.label == "rollback" else None


def _failure(
    config: Config,
    entries: Sequence[JournalEntry],
    windows: list[WatchedWindow],
    red: list[WatchedWindow],
    span: tuple[datetime, datetime],
    *,
    over: bool,
) -> ToldFailure:
    start, end = span
    requests = {one.start: one.value or 0 for one in windows if _is(one, "requests")}
    rates = {one.start: one.value or 0 for one in windows if _is(one, "error_rate")}
    covered = timedelta(seconds=_seconds(windows))
    return ToldFailure(
        moments=tuple(_moments(entries, red, span, over=over)),
        minutes=_seconds(red) / 60,
        unseen_minutes=max((end - start - covered).total_seconds(), 0) / 60,
        failed=round(sum(rates.get(at, 0) * number for at, number in requests.items())),
        seen=round(sum(requests.values())),
        users=_users(config, start, end),
        worst=_worst(red),
        over=over,
    )


def _is(window: WatchedWindow, metric: str) -> bool:
    return (window.system, window.metric) == (Side.BACKEND, metric)


def _seconds(windows: Iterable[WatchedWindow]) -> float:
    """Return how long the windows are together; those of several metrics at one time count once."""
    spans = {one.start: one.end for one in windows}
    return sum((end - start).total_seconds() for start, end in spans.items())


def _moments(
    entries: Sequence[JournalEntry], red: list[WatchedWindow], span: tuple[datetime, datetime], *, over: bool
) -> Iterator[Moment]:
    start, end = span
    found = [Moment(start, "people were moved to the backend")]
    if red:
        first = min(red, key=lambda one: one.end)
        found.append(Moment(first.end, f"the watch saw it: {first.metric} is red"))
    for entry in entries:
        if start < entry.at <= end and entry.kind == "page":
            sent = "a page could not be sent" if not_sent(entry.body) else "a person was paged"
            found.append(Moment(entry.at, f"{sent}: {entry.body['said']}"))
        elif start < entry.at <= end and entry.kind == "run" and entry.body["command"] == "rollback":
            facts = entry.body.get("facts", {})
            by = "by itself" if facts.get("automatic") else f"by {entry.who}"
            found.append(Moment(entry.at, f"rollback was decided {by}: {facts.get('because') or 'no reason'}"))
    if over:
        found.append(Moment(end, "people were sent back to the original"))
    yield from sorted(found, key=lambda one: one.at)


def _worst(red: list[WatchedWindow]) -> str:
    """Return the worst window: that with the most errors, else the first red one."""
    errors = [one for one in red if one.metric == "error_rate" and one.value is not None]
    if errors:
        worst = max(errors, key=lambda one: one.value or 0)
        return f"{number((worst.value or 0) * 100, '%')} of the requests failed at {worst.end:%H:%M:%S}"
    return f"{red[0].metric}: {red[0].reason}" if red else "no window was red"


def _users(config: Config, start: datetime, end: datetime) -> str:
    asked = config.verify.affected_users_sql
    if not asked:
        return "not counted: [verify] affected_users_sql is not declared"
    try:
        with psycopg.connect(
            database_url(config),
            autocommit=True,
            options=f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT_MS}",
        ) as connection:
            row = connection.execute(asked.encode(), {"start": start, "end": end}).fetchone()
    except psycopg.Error as error:
        return f"not counted: {database_trouble(error)}"
    except HandoverError as error:
        return f"not counted: {error}"
    return f"{row[0]:,}" if row and isinstance(row[0], int) else "not counted: the query gave no number"
