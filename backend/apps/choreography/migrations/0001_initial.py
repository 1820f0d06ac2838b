"""The two tables as the original made them. `handover adopt` records this migration as applied."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="ChoreographyTask",
            fields=[
                ("task_id", models.CharField(max_length=36, primary_key=True, serialize=False)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("started", "Started"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                        ],
                        db_index=True,
                        default="started",
                        max_length=20,
                    ),
                ),
                ("progress", models.IntegerField(default=0)),
                ("stage", models.CharField(default="initializing", max_length=50)),
                ("message", models.TextField(default="Starting choreography generation...")),
                ("result", models.JSONField(blank=True, null=True)),
                ("error", models.TextField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="choreography_tasks",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "choreography_tasks",
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(fields=["user", "status"], name="choreograph_user_id_1f71cb_idx"),
                    models.Index(fields=["created_at"], name="choreograph_created_1c4810_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedChoreography",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("title", models.CharField(max_length=200)),
                ("video_path", models.FileField(max_length=500, upload_to="choreographies/%Y/%m/")),
                (
                    "thumbnail_path",
                    models.ImageField(blank=True, max_length=500, null=True, upload_to="thumbnails/%Y/%m/"),
                ),
                (
                    "difficulty",
                    models.CharField(
                        choices=[
                            ("beginner", "Beginner"),
                            ("intermediate", "Intermediate"),
                            ("advanced", "Advanced"),
                        ],
                        db_index=True,
                        max_length=20,
                    ),
                ),
                ("duration", models.FloatField(help_text="seconds")),
                ("music_info", models.JSONField(blank=True, null=True)),
                ("generation_parameters", models.JSONField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="choreographies",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"db_table": "saved_choreographies", "ordering": ["-created_at"]},
        ),
    ]
