"""Keys of sessions: who has one is logged in, so only its hash is kept and compared here."""

import hashlib
from collections.abc import Collection
from datetime import datetime

from django.db import connection

_ALIVE = """
    SELECT hash FROM (
        SELECT encode(sha256(convert_to(session_key, 'UTF8')), 'hex') AS hash FROM django_session
        WHERE expire_date > statement_timestamp()
    ) AS s WHERE hash = ANY(%s)
"""
_UNKNOWN = """
    SELECT session_key, session_data, expire_date FROM django_session
    WHERE expire_date > statement_timestamp() AND NOT EXISTS (
        SELECT 1 FROM open_sessions WHERE key_hash = encode(sha256(convert_to(session_key, 'UTF8')), 'hex')
    )
"""
_END = "DELETE FROM django_session WHERE encode(sha256(convert_to(session_key, 'UTF8')), 'hex') = ANY(%s)"


def hash_of(key: str) -> str:
    # Unsalted and quick, unlike a password's hash: 165 random bits cannot be guessed. PostgreSQL works it out, too.
    return hashlib.sha256(key.encode()).hexdigest()


def alive(hashes: Collection[str]) -> set[str]:
    """Return those whose session is still there, for both systems."""
    with connection.cursor() as cursor:
        cursor.execute(_ALIVE, [list(hashes)])
        return {found for (found,) in cursor.fetchall()}


def unknown_sessions() -> list[tuple[str, str, datetime]]:
    """Return key, data and end of every session that this system has not seen yet."""
    with connection.cursor() as cursor:
        cursor.execute(_UNKNOWN)
        rows: list[tuple[str, str, datetime]] = cursor.fetchall()
    return rows


def end(hashes: Collection[str]) -> None:
    """Delete these sessions, for both systems."""
    with connection.cursor() as cursor:
        cursor.execute(_END, [list(hashes)])
