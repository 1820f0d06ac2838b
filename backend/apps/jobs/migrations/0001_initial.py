import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Job",
            fields=[
                ("task_id", models.CharField(max_length=36, primary_key=True, serialize=False)),
                ("request", models.JSONField(help_text="song, difficulty, energy, seed and auto_save as asked for")),
                (
                    "auto_save",
                    models.BooleanField(default=False, help_text="asked for, and the user's preference agreed"),
                ),
                ("idempotency_key", models.CharField(blank=True, max_length=255, null=True)),
                ("created_at", models.DateTimeField(help_text="the task's")),
                (
                    "queue_job_id",
                    models.BigIntegerField(blank=True, help_text="the queue's job that runs it", null=True),
                ),
                ("token", models.UUIDField(blank=True, null=True)),
                (
                    "owner",
                    models.CharField(blank=True, default="", help_text="host and process, for people", max_length=255),
                ),
                ("lease_expires_at", models.DateTimeField(blank=True, null=True)),
                ("attempt", models.IntegerField(default=0)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("completed", "Completed"), ("failed", "Failed"), ("cancelled", "Cancelled")],
                        max_length=20,
                        null=True,
                    ),
                ),
                ("result", models.JSONField(blank=True, null=True)),
                ("error", models.TextField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="jobs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "jobs",
                "ordering": ["created_at", "task_id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome__isnull", True)), fields=["created_at"], name="jobs_live_idx"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "idempotency_key"), name="jobs_idempotency_key_uniq")
                ],
            },
        ),
    ]
