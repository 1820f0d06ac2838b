"""Keys of sessions: who has one is logged in, so only its hash is kept and compared here."""

import hashlib
from datetime import datetime

from django.db import connection
from django.db.models.expressions import RawSQL

# The hashes of the sessions that are still there, for both systems.
ALIVE = RawSQL(
    """
    SELECT encode(sha256(convert_to(session_key, 'UTF8')), 'hex') FROM django_session
    WHERE expire_date > statement_timestamp()
    """,
    (),
)
_UNKNOWN = """
    SELECT session_key, session_data, expire_date FROM django_session
    WHERE expire_date > statement_timestamp() AND NOT EXISTS (
        SELECT 1 FROM open_sessions WHERE key_hash = encode(sha256(convert_to(session_key, 'UTF8')), 'hex')
    )
"""
_END = "DELETE FROM django_session WHERE encode(sha256(convert_to(session_key, 'UTF8')), 'hex') = %s"
_END_OF_USER = """
    WITH forgotten AS (DELETE FROM open_sessions WHERE user_id = %s AND key_hash <> %s RETURNING key_hash)
    DELETE FROM django_session
    WHERE encode(sha256(convert_to(session_key, 'UTF8')), 'hex') IN (SELECT key_hash FROM forgotten)
    RETURNING expire_date > statement_timestamp()
"""


def hash_of(key: str) -> str:
    # Unsalted and quick, unlike a password's hash: 165 random bits cannot be guessed. PostgreSQL works it out, too.
    return hashlib.sha256(key.encode()).hexdigest()


def unknown_sessions() -> list[tuple[str, str, datetime]]:
    """Return key, data and end of every session that this system has not seen yet."""
    with connection.cursor() as cursor:
        cursor.execute(_UNKNOWN)
        rows: list[tuple[str, str, datetime]] = cursor.fetchall()
    return rows


def end(key_hash: str) -> None:
    """Delete a session, for both systems."""
    with connection.cursor() as cursor:
        cursor.execute(_END, [key_hash])


def end_all(user_id: int, *, but: str = "") -> int:
    """Delete all sessions of a user that are known, ``but`` one, for both systems; return how many had not ended."""
    with connection.cursor() as cursor:
        cursor.execute(_END_OF_USER, [user_id, but])
        return sum(was_alive for (was_alive,) in cursor.fetchall())
