"""Look tokens up, by their owner or by their secret."""

import hashlib
from collections.abc import Iterable

from django.db.models import CharField, QuerySet
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare

from apps.authentication.models import User
from apps.authentication.passwords import mark_of
from apps.tokens.models import PersonalToken
from config.prepared import GivenValue, Prepared

OF_MIGRATION = "sha256:"


def tokens_of(user: User) -> QuerySet[PersonalToken]:
    """Return the tokens of a user, newest first; ``looked_up_at`` is the time of the database."""
    return _tokens().filter(user=user)


def token_by_secret(secret: str) -> PersonalToken | None:
    """Return the token of this secret, ended or not, with its owner.

    Only hashes are compared, so the duration tells nothing about a secret.
    """
    return _OF_SECRET.first(sha256=hash_of(secret))


def valid_among(token_ids: Iterable[int]) -> set[int]:
    """Return which of these tokens are valid now."""
    return {token.pk for token in _tokens().filter(pk__in=token_ids) if not end_of(token)}


def end_of(token: PersonalToken) -> str:
    """Return why the token is valid no more; empty as long as it is."""
    if not token.user.is_active:
        return "its owner is inactive"
    if token.expires_at is None or token.expires_at <= token.looked_up_at:  # type: ignore[attr-defined]  # annotated below
        return "it expired"
    if not _is_of_password(token.password_mark, token.user.password):
        return "the password was changed"
    return ""


def _tokens() -> QuerySet[PersonalToken]:
    return PersonalToken.objects.select_related("user").annotate(looked_up_at=Now())


_OF_SECRET = Prepared(lambda: _tokens().filter(sha256=GivenValue("sha256", CharField())))


def _is_of_password(mark: str, stored_password: str) -> bool:
    if mark.startswith(OF_MIGRATION):
        return constant_time_compare(mark, OF_MIGRATION + hash_of(stored_password))
    return constant_time_compare(mark, mark_of(stored_password))


def hash_of(secret: str) -> str:
    # Unsalted and quick, unlike a password's hash: 256 random bits cannot be guessed.
    return hashlib.sha256(secret.encode()).hexdigest()
