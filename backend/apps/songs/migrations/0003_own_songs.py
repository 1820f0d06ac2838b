import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0001_initial"),
        ("songs", "0002_song_uploaded_by_on_delete"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Recording",
            fields=[
                ("sha256", models.CharField(max_length=64, primary_key=True, serialize=False)),
                (
                    "file_name",
                    models.TextField(help_text="in the media storage; if is_common, in the common folder of songs"),
                ),
                ("is_common", models.BooleanField(default=False)),
                ("size", models.BigIntegerField(help_text="bytes")),
                ("duration_s", models.FloatField()),
                ("tempo_bpm", models.FloatField(help_text="known once a choreography was made", null=True)),
                (
                    "touched_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="the last upload or deletion",
                    ),
                ),
            ],
            options={"db_table": "recordings", "ordering": ["sha256"]},
        ),
        migrations.CreateModel(
            name="OwnSong",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=200)),
                ("uploaded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "recording",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="own_songs",
                        to="songs.recording",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="own_songs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"db_table": "own_songs", "ordering": ["title", "id"]},
        ),
        migrations.AddConstraint(
            model_name="ownsong",
            constraint=models.UniqueConstraint(fields=("user", "recording"), name="own_songs_uniq"),
        ),
        migrations.CreateModel(
            name="JobSong",
            fields=[
                (
                    "job",
                    models.OneToOneField(
                        db_column="task_id",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="jobs.job",
                    ),
                ),
                (
                    "name",
                    models.TextField(help_text="as the choreography names the song: its title then, as a file name"),
                ),
                (
                    "recording",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="job_songs",
                        to="songs.recording",
                    ),
                ),
            ],
            options={"db_table": "job_songs"},
        ),
    ]
