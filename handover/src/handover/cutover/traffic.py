"""Whether a system still gets requests, in a way that the team declared."""

import time
from pathlib import Path
from typing import Any

import httpx
import psycopg

from handover.config.config import Config, database_url
from handover.cutover import hooks
from handover.errors import HandoverError, Refused
from handover.http_client import get
from handover.side import Side

BETWEEN_S = 0.5
ANSWER_WITHIN_S = 10.0


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


def requests_seen(config: Config, side: Side) -> int:
    """Return how many requests a side has got so far; the number only grows.

    Raises
    ------
    UnseenTrafficError
        It could not be read.
    """
    way = declared(config, side)
    try:
        return _count(config, side, way)
    except (OSError, ValueError, TypeError, httpx.HTTPError, psycopg.Error) as error:
        message = f"the requests of the {side} could not be counted ({way.partition(':')[0]}): {error}."
        raise UnseenTrafficError(f"{message} What was not seen is not quiet.") from error


def _count(config: Config, side: Side, way: str) -> int:
    kind, _, rest = way.partition(":")
    if kind == "log":
        return (config.root / Path(rest)).read_bytes().count(b"\n")
    if kind in ("http", "https"):
        answer = get(way, timeout_s=ANSWER_WITHIN_S)
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


def follow(config: Config, side: Side, *, say: Any) -> dict[str, Any]:
    """Wait until a side gets no more requests; say so when it still does at the end of the time.

    Parameters
    ----------
    config, side
        The pair, and which system is counted.
    say
        Receives a line when the time is over.

    Raises
    ------
    UnseenTrafficError
        They could not be counted.
    """
    began = still_since = time.monotonic()
    first = last = requests_seen(config, side)
    while True:
        time.sleep(min(BETWEEN_S, config.traffic.quiet_s))
        asked = time.monotonic()
        if (count := requests_seen(config, side)) != last:
            last, still_since = count, time.monotonic()
        # It was quiet in between only if the second count is the same.
        elif asked - still_since >= config.traffic.quiet_s:
            return {"quiet": True, "after_s": round(still_since - began, 3), "requests": last - first}
        if asked - began >= config.traffic.limit_s:
            say(f"the {side} still gets requests: {last - first} in {asked - began:.0f} s")
            return {"quiet": False, "after_s": round(asked - began, 3), "requests": last - first}
