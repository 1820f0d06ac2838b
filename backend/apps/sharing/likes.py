"""Like what is public. One like for each user, counted in the database whatever happens at the same moment."""

import uuid
from pathlib import Path

from django.db import connection, transaction

from apps.authentication.models import User
from apps.logins.limits import count_like
from apps.sharing import counting
from config.errors import NotFoundError

_LIKE = Path(__file__).with_name("like.sql").read_text()


def like(*, user: User, choreography_id: uuid.UUID) -> int:
    """Like it; a second time changes nothing. Return the number of likes. Raises as :func:`unlike`."""
    return _change(user, choreography_id, likes=True)


def unlike(*, user: User, choreography_id: uuid.UUID) -> int:
    """Take the like back; return the number of likes.

    Raises NotFoundError unless it is public, and LockedOutError if the user changes likes too often.
    """
    return _change(user, choreography_id, likes=False)


def _change(user: User, choreography_id: uuid.UUID, *, likes: bool) -> int:
    number, waiting = _write(user, choreography_id, likes=likes)
    if waiting >= counting.MANY:
        counting.count(choreography_id)
    return number


@transaction.atomic
def _write(user: User, choreography_id: uuid.UUID, *, likes: bool) -> tuple[int, int]:
    """Return the number of likes, and how many changes wait to be counted."""
    count_like(user.pk)
    with connection.cursor() as cursor:
        cursor.execute(_LIKE, {"choreography_id": choreography_id, "user_id": user.pk, "likes": likes})
        found = cursor.fetchone()
    if found is None:
        raise NotFoundError("There is no such choreography, or it is not shared any more.", code="choreography-missing")
    return int(found[0]), int(found[1])
