"""Five failed logins lock an e-mail for a quarter of an hour, in the memory of this process."""

from hashlib import sha256

from django.core.cache import cache

MAX_FAILURES = 5
LOCK_S = 15 * 60


def count_failure(email: str) -> None:
    """Remember one failed login."""
    cache.set(_key(email), cache.get(_key(email), 0) + 1, LOCK_S)


def forget_failures(email: str) -> None:
    """Set the count to zero after a successful login."""
    cache.delete(_key(email))


def is_locked(email: str) -> bool:
    """Return whether this e-mail is locked."""
    failures: int = cache.get(_key(email), 0)
    return failures >= MAX_FAILURES


def _key(email: str) -> str:
    # People type spaces and long texts; a cache key may hold neither.
    return "failed-logins:" + sha256(email.strip().lower().encode()).hexdigest()
