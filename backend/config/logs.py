"""Lines of the log as JSON, each with the ids of the request, task and run that it belongs to (``LOG_FORMAT=json``).

The names ``severity``, ``time`` and ``message`` are those that Google Cloud's log reads by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.contextvars import bound_contextvars, get_contextvars, merge_contextvars
from structlog.typing import EventDict, WrappedLogger

# What a line may carry besides its text (``extra=`` of logging).
EXTRA = ["status", "seconds", "outcome", "attempt"]


def formatter() -> structlog.stdlib.ProcessorFormatter:
    """Return what writes a line of any logger as JSON."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(allow=EXTRA),
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
        ],
        processors=[_named, structlog.processors.JSONRenderer(default=str, ensure_ascii=False)],
    )


def _named(_logger: WrappedLogger, level: str, event: EventDict) -> EventDict:
    """Put first what readers look for first."""
    first = {
        "time": event.pop("time"),
        "severity": level.upper(),
        "logger": event.pop("logger"),
        "message": event.pop("event"),
    }
    return first | {name: value for name, value in event.items() if not name.startswith("_")}


@contextmanager
def named(**ids: str) -> Iterator[None]:
    """Name the request, task or run in each line that this thread logs in the block; an empty id is left out."""
    with bound_contextvars(**{name: value for name, value in ids.items() if value}):
        yield


def request_id() -> str:
    """Return the id of the request that is answered in this thread; empty outside of requests."""
    return str(get_contextvars().get("request_id", ""))
