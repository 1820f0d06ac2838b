"""Note a session when it begins and when it is used; end it when the settings say so."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core.cache import cache
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse

from apps.events.models import AccountEvent
from apps.events.record import record
from apps.open_sessions.keys import hash_of
from apps.open_sessions.models import OpenSession
from config.clients import device_name, ip_text_of

NOTED_EVERY_S = 60
# In the session's data: the row stays the same when the session gets another key.
ROW = "open_session"

# Its key may be another by now: a change of password gives it one. What was noted of that key meanwhile is no other
# session's (services.settle_unknown_sessions).
_NOTE_AGAIN = """
    WITH doubles AS (
        DELETE FROM open_sessions WHERE key_hash = %(key_hash)s AND id <> %(row)s
            AND EXISTS (SELECT FROM open_sessions WHERE id = %(row)s AND user_id = %(user_id)s)
        RETURNING id
    )
    UPDATE open_sessions AS o SET key_hash = %(key_hash)s, auth_hash = %(auth_hash)s,
        last_seen_at = statement_timestamp(), expires_at = %(expires_at)s, address = %(address)s, device = %(device)s
    FROM (SELECT count(*) FROM doubles) AS ended
    WHERE o.id = %(row)s AND o.user_id = %(user_id)s
    RETURNING o.id
"""
# One statement; a user who was deleted meanwhile has no session.
_NOTE = """
    INSERT INTO open_sessions AS o (user_id, key_hash, auth_hash, begun_at, begun_here, last_seen_at, expires_at,
                                    address, device)
    SELECT id, %(key_hash)s, %(auth_hash)s, statement_timestamp(), %(begun)s, statement_timestamp(), %(expires_at)s,
           %(address)s, %(device)s
    FROM users WHERE id = %(user_id)s
    ON CONFLICT (key_hash) DO UPDATE SET user_id = excluded.user_id, auth_hash = excluded.auth_hash,
        last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at, address = excluded.address,
        device = excluded.device
    RETURNING id
"""


def connect() -> None:
    user_logged_in.connect(_logged_in, dispatch_uid="apps.open_sessions")
    user_logged_out.connect(_logged_out, dispatch_uid="apps.open_sessions")


class SeenSessions:
    """Note the session of every request that asked who is there. Requests with a token have none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _end_if_over(request)
        response = self.get_response(request)
        answered = response.status_code < 500  # noqa: PLR2004 - a database that fails is not asked again
        if answered and request.session.accessed and request.user.is_authenticated:
            _note(request)
        return response


def _logged_in(*, request: Any, user: Any, **_: Any) -> None:
    request.session[ROW] = _write(_NOTE, request, user_id=user.pk, begun=True)
    cache.set(_seen_key(request.session.session_key or ""), 1, NOTED_EVERY_S)


def _logged_out(*, request: Any, **_: Any) -> None:
    if key := request.session.session_key:
        OpenSession.objects.filter(key_hash=hash_of(key)).delete()


def _note(request: HttpRequest) -> None:
    """Write when it was seen, once a minute for each process."""
    key, user_id = request.session.session_key, request.user.pk
    if not key or not user_id or not cache.add(_seen_key(key), 1, NOTED_EVERY_S):
        return
    if not _write(_NOTE_AGAIN, request, user_id=user_id, row=request.session.get(ROW)):
        _write(_NOTE, request, user_id=user_id, begun=False)


def _seen_key(session_key: str) -> str:
    return f"session-seen:{hash_of(session_key)}"


def _write(statement: str, request: HttpRequest, **more: Any) -> int | None:
    parameters = more | {
        "key_hash": hash_of(request.session.session_key or ""),
        "auth_hash": request.session.get(HASH_SESSION_KEY, ""),
        "expires_at": request.session.get_expiry_date(),
        "address": ip_text_of(request),
        "device": device_name(request),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = cursor.fetchone()
    return row[0] if row else None


def _end_if_over(request: HttpRequest) -> None:
    """Log out a session that was idle too long or is too old. By default only Django's end holds."""
    idle, whole = settings.SESSION_IDLE_H, settings.SESSION_ABSOLUTE_H
    if not (idle or whole) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return
    over = Q(last_seen_at__lt=Now() - timedelta(hours=idle)) if idle else Q()
    over |= Q(begun_at__lt=Now() - timedelta(hours=whole)) if whole else Q()
    if OpenSession.objects.filter(over, key_hash=hash_of(request.session.session_key or "")).exists():
        record(AccountEvent.Kind.SESSION_ENDED, request=request, user=request.user, detail="idle too long or too old")
        _logged_out(request=request)
        request.session.flush()
        request.user = AnonymousUser()
