"""Five failed logins lock the typed login for 15 minutes."""

import hashlib

from django.core.cache import cache

from config.errors import LockedOutError

MAX_FAILURES = 5
LOCK_S = 15 * 60


def check_lock(login: str) -> None:
    """Raise LockedOutError while ``login`` is locked."""
    if cache.get(_key(login), 0) >= MAX_FAILURES:
        raise LockedOutError("Too many failed logins for this account. Try again in 15 minutes.", retry_after_s=LOCK_S)


def count_failure(login: str) -> None:
    key = _key(login)
    try:
        failures = cache.incr(key)
    except ValueError:  # the first, or the first since the last ones expired
        failures = 1
    # Written again for its time: the lock lasts 15 minutes from the last failure, not from the first.
    cache.set(key, failures, LOCK_S)


def forget_failures(login: str) -> None:
    cache.delete(_key(login))


def _key(login: str) -> str:
    # Hashed: a typed login may hold anything, a cache key may not.
    return "login-failures:" + hashlib.sha256(login.lower().encode()).hexdigest()
