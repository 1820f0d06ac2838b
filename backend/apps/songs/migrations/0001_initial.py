import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="Song",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "file_name",
                    models.CharField(help_text="below songs/ in the media root", max_length=255, unique=True),
                ),
                ("title", models.CharField(max_length=200)),
                ("sha256", models.CharField(max_length=64, unique=True)),
                ("size", models.BigIntegerField(help_text="bytes")),
                ("duration_s", models.FloatField()),
                ("uploaded_at", models.DateTimeField(auto_now_add=True)),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="songs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"db_table": "songs", "ordering": ["title"]},
        ),
    ]
