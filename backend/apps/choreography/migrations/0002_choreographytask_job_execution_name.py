"""The one change to a shared table: a nullable column. `handover adopt` runs it as the table's owner."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("choreography", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="choreographytask",
            name="job_execution_name",
            field=models.CharField(blank=True, max_length=500, null=True),
        ),
    ]
