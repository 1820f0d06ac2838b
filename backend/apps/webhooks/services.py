"""Add webhooks, change, test and delete them."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from apps.authentication.models import User
from apps.quotas.limits import one_at_a_time
from apps.webhooks.addresses import ForbiddenTargetError, address_of, target_of
from apps.webhooks.models import Delivery, Webhook
from apps.webhooks.selectors import webhook_of, webhooks_of
from apps.webhooks.signing import new_nonce, secret_of
from config.errors import ConflictError, InvalidError, QuotaError

# Both secrets sign for so long after a rotation.
OVERLAP = timedelta(hours=24)


@transaction.atomic
def add_webhook(*, user: User, url: str, events: Iterable[str] | None = None) -> tuple[Webhook, str]:
    """Return a new webhook and its secret, which is shown this once.

    Raises InvalidError if the URL leads to where none may, QuotaError if the user has as many as one user may.
    """
    _check(url)
    one_at_a_time(user.pk)
    most = settings.USER_WEBHOOKS_LIMIT
    number = webhooks_of(user).count()
    if number >= most:
        raise QuotaError(
            f"You have {number} webhooks; one user may have {most}. Delete one that you do not need.",
            code="quota-webhooks",
            limit=most,
        )
    made = Webhook.objects.create(user=user, url=url, events=_sorted(events), nonce=new_nonce())
    return webhook_of(user, made.pk), secret_of(made.nonce)


@transaction.atomic
def change_webhook(
    *,
    user: User,
    webhook_id: int,
    url: str | None = None,
    events: Iterable[str] | None = None,
    enabled: bool | None = None,
) -> Webhook:
    """Write only what is given. Enabled again, it gets what waited for it. Raises NotFoundError or InvalidError."""
    if url is not None:
        _check(url)
    webhook = webhook_of(user, webhook_id, lock=True)
    changes: dict[str, object] = {}
    if url is not None:
        changes["url"] = url
    if events is not None:
        changes["events"] = _sorted(events)
    if enabled is True and webhook.disabled_at is not None:
        changes |= {"disabled_at": None, "disabled_reason": "", "failing_since": None}
    if enabled is False and webhook.disabled_at is None:
        changes |= {"disabled_at": Now(), "disabled_reason": "You disabled it."}
    if changes:
        webhooks_of(user).filter(pk=webhook.pk).update(**changes)
    return webhook_of(user, webhook_id)


@transaction.atomic
def rotate_secret(*, user: User, webhook_id: int) -> tuple[Webhook, str]:
    """Make a new secret; for a day messages are signed with both. Raises NotFoundError."""
    webhook = webhook_of(user, webhook_id, lock=True)
    nonce = new_nonce()
    webhooks_of(user).filter(pk=webhook.pk).update(
        nonce=nonce, previous_nonce=webhook.nonce, previous_until=Now() + OVERLAP
    )
    return webhook_of(user, webhook_id), secret_of(nonce)


def delete_webhook(*, user: User, webhook_id: int) -> None:
    """Delete it and its log. Raises NotFoundError."""
    webhook = webhook_of(user, webhook_id)
    webhooks_of(user).filter(pk=webhook.pk).delete()


def send_test(*, user: User, webhook_id: int) -> Delivery:
    """Send a message that means nothing. Raises NotFoundError, ConflictError if the webhook is disabled."""
    webhook = webhook_of(user, webhook_id)
    if webhook.disabled_at is not None:
        raise ConflictError("The webhook is disabled. Enable it first.", code="webhook-disabled")
    sent = Delivery.objects.create(webhook=webhook, event=Delivery.TEST)
    return Delivery.objects.get(pk=sent.pk)


def hold_webhook(user: User, webhook_id: int) -> None:
    """Let no other request change it until this transaction ends. Raises NotFoundError."""
    webhook_of(user, webhook_id, lock=True)


def _check(url: str) -> None:
    try:
        address_of(target_of(url))
    except ForbiddenTargetError as error:
        raise InvalidError(str(error), code="webhook-url", errors={"url": [str(error)]}) from error


def _sorted(events: Iterable[str] | None) -> list[str]:
    return sorted(set(Webhook.Event.values if events is None else events))
