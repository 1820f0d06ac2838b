"""Start a generation."""

import uuid

from django.db import transaction

from apps.authentication.models import User
from apps.authentication.selectors import saves_automatically
from apps.choreography import jobs
from apps.choreography.executions import execution_name
from apps.choreography.models import ChoreographyTask
from apps.songs.selectors import song_path


@transaction.atomic
def start_generation(
    *, user: User, song: str, difficulty: str, energy: str | None = None, seed: int = 0, auto_save: bool = True
) -> ChoreographyTask:
    """Write the task and queue its job, both or neither. Raises NotFoundError if there is no such song.

    As in the original, the result is saved if both the request and the user's preference say so.
    """
    song_path(song)
    task_id = str(uuid.uuid4())
    job_id = jobs.generate.defer(
        task_id=task_id,
        song=song,
        difficulty=difficulty,
        energy=energy,
        seed=seed,
        auto_save=auto_save and saves_automatically(user),
    )
    return ChoreographyTask.objects.create(task_id=task_id, user=user, job_execution_name=execution_name(job_id))
