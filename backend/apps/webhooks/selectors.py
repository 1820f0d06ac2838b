"""Look webhooks up. Users see only their own; those of others count as missing."""

from django.db.models import QuerySet

from apps.authentication.models import User
from apps.webhooks.models import Delivery, Webhook
from config.errors import NotFoundError


def webhooks_of(user: User) -> QuerySet[Webhook]:
    return Webhook.objects.filter(user=user)


def webhook_of(user: User, webhook_id: int, *, lock: bool = False) -> Webhook:
    """Return one webhook, locked until the transaction ends if wanted. Raises NotFoundError."""
    mine = webhooks_of(user).select_for_update() if lock else webhooks_of(user)
    found = mine.filter(pk=webhook_id).first()
    if found is None:
        raise NotFoundError("There is no such webhook.", code="webhook-missing")
    return found


def deliveries_of(webhook: Webhook) -> QuerySet[Delivery]:
    """Return what was sent, newest first."""
    return Delivery.objects.filter(webhook=webhook).order_by("-created_at", "-pk")
