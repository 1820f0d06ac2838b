"""Identifiers become text: a new column, filled by code, takes the old one's place."""

from django.db import migrations, models


def write_as_text(apps, schema_editor):
    for token in apps.get_model("tokens", "OutstandingToken").objects.all():
        token.jti_hex = token.jti.hex
        token.save(update_fields=["jti_hex"])


class Migration(migrations.Migration):
    dependencies = [("tokens", "0001_initial")]

    operations = [
        migrations.AddField("outstandingtoken", "jti_hex", models.CharField(max_length=255, null=True, blank=True)),
        migrations.RunPython(write_as_text, migrations.RunPython.noop),
        migrations.AlterField("outstandingtoken", "jti_hex", models.CharField(max_length=255, unique=True)),
        migrations.RemoveField("outstandingtoken", "jti"),
        migrations.RenameField("outstandingtoken", "jti_hex", "jti"),
    ]
