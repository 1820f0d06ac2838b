"""How often a login may fail. Counted before the password is checked, so that guesses at the same moment count, too.

Accounts that an address makes are counted here too, in the same table, and likes that a user gives and takes back.

Failures are counted for each account and address together, so that strangers who fail cannot lock the owner out.
Two wider limits slow down many addresses together; they do not apply to a browser in which the owner has registered
or logged in before.
"""

import functools
import hashlib
import ipaddress
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from apps.logins.devices import device_of
from config.clients import address_of, ip_of
from config.errors import LockedOutError

MAX_FAILURES = 5  # of one account from one address, as in the original
MAX_OF_ADDRESS = 50  # over all accounts: a school has one address
MAX_OF_ACCOUNT = 100  # over all addresses
MAX_CODES_OF_ACCOUNT = 20  # one-time codes, over all addresses
MAX_REGISTRATIONS = 20  # refused ones of one address
MAX_LETTERS = 5  # with a link for a new password, to one e-mail within an hour, whether it has an account or not
MAX_LETTERS_OF_ADDRESS = 30  # asked for by one address within an hour
MAX_LIKES = 600  # of one user within an hour, given or taken back
LOCK = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
DEVICE = "device "  # how a browser that the owner has used is counted
IPV6_PREFIX = 64  # the network of one customer

# One statement, so that two failures at the same moment count twice. Where several are counted, the narrowest comes
# first, and an attempt that one refuses is not counted by those after it. A lock ends 15 minutes after the last failure
# that was counted; a fixed time ends 24 hours after the first account, or a few accounts a day would add up for weeks.
_COUNT = """
    count_{n} AS (
        INSERT INTO failed_logins AS f (who, failures, ends_at)
        SELECT %(who_{n})s, 1, statement_timestamp() + %(time)s {where}
        ON CONFLICT (who) DO UPDATE SET
            failures = CASE WHEN f.ends_at <= statement_timestamp() THEN 1
                ELSE least(f.failures + 1, %(most_{n})s + 2) END,
            ends_at = CASE WHEN f.ends_at > statement_timestamp() AND (%(fixed)s OR f.failures >= %(most_{n})s)
                THEN f.ends_at ELSE statement_timestamp() + %(time)s END
        RETURNING failures, ends_at
    )
"""
_COUNTED = "SELECT {n} AS nth, failures, extract(epoch FROM ends_at - statement_timestamp()) FROM count_{n}"
_UNLESS_REFUSED = "WHERE EXISTS (SELECT FROM count_{before} WHERE failures <= %(most_{before})s)"
# The rows are locked in the order in which they are counted, so that no two statements wait for each other.
_SUCCEEDED = """
    WITH counted AS MATERIALIZED (
        SELECT who FROM failed_logins WHERE who = ANY(%(all)s)
        ORDER BY array_position(%(all)s::text[], who::text) FOR UPDATE
    ), forgotten AS (
        DELETE FROM failed_logins WHERE who = %(who)s AND who IN (SELECT who FROM counted)
    )
    UPDATE failed_logins SET failures = greatest(failures - 1, 0)
    WHERE who <> %(who)s AND who IN (SELECT who FROM counted)
"""
_FORGET = """
    DELETE FROM failed_logins WHERE who IN (
        SELECT who FROM failed_logins WHERE ends_at <= statement_timestamp() FOR UPDATE SKIP LOCKED
    )
"""


@dataclass(frozen=True)
class Attempt:
    """An attempt that may go on. It counts as failed until it succeeds: under ``who``, and under each of ``wide``."""

    who: str
    wide: tuple[str, ...]


def admit(request: HttpRequest, *, account: str, user_id: int | None) -> Attempt:
    """Count a login as failed. Raises LockedOutError when there were too many.

    ``account`` is the same for the e-mail and the username of one account.
    """
    address = _address_of(request)
    who = _who(request, account=account, user_id=user_id)
    wide = {f"address {address}": MAX_OF_ADDRESS, f"account {account}": MAX_OF_ACCOUNT}
    of_device = who.startswith(DEVICE)
    return _admit(who, {} if of_device else wide, "Too many failed logins for this account. Try again in 15 minutes.")


def pardon(request: HttpRequest, *, user_id: int) -> None:
    """Forget the failed logins of this account here: who asks has shown in another way to be its owner."""
    succeeded(Attempt(_who(request, account=f"{user_id}", user_id=user_id), ()))


def _who(request: HttpRequest, *, account: str, user_id: int | None) -> str:
    device = device_of(request, user_id) if user_id else None
    return f"{DEVICE}{device}" if device else f"account {account} from {_address_of(request)}"


