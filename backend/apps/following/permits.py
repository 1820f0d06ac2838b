"""Whether who opened a stream may still read it: the session, the token, the account."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from apps.authentication.models import User
from apps.authentication.requests import MemberApiRequest
from apps.tokens.models import PersonalToken
from apps.tokens.selectors import valid_among


@dataclass(frozen=True)
class Permit:
    """By what a stream was opened: the key of a session, or a token."""

    user_id: int
    password: str  # as it is stored: when it changes, sessions and tokens of before are over
    session_key: str | None = None
    token_id: int | None = None


def permit_of(request: MemberApiRequest) -> Permit:
    """Return the permit of a request that was let in."""
    user = request.user
    if isinstance(request.auth, PersonalToken):
        return Permit(user.pk, user.password, token_id=request.auth.pk)
    return Permit(user.pk, user.password, session_key=request._request.session.session_key)  # noqa: SLF001 - Django's request


def still_valid(permits: Iterable[Permit]) -> set[Permit]:
    """Return those that still hold, in three queries."""
    asked = set(permits)
    users = User.objects.filter(pk__in={one.user_id for one in asked}, is_active=True)
    passwords = dict(users.values_list("pk", "password"))
    keys = {one.session_key for one in asked} - {None}
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=Now())
    living = set(sessions.values_list("session_key", flat=True))
    tokens = valid_among({one.token_id for one in asked if one.token_id is not None})
    return {
        one
        for one in asked
        if passwords.get(one.user_id) == one.password and (one.token_id in tokens or one.session_key in living)
    }
