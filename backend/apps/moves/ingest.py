"""Films become moves on the workers: each share of the films is a call in the queue ``ingest``.

A share is called again until all others have heard their films; then it encodes its own. The last call writes the
library when no share is left. What is finished is not done again, so a call may be repeated at any time.
"""

import errno
import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

from apps.jobs import calls
from apps.jobs.queues import FIRST, GIVES_WAY
from config.clock import database_now
from config.errors import ConflictError

log = logging.getLogger(__name__)

# A share of so many films takes a worker about a minute.
FILMS_OF_A_SHARE = 4
# What waits for other shares looks again after so long.
AGAIN_AFTER = timedelta(seconds=15)
# The number of the call that writes the library; shares are counted from 1.
WRITES = 0


@dataclass(frozen=True)
class Films:
    """What becomes which library; the paths are the same on all workers."""

    films: str
    annotations: str
    library: str
    height: int | None = None
    width: int | None = None
    rate_hz: int | None = None


@dataclass(frozen=True)
class Waiting:
    """How urgent a call is, and since when it has waited for a worker."""

    priority: int
    since: datetime | None


class GaveWayError(Exception):
    """A choreography waits for a worker."""


def start_ingest(films: Films, *, shares: int | None = None) -> int:
    """Call the workers to an ingest; return in how many shares.

    Raises ClipError if the annotations cannot be read, ConflictError if workers are called to this library already.
    """
    from bachateo.moves.ingest.annotations import read_entries  # noqa: PLC0415 - as in work_on

    of = shares or max(1, ceil(len(read_entries(Path(films.annotations))) / FILMS_OF_A_SHARE))
    if calls.open_calls_to_ingest(films.library).exists():
        raise ConflictError(f"Workers are called to an ingest into {films.library} already. Wait until it is done.")
    now = database_now()
    for number in (*range(1, of + 1), WRITES):
        _call(asdict(films) | {"number": number, "of": of}, since=now)
    return of


def _call(share: dict[str, Any], *, since: datetime, priority: int = GIVES_WAY) -> None:
    calls.call_to_ingest(share, since=since, priority=priority)


def work_on(share: dict[str, Any], waiting: Waiting) -> None:
    """Do what a share can do now, and have it called again if something is left.

    Where there is no room on the disk it is called again, too, until there is. It stops after the films in hand when
    a choreography waits for a worker, unless it has waited for GIVE_WAY_S itself.
    Raises BachateoError if the annotations or the library cannot be used.
    """
    from bachateo.moves.ingest import AtWorkError  # noqa: PLC0415 - the web server imports this module, and never ingests

    def give_way(_stage: str, _done: int, _total: int) -> None:
        if waiting.priority < FIRST and calls.is_call_waiting():
            raise GaveWayError

    named = f"{share['library']}: share {share['number']} of {share['of']}"
    try:
        if _is_done(share, give_way):
            return
        log.info("%s waits for other shares", named)
    except GaveWayError:
        log.info("%s gives way to a choreography", named)
        _call(share, since=waiting.since or database_now(), priority=waiting.priority)
        return
    except AtWorkError as error:
        log.info("%s waits: %s", named, error.message)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        log.error("%s waits for room: %s", named, error)  # noqa: TRY400 - expected; a traceback adds nothing
    _call(share, since=database_now() + AGAIN_AFTER)


def _is_done(share: dict[str, Any], on_progress: Any) -> bool:
    from bachateo.moves.index.building import index_library  # noqa: PLC0415 - as in work_on
    from bachateo.moves.ingest import ingest, ingest_share  # noqa: PLC0415

    places = [Path(share[name]) for name in ("films", "annotations", "library")]
    asked = {name: share[name] for name in ("height", "width", "rate_hz")} | {"on_progress": on_progress}
    if share["number"] != WRITES:
        return not ingest_share(*places, number=share["number"], of=share["of"], **asked).waits_for
    if calls.open_calls_to_ingest(share["library"]).exclude(args__number=WRITES).exists():
        return False
    report = ingest(*places, **asked)
    if report.accepted:
        index_library(report.library)
    for line in report.lines():
        log.info("%s", line)
    return True
