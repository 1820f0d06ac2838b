"""How sure it was what was heard in the song, and how varied the films are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_relaxed_and_measured")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="hearing",
            field=models.JSONField(blank=True, help_text="how sure it is what was heard in the song", null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="variety",
            field=models.JSONField(blank=True, help_text="how varied the films are", null=True),
        ),
    ]
