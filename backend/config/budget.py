"""How many sessions of the database the whole service may open at most, and whether the database allows so many.

Each thread keeps a session of its own. A database that runs out of them refuses everybody, the original too.
"""

import logging
from dataclasses import dataclass

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections

from config.encrypted import fault_told
from serving.patience import Patience

log = logging.getLogger(__name__)

# Of a server's process besides its threads: uploads, probes, who follows, and what /ready asks at once.
BESIDES_THREADS = Patience.uploads + Patience.probes + 1 + 6
# Of a worker: the queue's pool and its notifications, the job, its lease, sweeps, and those who send webhooks.
OF_A_WORKER = 4 + 1 + 1 + 1 + 1 + 5
_ALLOWED = """
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true)::int, 0),
        nullif(rolconnlimit, -1)
    FROM pg_roles WHERE rolname = current_user
"""


class TooManySessionsError(ImproperlyConfigured):
    """The service may open more sessions than the database allows."""


class NotEncryptedError(ImproperlyConfigured):
    """The database is not to be reached over TLS as DATABASE_URL asks for it."""


@dataclass(frozen=True)
class Budget:
    """What the instances may open together."""

    instances: int
    processes: int
    threads: int
    workers: int
    others: int

    @property
    def own(self) -> int:
        """The sessions of the backend."""
        of_an_instance = self.processes * (self.threads + BESIDES_THREADS)
        return self.instances * of_an_instance + self.workers * OF_A_WORKER

    def check(self, *, allowed: int, allowed_role: int | None) -> None:
        """Raise TooManySessionsError unless that fits."""
        fits = self.own + self.others <= allowed and (allowed_role is None or self.own <= allowed_role)
        if fits:
            return
        limits = f"the database allows {allowed}" + (
            f", and this role {allowed_role}" if allowed_role is not None else ""
        )
        raise TooManySessionsError(
            f"WEB_INSTANCES={self.instances} with {self.processes} x {self.threads} threads and "
            f"WORKER_INSTANCES={self.workers} may open {self.own} sessions, and others need {self.others} "
            f"(OTHER_CONNECTIONS); {limits}. Lower one of them or gunicorn's threads, raise max_connections, or put "
            "pgbouncer before the database (docs/howto/cloud-sql.md)."
        )


def require(*, processes: int, threads: int) -> None:
    """Ask the database, unless a pooler stands before it, which has limits of its own.

    Raises TooManySessionsError, or NotEncryptedError: that does not pass by itself, as a database that is away does.
    """
    if settings.DATABASE_POOLER:
        return
    budget = Budget(settings.WEB_INSTANCES, processes, threads, settings.WORKER_INSTANCES, settings.OTHER_CONNECTIONS)
    try:
        # Not by Django's cursor, which warns: gunicorn asks before the applications are loaded.
        with connection.get_new_connection(connection.get_connection_params()) as session:
            allowed, allowed_role = session.execute(_ALLOWED).fetchone()
    except psycopg.OperationalError as error:
        if told := fault_told(error):
            raise NotEncryptedError(told) from error
        # The processes that are started next need the database too, and end without it.
        log.warning("sessions were not counted: %s", error)
        return
    budget.check(allowed=allowed, allowed_role=allowed_role)


def limit_statements(*, statement_s: float, lock_s: float) -> None:
    """Limit the statements of this process's sessions, opened from now on; 0 is no limit. Not through a pooler."""
    options = connections.settings["default"]["OPTIONS"]
    if not settings.DATABASE_POOLER:
        limits = {"statement_timeout": statement_s, "lock_timeout": lock_s}
        options["options"] += "".join(f" -c {name}={round(value * 1000)}" for name, value in limits.items())
