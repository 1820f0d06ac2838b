"""How often a login may fail. Counted before the password is looked at, so that guesses at the same moment count, too.

An account is counted for each address that tries it, and not for its name alone: strangers who fail cannot lock its
owner out. Many addresses together are slowed down by two wider limits, and a browser in which the owner has logged in
before is free of those.
"""

import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest, Now
from django.http import HttpRequest

from apps.logins.devices import device_of
from apps.logins.models import FailedLogins
from config.errors import LockedOutError

MAX_FAILURES = 5  # of one account from one address, as in the original
MAX_OF_ADDRESS = 50  # whatever accounts: a school has one address
MAX_OF_ACCOUNT = 100  # from whatever addresses
LOCK = timedelta(minutes=15)
IPV6_PREFIX = 64  # what one customer has

# One statement, so that two at the same moment are two. A lock ends 15 minutes after the last failure that was counted.
_COUNT = """
    INSERT INTO failed_logins AS f (who, failures, ends_at) VALUES (%(who)s, 1, statement_timestamp() + %(lock)s)
    ON CONFLICT (who) DO UPDATE SET
        failures = CASE WHEN f.ends_at <= statement_timestamp() THEN 1 ELSE least(f.failures + 1, %(most)s + 1) END,
        ends_at = CASE WHEN f.ends_at > statement_timestamp() AND f.failures >= %(most)s
            THEN f.ends_at ELSE statement_timestamp() + %(lock)s END
    RETURNING failures, extract(epoch FROM ends_at - statement_timestamp())
"""


@dataclass(frozen=True)
class Attempt:
    """A login that was let through, and counted as failed until it succeeds: by ``who`` here, and more widely."""

    who: str
    wide: tuple[str, ...]


def admit(request: HttpRequest, *, account: str, user_id: int | None) -> Attempt:
    """Count an attempt as failed. Raises LockedOutError when there were too many.

    ``account`` is the same whichever of its names was typed.
    """
    address = _address_of(request)
    device = device_of(request, user_id) if user_id else None
    who = f"device {device}" if device else f"account {account} from {address}"
    wide = {} if device else {f"address {address}": MAX_OF_ADDRESS, f"account {account}": MAX_OF_ACCOUNT}
    # The narrow one first: whoever is locked by it is not counted by the others.
    for counted, most in {who: MAX_FAILURES, **wide}.items():
        _count(counted, most)
    return Attempt(who, tuple(wide))


def succeeded(attempt: Attempt) -> None:
    """Forget the failures of this account here, and take this attempt out of the wider counts."""
    FailedLogins.objects.filter(who=_hash(attempt.who)).delete()
    for who in attempt.wide:
        FailedLogins.objects.filter(who=_hash(who)).update(failures=Greatest(F("failures") - 1, 0))
    FailedLogins.objects.filter(ends_at__lte=Now()).delete()


def _count(who: str, most: int) -> None:
    with connection.cursor() as cursor:
        parameters: Any = {"who": _hash(who), "lock": LOCK, "most": most}  # psycopg adapts a timedelta, too
        cursor.execute(_COUNT, parameters)
        failures, left_s = cursor.fetchone()
    if failures > most:
        raise LockedOutError(
            "Too many failed logins for this account. Try again in 15 minutes.", retry_after_s=math.ceil(left_s)
        )


def _hash(who: str) -> str:
    return hashlib.sha256(who.encode()).hexdigest()


def _address_of(request: HttpRequest) -> str:
    """Return who asks: what the outermost of our own proxies saw, or who is connected."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    trusted = settings.TRUSTED_PROXIES
    seen = hops[-trusted] if trusted and len(hops) >= trusted else request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(seen)
    except ValueError:
        return seen
    return str(address if address.version == 4 else ipaddress.ip_network((address, IPV6_PREFIX), strict=False))  # noqa: PLR2004
