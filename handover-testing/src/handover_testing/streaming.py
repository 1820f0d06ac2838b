"""A standby as the server sees it: a session that receives the log, and says how far it is only when a test says so."""

import struct
from types import TracebackType
from typing import Self

from psycopg import pq

from sandbox.postgres import Server


class StreamingStandby:
    """A streaming connection under the name ``standby_1``."""

    def __init__(self, server: Server) -> None:
        url = server.url("postgres", "postgres")
        self._session = pq.PGconn.connect(f"{url}?replication=true&application_name=standby_1".encode())
        assert self._session.status == pq.ConnStatus.OK, self._session.get_error_message()
        with server.connect() as connection:
            (start,) = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
        result = self._session.exec_(f"START_REPLICATION PHYSICAL {start}".encode())
        assert result.status == pq.ExecStatus.COPY_BOTH, result.error_message

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.finish()

    def reached(self, position: int) -> None:
        """Tell the server that everything up to a position is replayed."""
        told = struct.pack("!cQQQQ?", b"r", position, position, position, 0, False)
        self._session.put_copy_data(told)
        self._session.flush()
