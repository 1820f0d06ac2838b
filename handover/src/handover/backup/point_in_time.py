"""Can the server go back to a moment between two backups? What it says, never what is hoped."""

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from handover.wording import page_address

PAGE = page_address("howto/back-up-and-restore")
_MANAGED = "SELECT count(*) FROM pg_roles WHERE rolname IN ('cloudsqlsuperuser', 'rds_superuser', 'azure_pg_admin')"
_STATE = """
SELECT current_setting('wal_level'), current_setting('archive_mode'), archived_count, last_archived_time,
       last_failed_time > coalesce(last_archived_time, '-infinity'), pg_is_in_recovery()
  FROM pg_stat_archiver
"""
_MAY_COPY = "SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user"


def point_in_time(connection: Connection[Any]) -> Iterator[str]:
    """Yield what the server allows, a line each.

    Parameters
    ----------
    connection
        Any connection to it; only settings and statistics are read.
    """
    (managed,) = connection.execute(_MANAGED).fetchone() or (0,)
    if managed:
        yield "This is a managed server: its provider can go back in time, if that was switched on for the instance."
        yield f"The database does not say so; ask the provider: {PAGE}. Until then only your backups count."
        return
    row = connection.execute(_STATE).fetchone()
    assert row is not None  # noqa: S101 - the view has one row
    wal_level, archive_mode, count, last, failing, standby = row
    if archive_mode == "off" or wal_level == "minimal":
        settings = f"wal_level is {wal_level}, archive_mode is {archive_mode}"
        yield f"Only the moments of your backups can be restored: {settings}."
        yield f"How to keep every moment: {PAGE}."
        return
    if failing:
        yield f"The server cannot archive its log: the last try failed, the last success was {last or 'never'}."
        yield "Mend it: until then only the moments of your backups can be restored."
    elif not count:
        yield "The server is set to archive its log, and has not archived a piece yet. Nothing shows that it works."
    else:
        yield f"The server archives its log; the last piece was archived at {last}. A base backup made before a moment,"
        yield f"and every piece since then, bring that moment back: {PAGE}."
    (may,) = connection.execute(_MAY_COPY).fetchone() or (False,)
    if not may and not standby:
        yield f"The role {connection.info.user} may not make a base backup; that takes REPLICATION."
