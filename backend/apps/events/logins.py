"""Log-ins and log-outs of every door: Django tells of them by its signals."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out

from apps.events.models import AccountEvent
from apps.events.record import record


def connect() -> None:
    user_logged_in.connect(_logged_in, dispatch_uid="apps.events.logins")
    user_logged_out.connect(_logged_out, dispatch_uid="apps.events.logins")


def _logged_in(*, request: Any, user: Any, **_: Any) -> None:
    record(AccountEvent.Kind.LOGIN, request=request, user=user)


def _logged_out(*, request: Any, user: Any, **_: Any) -> None:
    if user is not None:  # a visitor may log out, too
        record(AccountEvent.Kind.LOGOUT, request=request, user=user)