def admit_code(request: HttpRequest, *, user_id: int) -> Attempt:
    """Count a one-time code as failed. Raises LockedOutError when there were too many.

    No browser is exempt: who guesses codes knows the password, and a login with it makes a browser known.
    """
    address = _address_of(request)
    wide = {f"codes from {address}": MAX_OF_ADDRESS, f"codes of {user_id}": MAX_CODES_OF_ACCOUNT}
    return _admit(f"codes of {user_id} from {address}", wide, "Too many wrong codes. Try again in 15 minutes.")


def admit_registration(request: HttpRequest) -> Attempt:
    """Count a registration as refused. Raises LockedOutError when an address asked for too many names."""
    who = f"registrations from {_address_of(request)}"
    _count({who: MAX_REGISTRATIONS}, "Too many refused registrations from your address. Try again in 15 minutes.")
    return Attempt(who="", wide=(who,))


def count_new_account(request: HttpRequest) -> None:
    """Count an account that is being made. Raises LockedOutError when its address has made as many as it may.

    Call it in the transaction that makes the account: then an account that is not made is not counted.
    """
    most = settings.REGISTRATIONS_PER_ADDRESS
    _count(
        {f"accounts from {_address_of(request)}": most},
        f"Your network address has made {most} accounts within 24 hours; that is the limit. Try again tomorrow, or log"
        " in if you have an account.",
        time=DAY,
        fixed=True,
    )


def count_reset(request: HttpRequest, *, email: str) -> None:
    """Count a letter with a link for a new password. Raises LockedOutError after so many within an hour."""
    message = "Too many letters were asked for. Try again in an hour."
    limits = {
        f"letters from {_address_of(request)}": MAX_LETTERS_OF_ADDRESS,
        f"letters to {email.lower()}": MAX_LETTERS,
    }
    _count(limits, message, time=HOUR, fixed=True)


def count_like(user_id: int) -> None:
    """Count a like that a user gives or takes back. Raises LockedOutError after so many within an hour."""
    message = f"You have changed {MAX_LIKES} likes within an hour; that is the limit. Try again later."
    _count({f"likes of {user_id}": MAX_LIKES}, message, time=HOUR, fixed=True)


def succeeded(attempt: Attempt) -> None:
    """Forget the failures of this account here, and take this attempt out of the wider counts."""
    parameters: Any = {"who": _hash(attempt.who), "all": [_hash(who) for who in (attempt.who, *attempt.wide)]}
    with connection.cursor() as cursor:
        cursor.execute(_SUCCEEDED, parameters)


def forget_counts_that_are_over() -> int:
    """Delete the counts whose time is over; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
        forgotten: int = cursor.rowcount
    return forgotten


def _admit(who: str, wide: dict[str, int], message: str) -> Attempt:
    _count({who: MAX_FAILURES, **wide}, message)
    return Attempt(who, tuple(wide))


def _count(limits: dict[str, int], message: str, *, time: timedelta = LOCK, fixed: bool = False) -> None:
    """Count under each of these, of which each has its limit. Raises LockedOutError at the first that is exceeded."""
    # psycopg adapts a timedelta, too
    parameters: dict[str, Any] = {"time": time, "fixed": fixed}
    for n, (who, most) in enumerate(limits.items()):
        parameters |= {f"who_{n}": _hash(who), f"most_{n}": most}
    with connection.cursor() as cursor:
        cursor.execute(_statement(len(limits)), parameters)
        last, failures, left_s = cursor.fetchone()
    most = parameters[f"most_{last}"]
    if failures > most:
        raise LockedOutError(message, retry_after_s=math.ceil(left_s), first=failures == most + 1)


@functools.cache
def _statement(number: int) -> str:
    """Return SQL that counts under so many, and tells of the last one that was counted."""
    counts = [_COUNT.format(n=n, where=_UNLESS_REFUSED.format(before=n - 1) if n else "") for n in range(number)]
    counted = " UNION ALL ".join(_COUNTED.format(n=n) for n in range(number))
    return f"WITH {', '.join(counts)} {counted} ORDER BY nth DESC LIMIT 1"


def _hash(who: str) -> str:
    return hashlib.sha256(who.encode()).hexdigest()


def _address_of(request: HttpRequest) -> str:
    """Return the address that is counted: one customer has a network of IPv6 addresses."""
    address = ip_of(request)
    if address is None:
        return address_of(request)
    return str(address if address.version == 4 else ipaddress.ip_network((address, IPV6_PREFIX), strict=False))  # noqa: PLR2004
