"""What Django believes of ``choreography_tasks``: the shape that SCHEMA_PHASE chooses. No statement runs.

The table gets its second shape from ``handover evolve`` (evolution/0001_phase_2.toml), online and with a way back.
"""

from django.conf import settings
from django.db import migrations, models
from django.db.models.deletion import CASCADE
from django.core.validators import MaxValueValidator, MinValueValidator

from apps.choreography.models import ChoreographyTask, TaskIdField

NAME = "choreographytask"
STATUSES = [("pending", "Started"), ("processing", "Running"), ("completed", "Completed"), ("failed", "Failed")]


def altered(name: str, field: models.Field) -> migrations.AlterField:
    return migrations.AlterField(model_name=NAME, name=name, field=field)


def new_indexes() -> list[models.Index]:
    unfinished = models.Q(("status__in", ("pending", "processing")))
    return [
        models.Index(fields=["user", "created_at", "task_id"], name="tasks_newest_idx"),
        models.Index(fields=["status", "created_at"], condition=unfinished, name="tasks_unfinished_idx"),
    ]


PHASE_2 = [
    *(
        migrations.RemoveIndex(model_name=NAME, name=name)
        for name in ("choreograph_user_id_1f71cb_idx", "choreograph_created_1c4810_idx")
    ),
    altered("task_id", TaskIdField(primary_key=True, serialize=False)),
    altered("status", models.CharField(choices=STATUSES, default="pending", max_length=20)),
    altered("progress", models.IntegerField(default=0, validators=[MinValueValidator(0), MaxValueValidator(100)])),
    altered("created_at", models.DateTimeField(auto_now_add=True)),
    altered(
        "user",
        models.ForeignKey(
            db_index=False, on_delete=CASCADE, related_name="choreography_tasks", to=settings.AUTH_USER_MODEL
        ),
    ),
    *(migrations.AddIndex(model_name=NAME, index=index) for index in new_indexes()),
    migrations.AddConstraint(
        model_name=NAME,
        constraint=models.CheckConstraint(
            condition=models.Q(("status__in", ("pending", "processing", "completed", "failed"))),
            name="choreography_tasks_status_check",
        ),
    ),
    migrations.AddConstraint(
        model_name=NAME,
        constraint=models.CheckConstraint(
            condition=models.Q(("progress__range", (0, 100))), name="choreography_tasks_progress_check"
        ),
    ),
]


class Migration(migrations.Migration):
    dependencies = [("choreography", "0002_choreographytask_job_execution_name")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations={1: [], 2: PHASE_2}[ChoreographyTask.PHASE]
        )
    ]
