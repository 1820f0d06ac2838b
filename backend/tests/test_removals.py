"""A file that nothing names any more is removed, also if the process that forgot it was killed before it could.

Nothing runs after the commit in these tests, as after a kill: only the note is left.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models.functions import Now

from apps.choreography import progress
from apps.choreography.models import ChoreographyTask
from apps.choreography.original import STUCK
from apps.collections.services import delete_choreography
from apps.generation import files, queue
from apps.generation.services import cancel_as_the_original, cancel_generation
from apps.generation.sweep import sweep
from apps.generation.worker import fail_generation
from apps.jobs import leases
from apps.jobs.models import Job
from apps.media.directory import DirectoryStorage
from apps.removals.models import Removal
from tests.evolving import spelled, stored
from tests.generating import SONG, age, start
from tests.test_collection_changes import put_video
from tests.test_collections import make_choreography


@pytest.fixture
def songs(media_root) -> None:
    (media_root / "songs").mkdir()
    (media_root / "songs" / SONG).write_bytes(b"not heard here")


@pytest.fixture
def video(ana, media_root) -> Path:
    return put_video(media_root, f"output/user_{ana.pk}/v.mp4")


def saved_by(user, video: Path, **columns: object):
    return make_choreography(user, video_path=f"output/user_{user.pk}/{video.name}", **columns)


def test_deleted__killed_after_the_commit__the_next_sweep_removes_the_video(ana, video):
    delete_choreography(user=ana, choreography_id=saved_by(ana, video).pk)
    assert video.exists()
    sweep()
    assert not video.exists()
    assert not Removal.objects.exists()


def test_failed__its_session_ends_before_the_video_is_removed__the_next_sweep_removes_it(ana, songs, media_root):
    task = start(ana)
    lease = queue.take_next(queue_job_id=0)
    files.draft_folder(lease).mkdir(parents=True)
    files.draft_path(lease).write_bytes(b"whole, and then the commit failed")
    files.publish(lease)
    made = Path(media_root, files.video_name(task.pk, user_id=ana.pk))
    fail_generation(lease, reason="The session ended.")
    files.remove_draft(files.draft_folder(lease))
    assert made.exists()
    sweep()
    assert not made.exists()


def test_failed__another_file_has_its_name__that_one_stays(ana, songs, media_root):
    task = start(ana)
    lease = queue.take_next(queue_job_id=0)
    other = put_video(media_root, files.video_name(task.pk, user_id=ana.pk))
    fail_generation(lease, reason="The name is taken.")
    sweep()
    assert other.exists()


def test_deleted__the_storage_refuses__is_tried_again(ana, video, monkeypatch, caplog):
    delete_choreography(user=ana, choreography_id=saved_by(ana, video).pk)
    with monkeypatch.context() as patch:
        patch.setattr(DirectoryStorage, "delete", refuse)
        sweep()
    assert video.exists()
    assert "could not be removed; it is tried again" in caplog.text
    sweep()
    assert not video.exists()


def refuse(_storage: DirectoryStorage, _name: str) -> None:
    raise OSError("read-only")


def test_deleted__the_original_gave_the_name_to_its_next_video__that_one_stays(ana, video):
    delete_choreography(user=ana, choreography_id=saved_by(ana, video).pk)
    video.unlink()
    video.write_bytes(b"the next one")
    sweep()
    assert video.read_bytes() == b"the next one"
    assert not Removal.objects.exists()


def test_deleted__saved_again_meanwhile__stays(ana, video):
    delete_choreography(user=ana, choreography_id=saved_by(ana, video).pk)
    saved_by(ana, video)
    sweep()
    assert video.exists()
    assert not Removal.objects.exists()


def finished(user, video: Path) -> ChoreographyTask:
    result = {"video_path": f"output/user_{user.pk}/{video.name}"}
    return ChoreographyTask.objects.create(task_id="t", user=user, status="completed", result=result)


def test_cancelled__a_finished_task__its_video_goes_with_it(ana, video):
    cancel_as_the_original(user=ana, task_id=finished(ana, video).pk)
    sweep()
    assert not video.exists()


def test_cancelled__a_finished_task_that_was_saved__the_video_stays(ana, video):
    task = finished(ana, video)
    saved_by(ana, video, generation_parameters={"task_id": task.pk})
    cancel_as_the_original(user=ana, task_id=task.pk)
    sweep()
    assert video.exists()


def test_cancelled__after_an_attempt_was_killed_before_its_commit__its_video_is_removed(ana, songs, media_root):
    task = start(ana)
    queue.take_next(queue_job_id=0)
    left = put_video(media_root, files.video_name(task.pk, user_id=ana.pk))
    cancel_generation(user=ana, task_id=task.pk)
    sweep()
    assert not left.exists()
    # A worker that does not know yet that its lease is gone may still give the file its name.
    put_video(media_root, files.video_name(task.pk, user_id=ana.pk))
    sweep()
    assert not left.exists()
    assert Removal.objects.exists()
    Removal.objects.update(noted_at=Now() - timedelta(hours=1))
    sweep()
    assert not Removal.objects.exists()


def test_cancelled_in_the_original__after_an_attempt_was_killed_before_its_commit__its_video_is_removed(
    ana, songs, media_root
):
    task = start(ana)
    queue.take_next(queue_job_id=0)
    left = put_video(media_root, files.video_name(task.pk, user_id=ana.pk))
    Job.objects.filter(pk=task.pk).update(lease_expires_at=Now() - timedelta(hours=1))
    with leases.short_transaction():
        progress.wait_again(task.pk)
    ChoreographyTask.objects.filter(pk=task.pk).delete()
    sweep()
    assert Job.objects.get(pk=task.pk).outcome == Job.Outcome.CANCELLED
    assert not left.exists()


def test_cancelled__before_any_attempt__notes_nothing(ana, songs):
    cancel_generation(user=ana, task_id=start(ana).pk)
    assert not Removal.objects.exists()


def test_original_that_was_killed__the_sweep_fails_what_it_left_running(ana):
    for task_id, status in (("old", "running"), ("waiting", "started"), ("young", "running"), ("done", "completed")):
        ChoreographyTask.objects.create(task_id=task_id, user=ana, status=stored(status), progress=40)
        if task_id != "young":
            age(task_id, minutes=6)
    sweep()
    rows = {row.pk: (row.told_status, row.progress, row.error) for row in ChoreographyTask.objects.all()}
    assert rows == {
        spelled("old"): ("failed", 0, STUCK),
        spelled("waiting"): ("failed", 0, STUCK),
        spelled("young"): ("running", 40, None),
        spelled("done"): ("completed", 40, None),
    }


def test_job_that_waits_for_long__the_sweep_leaves_it_alone(ana, songs):
    task = start(ana)
    age(task.pk, minutes=6)
    sweep()
    assert ChoreographyTask.objects.get().told_status == "started"
    assert Job.objects.get().outcome is None
