"""What a step of an evolution waits for at this moment, for those who ask from outside."""

from psycopg import Error, connect
from psycopg.rows import tuple_row

from handover.config.config import Config, database_url
from handover.evolve.session import APPLICATION
from handover.runs.retries import blockers_of
from handover.troubles import database_trouble
from handover.wording import one_line

_STEPS = """
    SELECT pid, left(query, 100) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = %s AND state = 'active' ORDER BY pid
"""


def hindered_lines(config: Config) -> list[str]:
    """Return for each statement of an evolution that waits what it waits for, one line a session that hinders it.

    Parameters
    ----------
    config
        The pair.
    """
    try:
        with connect(database_url(config), autocommit=True, row_factory=tuple_row) as connection:
            steps = connection.execute(_STEPS, [APPLICATION]).fetchall()
            return [
                f"`{one_line(query)}` waits for {line}" for pid, query in steps for line in blockers_of(connection, pid)
            ]
    except Error as error:
        return [f"it is not known whether it waits: {database_trouble(error)}"]
