"""Record an event: one row, and one line in the log. Neither holds a secret."""

import json
import logging

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from apps.events.models import AccountEvent
from config.clients import device_name, ip_text_of

log = logging.getLogger("apps.events")

_DETAIL_LENGTH = 200


def record(
    kind: AccountEvent.Kind,
    *,
    request: HttpRequest | None,
    user: AbstractBaseUser | AnonymousUser | None = None,
    login: str = "",
    detail: str = "",
) -> None:
    """Record what happened to ``user``, or to the unknown ``login`` that was typed. Without a request: by command."""
    known = user if user is not None and user.pk is not None else None
    account = known.get_username() if known else _mark(login)
    address = ip_text_of(request) if request else None
    detail = detail[:_DETAIL_LENGTH]
    AccountEvent.objects.create(
        kind=kind,
        user_id=known.pk if known else None,
        account=account,
        address=address,
        device=device_name(request) if request else "command line",
        detail=detail,
    )
    # As JSON: a name with a line break makes no second line.
    line = {"event": kind.value, "account": account, "user": known.pk if known else None, "address": address}
    log.info("%s", json.dumps(line | ({"detail": detail} if detail else {})))


def _mark(login: str) -> str:
    """Return the same short text for the same unknown login. People type passwords into the wrong field."""
    return f"unknown {salted_hmac('apps.events', login.strip().lower()).hexdigest()[:12]}"
