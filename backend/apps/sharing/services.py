"""Decide who sees a choreography. Only its owner may."""

import uuid

from django.db import connection, transaction

from apps.authentication.models import User
from apps.collections.selectors import choreographies_of
from apps.sharing.links import drop_link, make_link, secret_of
from apps.sharing.models import Share, Visibility
from config.clock import database_now
from config.errors import NotFoundError

# A mark that is locked goes with its user, or is being removed by its user.
_FORGET_MARKS_OF_OTHERS = """
    DELETE FROM favourites WHERE id IN (
        SELECT id FROM favourites WHERE choreography_id = %s AND user_id <> %s FOR UPDATE SKIP LOCKED
    )
"""


@transaction.atomic
def change_share(
    *, user: User, choreography_id: uuid.UUID, visibility: str | None = None, shows_name: bool | None = None
) -> Share:
    """Change who sees it; what is not given stays. Raises NotFoundError.

    ``private`` ends the link, ``unlisted`` makes one if there is none, ``public`` keeps it.
    """
    share = _locked(user, choreography_id)
    if visibility == Visibility.PRIVATE:
        drop_link(share)
    if visibility == Visibility.UNLISTED and secret_of(share) is None:
        make_link(share)
    if visibility is not None:
        since = share.public_since or database_now()
        share.public_since = since if visibility == Visibility.PUBLIC else None
    if shows_name is not None:
        share.shows_name = shows_name
    return _saved(share)


@transaction.atomic
def renew_link(*, user: User, choreography_id: uuid.UUID) -> Share:
    """Make a new link; the old one is dead at once. A private choreography becomes unlisted. Raises NotFoundError."""
    share = _locked(user, choreography_id)
    make_link(share)
    return _saved(share)


@transaction.atomic
def revoke_link(*, user: User, choreography_id: uuid.UUID) -> Share:
    """End the link at once; an unlisted choreography becomes private. Raises NotFoundError."""
    share = _locked(user, choreography_id)
    drop_link(share)
    return _saved(share)


def hold_share(user: User, choreography_id: uuid.UUID) -> None:
    """Let no other request change who sees it until this transaction ends. Raises NotFoundError."""
    _locked(user, choreography_id)


def _locked(user: User, choreography_id: uuid.UUID) -> Share:
    """Return the row, new if need be, locked until the transaction ends.

    The choreography comes first, as for one who deletes it, and in a way that lets others like it meanwhile. The share
    is locked against those who mark it as a favourite.
    """
    mine = choreographies_of(user).select_for_update(no_key=True).filter(pk=choreography_id).first()
    if mine is None:
        raise NotFoundError("There is no such choreography.", code="choreography-missing")
    Share.objects.bulk_create([Share(choreography=mine, user=user)], ignore_conflicts=True)
    share = Share.objects.select_for_update().get(pk=mine.pk)
    if share.user_id != user.pk:  # staff gave it to this user: what the user before decided is over
        drop_link(share)
        share.user, share.public_since, share.shows_name = user, None, True
    return share


def _saved(share: Share) -> Share:
    # Never the likes, which a trigger counts.
    share.save(update_fields=["user", "public_since", "link_nonce", "link_mark", "shows_name"])
    if share.public_since is None:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET_MARKS_OF_OTHERS, [share.pk, share.user_id])
    return share
