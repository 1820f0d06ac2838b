"""List and end sessions."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db.models.functions import Now
from django.http import HttpRequest

from apps.authentication.models import User
from apps.events.models import AccountEvent
from apps.events.record import record
from apps.open_sessions import keys
from apps.open_sessions.models import OpenSession
from config.errors import NotFoundError

Kind = AccountEvent.Kind


def sessions_of(user: User) -> list[OpenSession]:
    """Return the sessions with which a request would be let in by either system, last seen first."""
    settle_unknown_sessions()
    mine = OpenSession.objects.filter(user=user, auth_hash=user.get_session_auth_hash())
    return list(mine.filter(key_hash__in=keys.ALIVE))


def is_this(session: OpenSession, request: HttpRequest) -> bool:
    """Return whether the request came with this session."""
    return session.key_hash == _hash_here(request)


def end_session(*, request: HttpRequest, user: User, session_id: int) -> None:
    """End one session, in both systems. Raises NotFoundError."""
    row = OpenSession.objects.filter(user=user, pk=session_id).first()
    if row is None:
        raise NotFoundError("There is no such session.", code="session-missing")
    record(Kind.SESSION_ENDED, request=request, user=user, detail=row.device)
    if is_this(row, request):
        request.session.flush()
    keys.end(row.key_hash)
    row.delete()


def end_other_sessions(*, request: HttpRequest, user: User) -> int:
    """End all sessions of the user but this one, also those that only the original has seen; return how many."""
    settle_unknown_sessions()
    ended = keys.end_all(user.pk, but=_hash_here(request))
    record(Kind.SESSIONS_ENDED, request=request, user=user, detail=f"{ended} ended")
    return ended


def end_all_sessions(user: User) -> None:
    """End all sessions of the user, also those that only the original has seen, without an event: the account goes."""
    settle_unknown_sessions()
    keys.end_all(user.pk)


def settle_unknown_sessions() -> None:
    """Give a row to each session that the original made and this system has not seen. Each is read once."""
    rows = [row for key, data, end in keys.unknown_sessions() if (row := _row(key, SessionStore().decode(data), end))]
    there = set(User.objects.filter(pk__in={row.user_id for row in rows}).values_list("pk", flat=True))
    OpenSession.objects.bulk_create([row for row in rows if row.user_id in there], ignore_conflicts=True)


def forget_expired_sessions() -> int:
    """Delete what is known of sessions that are over by their time; return how many."""
    deleted, _ = OpenSession.objects.filter(expires_at__lt=Now()).delete()
    return deleted


def _row(key: str, data: dict[str, Any], end: datetime) -> OpenSession | None:
    if not str(data.get(SESSION_KEY, "")).isdecimal():
        return None  # a visitor's
    return OpenSession(
        user_id=int(data[SESSION_KEY]),
        key_hash=keys.hash_of(key),
        auth_hash=str(data.get(HASH_SESSION_KEY, "")),
        begun_at=end - timedelta(seconds=settings.SESSION_COOKIE_AGE),
        begun_here=False,
        expires_at=end,
    )


def _hash_here(request: HttpRequest) -> str:
    return keys.hash_of(request.session.session_key or "")
