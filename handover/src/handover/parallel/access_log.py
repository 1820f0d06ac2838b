"""Access logs: one request a line, in the common format or as JSON, and what counts the requests of a growing one."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from handover.config.parallel import AccessLog
from handover.journal.own_requests import OwnRequests
from handover.parallel.followed_log import FollowedLog
from handover.parallel.sample import Sample, measured, unmeasured
from handover.side import Side
from handover.wording import counted

# HOST IDENT USER [TIME] "REQUEST" STATUS, then whatever follows: the common log format, and the combined one.
COMMON = re.compile(r'^\S+ \S+ .*?\[[^\]]+\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3})\b')
JSON_FIELDS = {"method": "method", "path": "path", "status": "status"}
PEOPLE, OWN = "access", "access_own"
CHECKS_WITH = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class LoggedRequest:
    """One line of a log; method and path are empty if the client sent no request."""

    method: str
    path: str
    status: int


def parse(line: str, log: AccessLog) -> LoggedRequest | None:
    """Return the request of a line, or None when the line is not in the declared format.

    Examples
    --------
    >>> parse('127.0.0.1 - - [24/Nov/2026:13:00:00 +0000] "GET /health HTTP/1.1" 200 12', AccessLog(path="x"))
    LoggedRequest(method='GET', path='/health', status=200)
    """
    if log.format == "json":
        return _of_json(line, log)
    if found := COMMON.match(line):
        method, _, rest = found["request"].partition(" ")
        return LoggedRequest(method, rest.rpartition(" ")[0] or rest, int(found["status"]))
    return None


def is_check(request: LoggedRequest | None, health: str) -> bool:
    """Say whether a request only looks at a system's health, as a load balancer does every few seconds.

    Parameters
    ----------
    request
        What a line of a log says; None when that is unknown.
    health
        The path that the team declared. At ``/`` people ask as well, so a request there is no check.

    Examples
    --------
    >>> is_check(LoggedRequest("HEAD", "/health?from=lb", 200), "/health"), is_check(None, "/health")
    (True, False)
    """
    return (
        request is not None
        and health != "/"
        and request.method in CHECKS_WITH
        and health in (request.path, request.path.partition("?")[0])
    )


def _of_json(line: str, log: AccessLog) -> LoggedRequest | None:
    try:
        values = json.loads(line)
        method, path, status = (_at(values, log.fields.get(n, d)) for n, d in JSON_FIELDS.items())  # type: ignore[call-overload]
        return LoggedRequest(str(method), str(path), int(status))
    except (ValueError, KeyError, TypeError):
        return None


def _at(values: Any, place: str) -> Any:
    for part in place.split("."):
        values = values[part]
    return values


class Tail:
    """Follows the log of one system from its present end, over its rotation.

    Parameters
    ----------
    system, log, root
        The system, its log, and the folder that the log's path is relative to.
    own
        Tells the toolkit's own requests, which are counted apart; without it, no request is one.
    health
        The path whose checks are counted with the toolkit's own requests; see :func:`is_check`.
    """

    def __init__(
        self, system: Side, log: AccessLog, root: Path, own: OwnRequests | None = None, health: str = "/"
    ) -> None:
        self._system, self._log, self._own, self._health = system, log, own, health
        self._followed = FollowedLog(root / log.path)

    def close(self) -> None:
        """Close the log."""
        self._followed.close()

    def samples(self) -> Iterator[Sample]:
        """Count the requests since the last call: those of people, and the toolkit's own with the checks."""
        try:
            lines = self._followed.new_lines()
        except OSError as error:
            yield unmeasured(self._system, PEOPLE, f"{self._log.path} cannot be read: {error.strerror}")
            return
        if self._followed.lost:
            yield unmeasured(self._system, PEOPLE, self._followed.lost)
        asked: dict[str, list[LoggedRequest | None]] = {PEOPLE: [], OWN: []}
        for line in lines:
            request = parse(line.decode(errors="replace"), self._log)
            asked[self._metric(line, request)].append(request)
        for metric, requests in asked.items():
            yield from self._counted(metric, requests)

    def _metric(self, line: bytes, request: LoggedRequest | None) -> str:
        own = self._own is not None and self._own.asker(line) == "own"
        return OWN if own or is_check(request, self._health) else PEOPLE

    def _counted(self, metric: str, requests: list[LoggedRequest | None]) -> Iterator[Sample]:
        errors = sum(r.status >= HTTPStatus.INTERNAL_SERVER_ERROR for r in requests if r)
        if strange := requests.count(None):
            what = f"{strange} of {counted(len(requests), 'line')} of {self._log.path}"
            what += f" are not in the {self._log.format} format"
            yield unmeasured(self._system, metric, what)
        yield measured(self._system, metric, len(requests) - strange - errors)
        if errors:
            yield measured(self._system, metric, errors, ok=False, reason=f"{errors} answers were 5xx")
