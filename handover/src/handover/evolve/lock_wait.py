"""How long a strong lock may be waited for: no longer than half the time after which PostgreSQL looks for a deadlock.

PostgreSQL ends the statement of the session that looks first. A user who waits for a table that a step holds already,
and holds the one that the step waits for, would lose a statement; so the step must have given up by then.
"""

import re
from typing import Any

from psycopg import Connection

from handover.config.evolve import EvolveSettings

# A session's setting hides the server's own when the role of this tool has another: then the usual one counts as well.
_TIMES = """
    SELECT setting || unit FROM pg_settings WHERE name = 'deadlock_timeout'
    UNION ALL
    SELECT boot_val || unit FROM pg_settings
     WHERE name = 'deadlock_timeout'
       AND source NOT IN ('default', 'configuration file', 'command line', 'environment variable')
    UNION ALL
    SELECT substr(setting, 18) FROM pg_db_role_setting s CROSS JOIN unnest(setconfig) AS setting
     WHERE setting LIKE 'deadlock_timeout=%'
       AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
_UNITS_MS = {"us": 0.001, "": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}


def deadlock_timeout_ms(connection: Connection[Any]) -> float:
    """Return after how long a session of this database looks for a deadlock, the shortest of all roles."""
    return min(_ms(str(row[0])) for row in connection.execute(_TIMES).fetchall())


def longest_wait_ms(connection: Connection[Any], settings: EvolveSettings) -> int:
    """Return how long a step may wait for its strong locks: what is declared, if the server allows that.

    Parameters
    ----------
    connection
        A session in autocommit.
    settings
        The section ``[evolve]``.
    """
    return min(settings.lock_timeout_ms, max(1, int(deadlock_timeout_ms(connection) / 2)))


def shortened(connection: Connection[Any], settings: EvolveSettings) -> str:
    """Return in words that the declared time is not used; empty when it is.

    Parameters
    ----------
    connection, settings
        As of :func:`longest_wait_ms`.
    """
    wait_ms = longest_wait_ms(connection, settings)
    if wait_ms == settings.lock_timeout_ms:
        return ""
    return (
        f"a strong lock is waited for {wait_ms} ms at most, not lock_timeout_ms = {settings.lock_timeout_ms}:"
        f" PostgreSQL looks for deadlocks after {deadlock_timeout_ms(connection):g} ms (deadlock_timeout), and would"
        " end a user's statement"
    )


def _ms(text: str) -> float:
    """Return a time as PostgreSQL writes it, in milliseconds.

    Examples
    --------
    >>> _ms("1s"), _ms("200"), _ms("0.5 min")
    (1000.0, 200.0, 30000.0)
    """
    found = re.fullmatch(r"\s*([0-9.]+)\s*(us|ms|s|min|h|d|)\s*", text)
    # A number that is written in another way is none that can be relied on.
    return float(found[1]) * _UNITS_MS[found[2]] if found else 1.0
