"""Whether a system still gets requests of people, in a way that the team declared.

The toolkit's own requests are no traffic: in a log they are told by their marks. The checks of a load balancer are none
either: in a log they are told by the path of the system's health. Other counters do not show who asked; there it is
said when a watch runs.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from handover.config.config import Config, database_url
from handover.config.parallel import AccessLog
from handover.cutover import hooks
from handover.cutover.watch_health import is_watching
from handover.errors import HandoverError, Refused
from handover.http_client import MARK_HEADER, get
from handover.journal.own_requests import HOLDS_S, own_key, own_requests
from handover.parallel.access_log import is_check, parse
from handover.parallel.followed_log import FollowedLog
from handover.side import Side

BETWEEN_S = 0.5
ANSWER_WITHIN_S = 10.0
WATCH_STOPPED_AT_MOST = timedelta(minutes=5)


class UnseenTrafficError(HandoverError):
    """The requests that a system got cannot be counted."""

    code = "HO585"


def declared(config: Config, side: Side) -> str:
    """Return the way that is declared for a side.

    Raises
    ------
    Refused
        No way is declared.
    """
    way = side.of(config.traffic)
    if not way:
        message = f"handover.toml does not say how to see whether the {side} still gets requests; nothing was changed."
        raise Refused(
            f'{message} Declare it: [traffic] {side} = "log:FILE", a URL, "sql:SELECT …" or "hook"', code="HO585"
        )
    return way


class RequestCounter:
    """Counts the requests of people that a side gets; the number only grows.

    Parameters
    ----------
    config, side
        The pair, and the system.
    whole
        Of a log: whether it is read from its start; else from its present end.
    """

    def __init__(self, config: Config, side: Side, *, whole: bool = False) -> None:
        self._config, self._side, self._way = config, side, declared(config, side)
        self._own = own_requests(config, side, holds_s=math.inf if whole else HOLDS_S)
        kind, _, path = self._way.partition(":")
        self._log = FollowedLog(config.root / path, whole=whole) if kind == "log" else None
        self._formats = _formats(config, side, Path(path))
        self._counted = 0

    def close(self) -> None:
        """Close the log."""
        if self._log:
            self._log.close()

    def count(self) -> int:
        """Return how many there were.

        Raises
        ------
        UnseenTrafficError
            It could not be read.
        """
        try:
            return _number_of(self._config, self._side, self._way) if self._log is None else self._of_log(self._log)
        except (OSError, ValueError, TypeError, httpx.HTTPError, psycopg.Error) as error:
            way = self._way.partition(":")[0]
            message = f"the requests of the {self._side} could not be counted ({way}): {error}."
            raise UnseenTrafficError(f"{message} What was not seen is not quiet.") from error

    def _of_log(self, log: FollowedLog) -> int:
        self._counted += sum(self._own.asker(line) != "own" and not self._is_check(line) for line in log.new_lines())
        self._counted += bool(log.lost)  # what may have been in there
        return self._counted

    def _is_check(self, line: bytes) -> bool:
        text, health = line.decode(errors="replace"), self._config.system(self._side).health
        return any(is_check(parse(text, log), health) for log in self._formats)

    def note(self) -> str:
        """Return what may be counted although no person asked; empty when nothing is known."""
        if self._own.unknown:
            who = f"{self._own.unknown} of them have a mark of the toolkit that this folder's key does not confirm."
            return f"{who} If another machine watches, give it this one's key: handover init-journal --journal-key FILE"
        if self._own.own or not is_watching(self._config):
            return ""
        stop = f"Or stop the watch, and clean up within {WATCH_STOPPED_AT_MOST.seconds // 60} minutes."
        if self._log is not None:
            who = "A watch runs, and no line has its mark: the log's format shows neither User-Agent nor"
            return f"{who} {MARK_HEADER}. Log one of them (the combined format has User-Agent). {stop}"
        who = f"A watch runs, and this counter may count its requests: they have the header {MARK_HEADER}."
        return f'{who} Leave them out there, or count by a log: [traffic] {self._side} = "log:FILE". {stop}'


@contextmanager
def counting(config: Config, side: Side, *, whole: bool = False) -> Iterator[RequestCounter]:
    """Give what counts the requests of a side, until the block ends.

    Parameters
    ----------
    config, side, whole
        As of :class:`RequestCounter`.

    Raises
    ------
    Refused
        No way to count is declared.
    """
    counter = RequestCounter(config, side, whole=whole)
    try:
        yield counter
    finally:
        counter.close()


def requests_seen(config: Config, side: Side) -> int:
    """Return how many requests of people a side has got so far.

    Raises
    ------
    Refused
        No way to count is declared.
    UnseenTrafficError
        It could not be read.
    """
    with counting(config, side, whole=True) as counter:
        return counter.count()


def _formats(config: Config, side: Side, path: Path) -> tuple[AccessLog, ...]:
    """Return what a line of the log may look like: as ``[watch.logs]`` says if it is there, else either format."""
    watched = config.watch.logs.get(side)
    if watched and config.root / watched.path == config.root / path:
        return (watched,)
    return AccessLog(path=path), AccessLog(path=path, format="json")


def _number_of(config: Config, side: Side, way: str) -> int:
    kind, _, rest = way.partition(":")
    if kind in ("http", "https"):
        answer = get(way, timeout_s=ANSWER_WITHIN_S, key=own_key(config))
        answer.raise_for_status()
        return int(answer.text)
    if kind == "sql":
        return int(number(config, rest))
    if way == "hook":
        ran = hooks.run(config, "traffic", {"system": side})
        if ran is None:
            raise ValueError("[hooks.at] has no traffic")
        return int(ran.output.splitlines()[-1])
    raise ValueError(f"{way!r} is no way to count")


def number(config: Config, query: str) -> int:
    """Return the one number of a query that the team declared."""
    with psycopg.connect(database_url(config), connect_timeout=5) as connection:
        connection.read_only = True
        row = connection.execute(query.encode()).fetchone()
    if row is None or row[0] is None:
        raise ValueError(f"{query} has no number")
    return int(row[0])


def follow(config: Config, side: Side, *, say: Any, at_most_s: float = math.inf) -> dict[str, Any]:
    """Wait until a side gets no more requests; say so when it still does at the end of the time.

    Parameters
    ----------
    config, side
        The pair, and which system is counted.
    say
        Receives a line when the time is over.
    at_most_s
        How much time there is, if that is less than ``[traffic] limit_s``.

    Raises
    ------
    UnseenTrafficError
        They could not be counted.
    """
    limit_s = min(config.traffic.limit_s, max(at_most_s, 0.0))
    with counting(config, side) as counter:
        began = still_since = time.monotonic()
        first = last = counter.count()
        while True:
            time.sleep(min(BETWEEN_S, config.traffic.quiet_s, limit_s))
            asked = time.monotonic()
            if (count := counter.count()) != last:
                last, still_since = count, time.monotonic()
            # It was quiet in between only if the second count is the same.
            elif asked - still_since >= config.traffic.quiet_s:
                return {"quiet": True, "after_s": round(still_since - began, 3), "requests": last - first}
            if asked - began >= limit_s:
                note = counter.note()
                told = f"the {side} still gets requests: {last - first} in {asked - began:.0f} s"
                if limit_s < config.traffic.limit_s:
                    told = f"the {side} got {last - first} requests in {asked - began:.0f} s"
                    told += f"; no time was left to wait for {config.traffic.quiet_s:g} s without a request"
                say(f"{told}. {note}" if note else told)
                after_s = round(asked - began, 3)
                return {"quiet": False, "after_s": after_s, "requests": last - first, "note": note}
