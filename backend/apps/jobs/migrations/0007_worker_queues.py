"""Which queues a worker serves that does not serve all. A row leaves with the worker's own row in the queue."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("jobs", "0006_no_index_of_live_jobs"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [
        migrations.CreateModel(
            name="WorkerQueues",
            fields=[
                ("worker_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("queues", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
            ],
            options={"db_table": "worker_queues", "ordering": ["pk"]},
        ),
        migrations.RunSQL(
            sql=(
                "ALTER TABLE worker_queues ADD CONSTRAINT worker_queues_worker_id_fk"
                " FOREIGN KEY (worker_id) REFERENCES procrastinate_workers (id) ON DELETE CASCADE"
            ),
            reverse_sql="ALTER TABLE worker_queues DROP CONSTRAINT worker_queues_worker_id_fk",
        ),
    ]
