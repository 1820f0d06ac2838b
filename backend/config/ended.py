"""A session that its server has ended is noticed before it is used, mostly without a question to the server.

Django asks ``SELECT 1`` before each request (``CONN_HEALTH_CHECKS``), which costs as much as a look-up. A server that
ends a session says so, or the kernel does: then the socket has something to read. So a session that was used a moment
ago, and whose socket is silent, is there.
"""

import select
import time
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg.pq import TransactionStatus

# Meanwhile another server may have taken over, of whose end no word has come.
ASKED_AFTER_S = 5.0


def install() -> None:
    """Look at every new connection in this way."""
    connection_created.connect(_on_connection, dispatch_uid="config.ended")


def _on_connection(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    session: Any = connection.connection
    used_s = time.monotonic()

    def is_usable() -> bool:
        nonlocal used_s
        before_s, used_s = used_s, time.monotonic()
        # Of one that was closed here the status is unknown; one in a transaction that failed takes no statement.
        is_idle = session.pgconn.transaction_status == TransactionStatus.IDLE
        if is_idle and used_s - before_s <= ASKED_AFTER_S and not _has_news(session.fileno()):
            return True
        return type(connection).is_usable(connection)

    connection.is_usable = is_usable  # type: ignore[method-assign]


def _has_news(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
