"""Names of what an evolution makes: short enough for PostgreSQL, and the same each time they are computed."""

import hashlib

# PostgreSQL cuts a longer name without an error.
LONGEST = 63


def short_name(stem: str, suffix: str) -> str:
    """Return ``stem`` with ``suffix``; a stem that is too long is cut and told apart by a checksum.

    Examples
    --------
    >>> short_name("tasks_pkey", "_v2")
    'tasks_pkey_v2'
    >>> len(short_name("x" * 63, "_v2"))
    63
    """
    name = stem + suffix
    if len(name.encode()) <= LONGEST:
        return name
    mark = checksum(stem)
    room = LONGEST - len(suffix.encode()) - len(mark) - 1
    return f"{stem.encode()[:room].decode(errors='ignore')}_{mark}{suffix}"


def checksum(text: str) -> str:
    """Return eight letters and digits that tell a text from others."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]
