"""Keys become big, and a token may outlive its user."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tokens", "0002_identifiers_as_text")]

    operations = [
        migrations.AlterField(
            "outstandingtoken", "id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
        ),
        migrations.AlterField(
            "blacklistedtoken", "id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")
        ),
        migrations.AlterField("outstandingtoken", "created_at", models.DateTimeField(blank=True, null=True)),
        migrations.AlterField(
            "outstandingtoken",
            "user",
            models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL
            ),
        ),
    ]
