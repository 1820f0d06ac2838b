"""The line of users who wait for a turn, and the indexes that find a waiting or a taken job among many.

Users whose jobs wait already are put in the line by the first sweep of a worker.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_job_user_on_delete")]

    operations = [
        migrations.CreateModel(
            name="Turn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.BigIntegerField(unique=True)),
            ],
            options={"db_table": "turns", "ordering": ["pk"]},
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("outcome__isnull", True), ("token__isnull", True)),
                fields=["user", "created_at", "task_id"],
                name="jobs_waiting_idx",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("outcome__isnull", True), ("token__isnull", False)),
                fields=["lease_expires_at"],
                name="jobs_taken_idx",
            ),
        ),
    ]
