import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="PersonalToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="what its owner calls it", max_length=100)),
                ("prefix", models.CharField(help_text="how the secret begins, to recognise it by", max_length=20)),
                (
                    "sha256",
                    models.CharField(help_text="of the secret, which is kept nowhere", max_length=64, unique=True),
                ),
                ("scopes", models.JSONField(help_text="names from apps.tokens.scopes")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, help_text="to the minute", null=True)),
                (
                    "user",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"db_table": "tokens", "ordering": ["-created_at"]},
        ),
    ]
