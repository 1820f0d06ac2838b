"""What tests of generations share: a song, the moves, a user, and the files that are left."""

import shutil
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.generation.services import start_generation
from apps.generation.sweep import sweep
from apps.jobs.models import Job

SONG = "demo.mp3"
ENDINGS = (".mp4", ".timeline.json", ".captions.vtt", ".chapters.vtt", ".jpg", ".plan.json")


def place_song(demo_song: Path) -> None:
    """Store the song. Its analysis is cached between tests."""
    settings.BACHATEO_CACHE = demo_song.parent / "cache"
    folder = Path(settings.MEDIA_ROOT, "songs")
    folder.mkdir()
    shutil.copy(demo_song, folder / SONG)


def start(user: User, **wishes: object) -> ChoreographyTask:
    return start_generation(user=user, **({"song": SONG, "difficulty": "beginner"} | wishes))


def age(task_id: str, **by: float) -> None:
    """Make the task older, in both tables."""
    for model in (ChoreographyTask, Job):
        row = model.objects.filter(pk=task_id)
        for created_at in row.values_list("created_at", flat=True):
            row.update(created_at=created_at - timedelta(**by))


def output_files() -> list[str]:
    """Return every file and every draft below output/, temporary ones included."""
    output = Path(settings.MEDIA_ROOT, "output")
    found = [path for path in output.rglob("*") if path.is_file() or path.parent.name == ".drafts"]
    return sorted(path.relative_to(output).as_posix() for path in found)


def made_files(user_id: int, *task_ids: str) -> list[str]:
    """Return every file that finished tasks of a user have below output/: a video and what belongs to it."""
    return sorted(f"user_{user_id}/{task_id}{ending}" for task_id in task_ids for ending in ENDINGS)


def assert_completed_once(user: User, task_ids: list[str]) -> None:
    """Every task has ended well, once, with one video; nothing else is there."""
    # Sweep, as every worker does; the last one may still be removing its own draft.
    sweep()
    rows = ChoreographyTask.objects.filter(pk__in=task_ids).values_list("status", "progress", "error")
    assert list(rows) == [("completed", 100, None)] * len(task_ids), list(rows)
    assert set(Job.objects.filter(pk__in=task_ids).values_list("outcome", "token")) == {("completed", None)}
    saved = SavedChoreography.objects.values_list("generation_parameters__task_id", flat=True)
    assert sorted(saved) == sorted(task_ids)
    assert output_files() == made_files(user.pk, *task_ids)
