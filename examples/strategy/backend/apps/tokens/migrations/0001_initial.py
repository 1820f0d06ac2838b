"""As the first version of the package made them: small keys, and identifiers as UUIDs."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name="OutstandingToken",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("jti", models.UUIDField(unique=True)),
                ("token", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("user", models.ForeignKey(on_delete=models.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name="BlacklistedToken",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("blacklisted_at", models.DateTimeField(auto_now_add=True)),
                ("token", models.OneToOneField(on_delete=models.CASCADE, to="tokens.outstandingtoken")),
            ],
        ),
    ]
