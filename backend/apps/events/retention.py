"""Events are kept for EVENTS_KEPT_DAYS."""

from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from apps.events.models import AccountEvent


def forget_old_events() -> int:
    """Delete what is older than the setting; return how many."""
    kept = timedelta(days=settings.EVENTS_KEPT_DAYS)
    deleted, _ = AccountEvent.objects.filter(at__lt=Now() - kept).delete()
    return deleted
