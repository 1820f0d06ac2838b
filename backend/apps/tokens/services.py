"""Issue, use and revoke tokens."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from apps.authentication.models import User
from apps.tokens.models import PersonalToken
from apps.tokens.scopes import scope_needed
from apps.tokens.selectors import hash_of, tokens_of
from config.errors import NotFoundError, ScopeError

# Makes a secret that leaked into a log or a repository easy to find.
MARK = "compas_"
PREFIX_LENGTH = len(MARK) + 5
USE_NOTED_EVERY = timedelta(minutes=1)


def issue_token(
    *, user: User, name: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> tuple[PersonalToken, str]:
    """Return a new token and its secret, which cannot be read again."""
    secret = MARK + secrets.token_urlsafe(32)
    token = PersonalToken.objects.create(
        user=user,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        sha256=hash_of(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    return token, secret


def revoke_token(*, user: User, token_id: int) -> None:
    """End a token at once. Raises NotFoundError."""
    deleted, _ = tokens_of(user).filter(pk=token_id).delete()
    if not deleted:
        raise NotFoundError("There is no such token.", code="token-missing")


def check_scope(token: PersonalToken, *, method: str, route: str) -> None:
    """Raise ScopeError unless the token may do this."""
    scope = scope_needed(method, route)
    if scope is None:
        raise ScopeError("No token may do this. Log in instead.")
    if scope not in token.scopes:
        raise ScopeError(f"This token lacks the scope {scope}. Make one that has it.", scope=scope)


def note_use(token: PersonalToken) -> None:
    """Remember when the token was last used, with one write a minute however many requests there are."""
    now: datetime = token.looked_up_at  # type: ignore[attr-defined]  # valid_token annotates it
    noted_before = now - USE_NOTED_EVERY
    if token.last_used_at is None or token.last_used_at <= noted_before:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=noted_before)
        PersonalToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
