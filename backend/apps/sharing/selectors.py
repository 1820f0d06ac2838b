"""Look up what is shared. A share counts as long as its choreography is still its user's, and the user is active."""

import uuid
from collections.abc import Collection, Iterable

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.collections.selectors import choreography_of
from apps.sharing.links import mark_of
from apps.sharing.models import Favourite, Like, LikeChange, Share, Visibility
from config.errors import NotFoundError

# The key goes the way of the first field: then an index is entered where a page begins (config.pagination).
PUBLIC_SORTS = {"newest": ("-public_since", "-pk"), "most_liked": ("-likes", "-pk")}


def public_shares(*, sort: str = "newest") -> QuerySet[Share]:
    """Return what everyone may see, each with its choreography and owner."""
    return _shares().filter(public_since__isnull=False).order_by(*PUBLIC_SORTS[sort])


def public_share(choreography_id: uuid.UUID) -> Share:
    """Return what everyone may see of one choreography. Raises NotFoundError."""
    return _found(public_shares().filter(pk=choreography_id).first())


def share_by_link(secret: str) -> Share:
    """Return what this link shows. Raises NotFoundError for an unknown link and for a dead one alike."""
    return _found(_shares().filter(link_mark=mark_of(secret)).first())


def share_of(user: User, choreography_id: uuid.UUID) -> Share:
    """Return what the owner decided, or the row that it would be. Raises NotFoundError."""
    choreography = choreography_of(user, choreography_id)
    decided = _counted(Share.objects.filter(pk=choreography.pk, user=user)).first()
    return decided or Share(choreography=choreography, user=user, shows_name=True, likes=0)


def favourites_of(user: User) -> QuerySet[Favourite]:
    """Return the user's marks, newest first: of the user's own choreographies, and of public ones of others."""
    seen = Q(choreography__user=user) | Exists(public_shares().filter(pk=OuterRef("choreography")))
    return Favourite.objects.filter(seen, user=user).select_related("choreography").order_by("-pk")


def marked_by(user: User) -> QuerySet[SavedChoreography]:
    """Return what the user has marked as a favourite, the user's own and public ones of others."""
    # The keys as a list: they are few, and PostgreSQL would rather walk through all choreographies by time.
    return SavedChoreography.objects.filter(pk__in=list(favourites_of(user).values_list("choreography", flat=True)))


def seen_as(user: User, visibility: Visibility) -> QuerySet[SavedChoreography]:
    """Return the user's choreographies that exactly these people see."""
    shares = Share.objects.filter(user=user).only("public_since", "link_mark")
    mine = SavedChoreography.objects.filter(user=user)
    if visibility == Visibility.PRIVATE:
        return mine.exclude(pk__in=[share.pk for share in shares if share.visibility != Visibility.PRIVATE])
    return mine.filter(pk__in=[share.pk for share in shares if share.visibility == visibility])


def liked_among(user: User, choreography_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of these the user likes."""
    return set(Like.objects.filter(user=user, choreography__in=choreography_ids).values_list("choreography", flat=True))


def marked_among(user: User, choreography_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return which of these are favourites of the user."""
    marks = Favourite.objects.filter(user=user, choreography__in=choreography_ids)
    return set(marks.values_list("choreography", flat=True))


def shares_of(choreography_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Share]:
    """Return the public shares of these, by the choreography's key."""
    return {share.pk: share for share in public_shares().filter(pk__in=choreography_ids)}


def shared_among(user: User, choreography_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Visibility]:
    """Return who else sees these of the user's choreographies; private ones are left out."""
    mine = Share.objects.filter(user=user, pk__in=list(choreography_ids))
    return {share.pk: share.visibility for share in mine if share.visibility != Visibility.PRIVATE}


def name_shown(share: Share) -> str:
    """Return the owner's display name, if it is shown. Never the username: people log in with it."""
    return share.user.display_name if share.shows_name else ""


def _shares() -> QuerySet[Share]:
    # A subquery and not a join: PostgreSQL would take the join for rare, and read every row for one page.
    active_owner = SavedChoreography.objects.filter(pk=OuterRef("pk"), user__is_active=True).order_by().values("user")
    return _counted(Share.objects.filter(user=Subquery(active_owner))).select_related("choreography", "user")


def likes_of(share: Share) -> int:
    """Return how many like it, as it was when the share was looked up here."""
    return share.likes + int(getattr(share, "uncounted", 0))


def _counted(shares: QuerySet[Share]) -> QuerySet[Share]:
    waiting = LikeChange.objects.filter(choreography_id=OuterRef("pk")).order_by().values("choreography_id")
    return shares.annotate(uncounted=Coalesce(Subquery(waiting.annotate(sum=Sum("change")).values("sum")), 0))


def _found(share: Share | None) -> Share:
    if share is None:
        raise NotFoundError("There is no such choreography, or it is not shared any more.", code="choreography-missing")
    return share
