"""The reads that may be sent to both systems, from a log, from flows, and from ``handover.toml``."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from handover.config.config import Config
from handover.config.parallel import AccessLog
from handover.errors import UnseenError
from handover.http_client import host_of
from handover.journal.own_requests import OwnRequests, own_key
from handover.parallel.access_log import parse
from handover.side import Side

SAFE = ("GET", "HEAD")


@dataclass(frozen=True)
class Read:
    """A request that changes nothing by the rules of HTTP."""

    method: str
    path: str

    @property
    def shown(self) -> str:
        """The request without the values of its query, which may be personal data."""
        parts = urlsplit(self.path)
        names = "&".join(f"{name}=…" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
        return f"{self.method} {parts.path}" + (f"?{names}" if names else "")


@dataclass(frozen=True)
class Chosen:
    """The reads that are sent, how often each was seen, and how many requests are not sent.

    Attributes
    ----------
    reads
        Each different read, the most frequent first.
    refused
        Requests that write; they are never sent.
    excluded
        Reads that ``exclude`` names.
    beyond
        Different reads beyond the limit.
    unread
        Lines of the log that are in another format.

    The toolkit's own requests in a log are left out and not counted.
    """

    reads: Counter[Read]
    refused: int
    excluded: int
    beyond: int
    unread: int


def choose(config: Config, log: AccessLog | None = None, limit: int | None = None) -> Chosen:
    """Return the reads that may be sent.

    Parameters
    ----------
    config
        The pair, with ``[shadow]``.
    log, limit
        Instead of those in ``[shadow]``.

    Raises
    ------
    UnseenError
        The log cannot be read.
    """
    shadow = config.shadow
    seen = list(_all(config, log or shadow.log))
    reads = [read for read in seen if read and read.method in SAFE]
    excluded = [read for read in reads if any(re.search(pattern, read.path) for pattern in shadow.exclude)]
    counted = Counter(read for read in reads if read not in set(excluded))
    kept = Counter(dict(counted.most_common(limit or shadow.limit)))
    refused = sum(1 for read in seen if read and read.method not in SAFE)
    return Chosen(kept, refused, len(excluded), len(counted) - len(kept), seen.count(None))


def _all(config: Config, log: AccessLog | None) -> Iterator[Read | None]:
    yield from (Read("GET", path) for path in config.shadow.paths)
    if config.shadow.flows:
        for flow in config.flows:
            yield from (Read(step.method, step.path) for step in flow.steps if _stands_alone(step.path))
    if log is None:
        return
    own = OwnRequests(own_key(config), _hosts(config), holds_s=math.inf)
    try:
        with (config.root / log.path).open(encoding="utf-8", errors="replace") as file:
            for line in filter(str.strip, file):
                if own.asker(line.encode()) == "own":
                    continue
                request = parse(line.strip(), log)
                whole = request and request.path.startswith("/")
                yield Read(request.method, request.path) if request and whole else None
    except OSError as error:
        message = f"the access log {log.path} cannot be read: {error.strerror}."
        raise UnseenError(f"{message} Correct [shadow] log, or name it: --log FILE", code="HO610") from error


def _hosts(config: Config) -> list[str]:
    return [host_of(url) for side in Side if (url := config.system(side).base_url)]


def _stands_alone(path: str) -> bool:
    return "{" not in path
