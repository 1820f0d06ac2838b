"""Addresses that are told of ended tasks, and what was sent there (tables in schema ``backend``)."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Webhook(models.Model):
    class Event(models.TextChoices):
        COMPLETED = "task.completed", "a choreography was made"
        FAILED = "task.failed", "one could not be made"
        CANCELLED = "task.cancelled", "one was cancelled"

    # The constraint is made by webhooks.0002: ON DELETE CASCADE in the database.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks", db_constraint=False
    )
    url = models.CharField(max_length=2000)
    events = models.JSONField(help_text="names from Event")
    # The secret is worked out from this and SECRET_KEY: a copy of the database holds no secret.
    nonce = models.CharField(max_length=64)
    previous_nonce = models.CharField(max_length=64, blank=True, default="", help_text="signs too until previous_until")
    previous_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    failing_since = models.DateTimeField(null=True, blank=True, help_text="the first failure after the last success")
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        db_table = "webhooks"
        ordering = ["pk"]
        indexes = [models.Index(fields=["user"], name="webhooks_user_idx")]

    def __str__(self) -> str:
        return f"{self.url} of user {self.user_id}"


class Delivery(models.Model):
    """One message to one webhook, sent until it is taken. Rows of ended tasks are written by a trigger on ``jobs``."""

    TEST = "webhook.test"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    # The constraint is made by webhooks.0002, too.
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_constraint=False)
    event = models.CharField(max_length=40)
    task_id = models.CharField(max_length=36, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now())
    attempts = models.IntegerField(db_default=0)
    # NULL when it is over: taken, or given up. A sender that holds it moves this ahead, so no other takes it.
    next_attempt_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    delivered_at = models.DateTimeField(null=True, blank=True)
    last_status = models.IntegerField(null=True, blank=True, help_text="of HTTP; NULL without an answer")
    last_error = models.CharField(max_length=500, blank=True, db_default="")

    class Meta:
        db_table = "webhook_deliveries"
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(next_attempt_at__isnull=False),
                name="webhook_deliveries_due_idx",
            ),
            models.Index(fields=["webhook", "created_at", "id"], name="webhook_deliveries_list_idx"),
            models.Index(fields=["created_at"], name="webhook_deliveries_age_idx"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to webhook {self.webhook_id}"
