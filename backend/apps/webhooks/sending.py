"""Send what is due, at least once: a message that was taken while the sender was killed is sent again.

Every worker has a thread that sends; several never take the same message at once.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import SystemRandom

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Now

from apps.webhooks.calls import Outcome, call
from apps.webhooks.models import Delivery, Webhook
from apps.webhooks.signing import signature

log = logging.getLogger(__name__)

LOOK_S = 1.0
SENDERS = 4
# A sender that was killed held its message for so long; longer than a call may take, the look-up of its name included.
HELD = timedelta(seconds=90)
# After the first attempt: about 23 hours in all.
WAITS = [
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=7),
    timedelta(hours=8),
]
# Each wait is longer or shorter by up to this part, so that what failed together is not tried again together.
SPREAD = 0.1
# A webhook that has taken nothing for so long is disabled.
PATIENCE = timedelta(hours=20)
GONE = 410
KEPT = timedelta(days=30)

_TAKE = """
    UPDATE webhook_deliveries SET attempts = attempts + 1, next_attempt_at = statement_timestamp() + %(held)s::interval
    WHERE id = (
        SELECT delivery.id FROM webhook_deliveries AS delivery JOIN webhooks AS webhook ON webhook.id = webhook_id
        WHERE next_attempt_at <= statement_timestamp() AND disabled_at IS NULL AND webhook_id <> ALL(%(busy)s)
        ORDER BY next_attempt_at LIMIT 1 FOR UPDATE OF delivery SKIP LOCKED
    )
    RETURNING id
"""


@dataclass(frozen=True)
class Message:
    """One message, as it is sent each time."""

    message_id: str
    body: bytes


def message_of(delivery: Delivery) -> Message:
    """Return what is sent: small, and the same at each attempt; the receiver reads the rest with a token."""
    data = {"task_id": delivery.task_id, "task": f"/api/choreography/tasks/{delivery.task_id}"}
    body = {
        "type": delivery.event,
        "timestamp": delivery.created_at.isoformat(),
        "data": data if delivery.task_id else {},
    }
    return Message(f"msg_{delivery.pk.hex}", json.dumps(body).encode())


def headers_of(webhook: Webhook, message: Message, *, now: datetime) -> dict[str, str]:
    """Return the headers of Standard Webhooks; after a rotation with the signature of the secret before, too."""
    timestamp_s = int(now.timestamp())
    nonces = [webhook.nonce]
    if webhook.previous_until is not None and webhook.previous_until > now:
        nonces.append(webhook.previous_nonce)
    signatures = [
        signature(nonce, message_id=message.message_id, timestamp_s=timestamp_s, body=message.body) for nonce in nonces
    ]
    return {
        "webhook-id": message.message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }


def send_next(*, busy: frozenset[int] = frozenset()) -> bool:
    """Send one message that is due, but none to a ``busy`` webhook. False: none is due."""
    delivery = _take(busy)
    if delivery is not None:
        _send(delivery)
    return delivery is not None


def _take(busy: frozenset[int]) -> Delivery | None:
    """Take a message: for a while no other sender does. The commit comes before the call."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"held": str(HELD), "busy": list(busy)})
        row = cursor.fetchone()
    return Delivery.objects.select_related("webhook").filter(pk=row[0]).first() if row else None


def _send(delivery: Delivery) -> None:
    message = message_of(delivery)
    headers = headers_of(delivery.webhook, message, now=_now())
    note(delivery, call(delivery.webhook.url, message.body, headers))


def note(delivery: Delivery, outcome: Outcome) -> None:
    """Write what came of an attempt, unless another sender has taken the message meanwhile."""
    mine = Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts, delivered_at=None)
    webhook = Webhook.objects.filter(pk=delivery.webhook_id)
    facts = {"last_status": outcome.status, "last_error": outcome.error[:500]}
    if not outcome.error:
        mine.update(delivered_at=Now(), next_attempt_at=None, **facts)
        webhook.filter(failing_since__isnull=False).update(failing_since=None)
        return
    mine.update(next_attempt_at=_next_attempt(delivery.attempts), **facts)
    webhook.update(failing_since=Coalesce("failing_since", Now()))
    if outcome.status == GONE:
        _disable(delivery.webhook_id, "It answered 410: it wants no more messages.")
    webhook_is_dead = webhook.filter(failing_since__lte=Now() - PATIENCE)
    if webhook_is_dead.exists():
        hours = int(PATIENCE.total_seconds() // 3600)
        _disable(delivery.webhook_id, f"It has taken no message for {hours} hours. The last time: {outcome.error}")


def _disable(webhook_id: int, reason: str) -> None:
    disabled = Webhook.objects.filter(pk=webhook_id, disabled_at=None)
    if disabled.update(disabled_at=Now(), disabled_reason=reason[:500]):
        log.warning("webhook %s is disabled: %s", webhook_id, reason)


def _next_attempt(attempts: int) -> Combinable | None:
    if attempts > len(WAITS):
        return None
    return Now() + WAITS[attempts - 1] * SystemRandom().uniform(1 - SPREAD, 1 + SPREAD)


def _now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now


def forget_old_deliveries() -> None:
    """Delete what is over and old from the log; also what waits for a webhook that stays disabled."""
    over = Q(next_attempt_at=None) | Q(webhook__disabled_at__isnull=False)
    Delivery.objects.filter(over, created_at__lt=Now() - KEPT).delete()


@contextmanager
def sending() -> Iterator[None]:
    """Send what is due until the block ends."""
    over = threading.Event()
    thread = threading.Thread(target=Senders(over).run, name="webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Senders:
    """Some threads, of which each webhook gets one at most: a slow receiver delays its own messages alone."""

    def __init__(self, over: threading.Event) -> None:
        self.over = over
        self.busy: set[int] = set()
        self.lock = threading.Lock()

    def run(self) -> None:
        """Hand messages to the threads until it is over."""
        forgotten_s = 0.0
        with ThreadPoolExecutor(SENDERS, "webhook") as pool:
            while not self.over.wait(LOOK_S):
                try:
                    self._hand_out(pool)
                    if time.monotonic() - forgotten_s > KEPT.total_seconds() / 1000:
                        forget_old_deliveries()
                        forgotten_s = time.monotonic()
                except Exception:
                    # Whatever it was, the next look may succeed.
                    log.exception("webhooks were not called; it is tried again")
                    connection.close()
        connection.close()

    def _hand_out(self, pool: ThreadPoolExecutor) -> None:
        while len(self.busy) < SENDERS and not self.over.is_set():
            with self.lock:
                busy = frozenset(self.busy)
            delivery = _take(busy)
            if delivery is None:
                return
            with self.lock:
                self.busy.add(delivery.webhook_id)
            pool.submit(self._send, delivery)

    def _send(self, delivery: Delivery) -> None:
        try:
            _send(delivery)
        except Exception:
            log.exception("delivery %s: what came of it was not written; it is sent again", delivery.pk)
        finally:
            connection.close()
            with self.lock:
                self.busy.discard(delivery.webhook_id)
