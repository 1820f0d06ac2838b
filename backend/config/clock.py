"""The time of the database: the clocks of two machines differ, by days if one is set wrongly."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the time of the database. Within a query, ``Now()`` gives the same without another query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
