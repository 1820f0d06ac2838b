"""The sessions of an evolution: what is set for its role, its database or its server does not change what they do."""

from typing import Any

from psycopg import Connection, connect

from handover.config.config import Config, database_url

APPLICATION = "handover evolve"
LOOKING = f"{APPLICATION} (looks)"
# PostgreSQL calls a conversion of a number or of bytes into a text fixed, though its result depends on these.
FIXED = {"extra_float_digits": "1", "bytea_output": "hex"}
_OWN = FIXED | {
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    # A conversion with a backslash means what its file says.
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "default_transaction_isolation": "read committed",
    # An index of a large table takes hours, and who only looks on is idle for that time.
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}
# A server that is older than a setting has none of that name.
_SET = """
    SELECT count(set_config(own.name, own.value, false))
      FROM unnest(%s::text[], %s::text[]) AS own (name, value) JOIN pg_settings s ON s.name = own.name
"""


def open_session(
    config: Config, *, autocommit: bool = False, name: str = LOOKING, lock_timeout_ms: int = 0
) -> Connection[Any]:
    """Open a session on the shared database, as the owner of the tables.

    Parameters
    ----------
    config
        The pair.
    autocommit
        Whether each statement is a transaction of its own.
    name
        How other sessions see it.
    lock_timeout_ms
        For how long a statement waits for a lock; 0: as long as it takes.
    """
    connection = connect(database_url(config), autocommit=True, application_name=name)
    try:
        own = _OWN | {"lock_timeout": str(lock_timeout_ms)}
        connection.execute(_SET, [list(own), list(own.values())])
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection
