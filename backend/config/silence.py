"""No session waits without an end for a database that keeps its connection and says nothing.

The kernel ends connections to a machine that is gone (``DATABASES``). A server that is stopped, and a proxy that
swallows what it is sent, acknowledge every packet, so the kernel sees nothing wrong; psycopg would wait for ever.
"""

from collections.abc import Awaitable
from time import monotonic
from typing import Any, TypeVar

import psycopg
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg.abc import PQGen

Answer = TypeVar("Answer")


class SilentDatabaseError(psycopg.OperationalError):
    """The database did not answer in time; its connection was closed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The database has not answered for {seconds:g} s (DATABASE_SILENCE_S); the connection was closed."
        )


class EndingSession(psycopg.AsyncConnection[Any]):
    """A session of procrastinate's that ends when the database is silent."""

    silence_s: float

    def wait(self, gen: PQGen[Answer], *args: Any, **options: Any) -> Awaitable[Answer]:  # type: ignore[override]
        """Wait for an answer as psycopg does. Raises SilentDatabaseError."""
        return super().wait(limited(gen, self.pgconn, self.silence_s), *args, **options)


def sessions_that_end(silence_s: float) -> type[EndingSession]:
    """Return the class of asynchronous sessions that wait no longer for an answer than this."""
    return type(EndingSession.__name__, (EndingSession,), {"silence_s": silence_s})


def end_sessions_after(silence_s: float) -> None:
    """End the sessions of this process, opened from now on, that wait longer for an answer than this.

    For servers and workers. A migration may take longer.
    """
    connections.settings["default"]["SILENCE_S"] = silence_s


def install() -> None:
    """Look at every new connection. To be called before others ask it something."""
    connection_created.connect(_on_connection, dispatch_uid="config.silence")


def _on_connection(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    silence_s = connection.settings_dict.get("SILENCE_S")
    if silence_s is None:
        return
    session: Any = connection.connection
    plain = session.wait
    session.wait = lambda gen, *args, **options: plain(limited(gen, session.pgconn, silence_s), *args, **options)


def limited(gen: PQGen[Answer], pgconn: psycopg.pq.abc.PGconn, silence_s: float) -> PQGen[Answer]:
    """Do what ``gen`` does, a statement of psycopg's, until the database is silent for too long.

    Raises SilentDatabaseError. The connection is closed before: its answer may still come, and fit nothing.
    """
    try:
        wanted, since = next(gen), monotonic()
        while True:
            # psycopg goes on every moment, with or without news.
            if ready := (yield wanted):
                since = monotonic()
            elif monotonic() - since > silence_s:
                pgconn.finish()
                raise SilentDatabaseError(silence_s)
            wanted = gen.send(ready)
    except StopIteration as stop:
        answer: Answer = stop.value
        return answer
