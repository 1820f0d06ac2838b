"""What was given up for a video, and how long it took to make: the next ones are estimated by it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_turns")]

    operations = [
        migrations.AddField(
            model_name="job",
            name="began_at",
            field=models.DateTimeField(blank=True, help_text="the last attempt", null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="relaxed",
            field=models.JSONField(blank=True, help_text="which wishes were given up, in sentences", null=True),
        ),
        migrations.AlterField(
            model_name="job",
            name="request",
            field=models.JSONField(help_text="what was asked for (apps.generation.requests)"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("began_at__isnull", False), ("outcome", "completed")),
                fields=["ended_at"],
                name="jobs_measured_idx",
            ),
        ),
    ]
