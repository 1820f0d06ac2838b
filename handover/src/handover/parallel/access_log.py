"""Access logs: one request a line, in the common format or as JSON, and a reader that follows a growing one."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from handover.config.parallel import AccessLog
from handover.parallel.sample import Sample, measured, unmeasured
from handover.side import Side
from handover.wording import counted

# HOST IDENT USER [TIME] "REQUEST" STATUS, then whatever follows: the common log format, and the combined one.
COMMON = re.compile(r'^\S+ \S+ .*?\[[^\]]+\] "(?P<request>(?:[^"\\]|\\.)*)" (?P<status>\d{3})\b')
JSON_FIELDS = {"method": "method", "path": "path", "status": "status"}
READ_AT_MOST = 64 << 20


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
    """Follows the log of one system from its present end; a rotated or shortened log is read from its start."""

    def __init__(self, system: Side, log: AccessLog, root: Path) -> None:
        self._system, self._log, self._path = system, log, root / log.path
        self._inode, self._offset = self._place()
        self._rest = b""

    def _place(self) -> tuple[int, int]:
        try:
            facts = self._path.stat()
        except OSError:
            return 0, 0
        return facts.st_ino, facts.st_size

    def samples(self) -> Iterator[Sample]:
        """Count the requests since the last call."""
        try:
            lines = self._new_lines()
        except OSError as error:
            yield unmeasured(self._system, "access", f"{self._log.path} cannot be read: {error.strerror}")
            return
        requests = [parse(line, self._log) for line in lines]
        errors = sum(r.status >= HTTPStatus.INTERNAL_SERVER_ERROR for r in requests if r)
        if strange := requests.count(None):
            what = f"{strange} of {counted(len(lines), 'line')} of {self._log.path}"
            what += f" are not in the {self._log.format} format"
            yield unmeasured(self._system, "access", what)
        yield measured(self._system, "access", len(requests) - strange - errors)
        if errors:
            yield measured(self._system, "access", errors, ok=False, reason=f"{errors} answers were 5xx")

    def _new_lines(self) -> list[str]:
        with self._path.open("rb") as file:
            facts = os.fstat(file.fileno())
            if facts.st_ino != self._inode or facts.st_size < self._offset:
                self._inode, self._offset, self._rest = facts.st_ino, 0, b""
            file.seek(self._offset)
            text = file.read(READ_AT_MOST)
        self._offset += len(text)
        *lines, self._rest = (self._rest + text).split(b"\n")
        return [line.decode(errors="replace") for line in lines if line.strip()]
