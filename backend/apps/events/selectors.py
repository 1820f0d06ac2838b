"""Events of one account."""

from django.db.models import QuerySet

from apps.events.models import AccountEvent


def events_of(user_id: int) -> QuerySet[AccountEvent]:
    """Return what the owner may see, newest first."""
    return AccountEvent.objects.filter(user_id=user_id)
