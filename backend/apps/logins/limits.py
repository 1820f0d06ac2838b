"""How often a login may fail. Counted before the password is checked, so that guesses at the same moment count, too.

Failures are counted for each account and address together, so that strangers who fail cannot lock the owner out.
Two wider limits slow down many addresses together; they do not apply to a browser in which the owner has logged in
before.
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
MAX_OF_ADDRESS = 50  # over all accounts: a school has one address
MAX_OF_ACCOUNT = 100  # over all addresses
LOCK = timedelta(minutes=15)
IPV6_PREFIX = 64  # the network of one customer

# One statement, so that two failures at the same moment count twice. A lock ends 15 minutes after the last failure
# that was counted.
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
    """A login that may go on. It counts as failed until it succeeds: under ``who``, and under each of ``wide``."""

    who: str
    wide: tuple[str, ...]


def admit(request: HttpRequest, *, account: str, user_id: int | None) -> Attempt:
    """Count an attempt as failed. Raises LockedOutError when there were too many.

    ``account`` is the same for the e-mail and the username of one account.
    """
    address = _address_of(request)
    device = device_of(request, user_id) if user_id else None
    who = f"device {device}" if device else f"account {account} from {address}"
    wide = {} if device else {f"address {address}": MAX_OF_ADDRESS, f"account {account}": MAX_OF_ACCOUNT}
    # The narrow limit comes first: an attempt that it refuses is not counted by the others.
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
    """Return the address of the client: as the outermost of our own proxies saw it, or of the connection."""
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    trusted = settings.TRUSTED_PROXIES
    seen = hops[-trusted] if trusted and len(hops) >= trusted else request.META.get("REMOTE_ADDR", "")
    try:
        address = ipaddress.ip_address(seen)
    except ValueError:
        return seen
    return str(address if address.version == 4 else ipaddress.ip_network((address, IPV6_PREFIX), strict=False))  # noqa: PLR2004
