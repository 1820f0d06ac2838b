"""Look tokens up, by their owner or by their secret."""

import hashlib

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from apps.authentication.models import User
from apps.tokens.models import PersonalToken


def tokens_of(user: User) -> QuerySet[PersonalToken]:
    return PersonalToken.objects.filter(user=user)


def valid_token(secret: str) -> PersonalToken | None:
    """Return the token of this secret, unless it is unknown, revoked or expired or its owner is inactive.

    ``looked_up_at`` is the time of this call. Only hashes are compared, so the duration tells nothing about a secret.
    """
    alive = Q(expires_at=None) | Q(expires_at__gt=Now())
    tokens = PersonalToken.objects.select_related("user").annotate(looked_up_at=Now())
    tokens = tokens.filter(alive, user__is_active=True)
    return tokens.filter(sha256=hash_of(secret)).first()


def hash_of(secret: str) -> str:
    # Unsalted and quick, unlike a password's hash: 256 random bits cannot be guessed.
    return hashlib.sha256(secret.encode()).hexdigest()
