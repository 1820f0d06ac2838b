"""Issue, use and revoke tokens."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest

from apps.authentication.models import User
from apps.authentication.passwords import mark_of
from apps.events.models import AccountEvent
from apps.events.record import record
from apps.quotas.limits import check_new_token
from apps.tokens.models import PersonalToken
from apps.tokens.scopes import scope_needed
from apps.tokens.selectors import OF_MIGRATION, end_of, hash_of, token_by_secret, tokens_of
from config.clock import database_now
from config.errors import NotFoundError, ScopeError

# Makes a secret that leaked into a log or a repository easy to find.
MARK = "compas_"
PREFIX_LENGTH = len(MARK) + 5
USE_NOTED_EVERY = timedelta(minutes=1)
REFUSAL_NOTED_EVERY = timedelta(hours=1)
SHOWN_AFTER_END = timedelta(days=30)

Kind = AccountEvent.Kind


@transaction.atomic
def issue_token(
    *,
    user: User,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    days: int | None = None,
    request: HttpRequest | None = None,
) -> tuple[PersonalToken, str]:
    """Return a new token and its secret, which cannot be read again. It ends then, or in TOKEN_DAYS or so many days.

    Raises QuotaError if the user has too many.
    """
    check_new_token(user)
    secret, now = MARK + secrets.token_urlsafe(32), database_now()
    token = PersonalToken.objects.create(
        user=user,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        sha256=hash_of(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at or now + timedelta(days=days or settings.TOKEN_DAYS),
        password_mark=mark_of(user.password),
    )
    record(Kind.TOKEN_MADE, request=request, user=user, detail=f"{token.prefix}… {', '.join(token.scopes)}")
    token.looked_up_at = now  # type: ignore[attr-defined]  # as the selectors annotate it
    return token, secret


def revoke_token(*, user: User, token_id: int, request: HttpRequest | None = None) -> None:
    """End a token at once. Raises NotFoundError."""
    token = tokens_of(user).filter(pk=token_id).first()
    if token is None or not tokens_of(user).filter(pk=token_id).delete()[0]:
        raise NotFoundError("There is no such token.", code="token-missing")
    record(Kind.TOKEN_ENDED, request=request, user=user, detail=f"{token.prefix}…")


def valid_token(secret: str, *, request: HttpRequest) -> PersonalToken | None:
    """Return the token of this secret; None if it is unknown, revoked or ended. A use after its end is recorded."""
    token = token_by_secret(secret)
    if token is None or not (reason := end_of(token)):
        return token
    noted = PersonalToken.objects.filter(pk=token.pk).filter(
        Q(refused_at=None) | Q(refused_at__lte=Now() - REFUSAL_NOTED_EVERY)
    )
    if noted.update(refused_at=Now()):
        record(Kind.TOKEN_REFUSED, request=request, user=token.user, detail=f"{token.prefix}… {reason}")
    return None


def follow_password(*, user_id: int, before: str, after: str, **_: object) -> None:
    """Keep the tokens of a user whose password stayed and was only hashed again."""
    tokens = PersonalToken.objects.filter(user_id=user_id)
    marks = [mark_of(before), OF_MIGRATION + hash_of(before)]
    tokens.filter(password_mark__in=marks).update(password_mark=mark_of(after))


def forget_ended_tokens() -> int:
    """Delete the tokens that expired a month ago; return how many."""
    deleted, _ = PersonalToken.objects.filter(expires_at__lt=Now() - SHOWN_AFTER_END).delete()
    return deleted


def check_scope(token: PersonalToken, *, method: str, route: str) -> None:
    """Raise ScopeError unless the token may do this."""
    scope = scope_needed(method, route)
    if scope is None:
        raise ScopeError("No token may do this. Log in instead.")
    if scope not in token.scopes:
        raise ScopeError(f"This token lacks the scope {scope}. Make one that has it.", scope=scope)


def note_use(token: PersonalToken) -> None:
    """Remember when the token was last used, with one write a minute however many requests there are."""
    now: datetime = token.looked_up_at  # type: ignore[attr-defined]  # the selectors annotate it
    noted_before = now - USE_NOTED_EVERY
    if token.last_used_at is None or token.last_used_at <= noted_before:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=noted_before)
        PersonalToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
