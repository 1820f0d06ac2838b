"""Favourites: a list of a user's own, which no other user sees."""

import uuid
from pathlib import Path

from django.db import connection, transaction

from apps.authentication.models import User
from apps.quotas.limits import check_new_favourite
from apps.sharing.models import Favourite
from config.errors import NotFoundError

_MARK = Path(__file__).with_name("favourite.sql").read_text()


@transaction.atomic
def add_favourite(*, user: User, choreography_id: uuid.UUID) -> None:
    """Mark a choreography of one's own, or a public one; a second time changes nothing.

    Raises NotFoundError, and QuotaError if the user has as many as one user may have.
    """
    if Favourite.objects.filter(user=user, choreography=choreography_id).exists():
        return
    check_new_favourite(user)
    with connection.cursor() as cursor:
        cursor.execute(_MARK, {"choreography_id": choreography_id, "user_id": user.pk})
        found = cursor.fetchone()
    if found is None:
        raise NotFoundError("There is no such choreography, or it is not shared any more.", code="choreography-missing")


def remove_favourite(*, user: User, choreography_id: uuid.UUID) -> None:
    """Take the mark away; without one nothing changes."""
    Favourite.objects.filter(user=user, choreography=choreography_id).delete()
