"""Files of generations: never overwritten, and what nothing names is found."""

import os
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.generation import files, queue
from apps.generation.sweep import sweep
from apps.jobs.models import Job
from apps.media.models import FileOwner
from bachateo.video import Timeline
from tests.conftest import make_user
from tests.generating import SONG, assert_completed_once, made_files, output_files, place_song, start

TWO_DAYS_S = 2 * 86_400


@pytest.fixture
def house(own_database, moves_library, demo_song, settings):
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    return make_user("ana")


def work() -> None:
    call_command("procrastinate", "worker", "--one-shot")


def put(path: Path, *, age_s: float = TWO_DAYS_S) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"moving pictures")
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


def test_name_that_is_taken__is_left_alone_and_the_task_fails(house, media_root):
    task = start(house)
    video = put(media_root / files.video_name(task.pk, user_id=house.pk))
    work()
    row = ChoreographyTask.objects.get()
    assert (row.status, row.error) == ("failed", "Something went wrong here (FileExistsError). Please try again.")
    assert video.read_bytes() == b"moving pictures"
    assert output_files() == [f"user_{house.pk}/{task.pk}.mp4"]
    assert not SavedChoreography.objects.exists()
    assert not FileOwner.objects.exists()


def test_video__can_be_read_by_its_group_and_has_one_name_and_one_owner(house, media_root):
    start(house)
    work()
    task_id = Job.objects.get().pk
    assert output_files() == made_files(house.pk, task_id)
    for name in output_files():
        file = (media_root / "output" / name).stat()
        assert (file.st_mode & 0o777, file.st_nlink) == (0o640, 1), name
    # Those that rows name.
    assert set(FileOwner.objects.values_list("name", "user_id", "how")) == {
        (f"output/user_{house.pk}/{task_id}{ending}", house.pk, "made") for ending in (".mp4", ".jpg")
    }


@pytest.fixture
def died(house, settings):
    """A task whose first attempt is over; the test says what is left of it."""
    task = start(house)
    settings.JOB_LEASE_S = -1
    queue.take_next(queue_job_id=0)
    settings.JOB_LEASE_S = 60
    return task


def test_video_of_an_attempt_that_died_before_its_commit__is_taken_up_with_its_sidecars(house, died, media_root):
    for name in made_files(house.pk, died.pk):
        put(media_root / "output" / name)
    work()
    assert_completed_once(house, [died.pk])
    assert Job.objects.get().attempt == 2
    assert {(media_root / "output" / name).read_bytes() for name in output_files()} == {b"moving pictures"}


def test_sidecars_of_an_attempt_that_died_before_its_video__are_made_anew(house, died, media_root):
    *_, video = sorted(made_files(house.pk, died.pk), key=lambda name: name.endswith(".mp4"))
    stale = [media_root / "output" / name for name in made_files(house.pk, died.pk) if name != video]
    for path in (*stale, (media_root / "output" / video).with_suffix(".plan.json")):
        put(path)
    work()
    assert_completed_once(house, [died.pk])
    assert all(path.read_bytes() != b"moving pictures" for path in stale)
    assert Timeline.from_json((media_root / "output" / video).with_suffix(".timeline.json").read_text()).moves


def test_draft_whose_lease_is_over__is_swept_and_one_at_work_stays(ana, media_root):
    (media_root / "songs").mkdir()
    (media_root / "songs" / SONG).write_bytes(b"")
    start(ana)
    lease = queue.take_next(queue_job_id=0)
    living = put(files.draft_path(lease), age_s=0)
    put(files.drafts_folder() / f"{lease.task_id}.00000000-0000-0000-0000-000000000000" / ".video.x1.mp4", age_s=0)
    sweep()
    assert output_files() == [f".drafts/{living.parent.name}", f".drafts/{living.parent.name}/video.mp4"]


@pytest.fixture
def library_of_files(ana, ben, media_root) -> dict[str, Path]:
    """One file for each way of naming one, and some that no row names."""
    output = media_root / "output"
    named = ("relative", "absolute", "dotted", "linked", "of_a_task", "of_an_outcome", "of_a_living_job", "thumbnail")
    found = {name: put(output / "user_1" / f"{name}.mp4") for name in (*named, "lost", "cancelled", "failed")}
    found["young"] = put(output / "user_1" / "young.mp4", age_s=60)
    found["elsewhere"] = put(output / "user_2" / "deep" / "lost.mp4")
    found["draft"] = put(output / ".drafts" / "t.00000000-0000-0000-0000-000000000000" / "video.mp4", age_s=0).parent
    (media_root / "link").symlink_to(output)
    untidy = {"title": "", "difficulty": "beginner", "duration": float("nan")}
    for path in ("output/user_1/relative.mp4", str(found["absolute"]), "output/../output/user_1/dotted.mp4", ""):
        SavedChoreography.objects.create(user=ana, video_path=path, **untidy)
    SavedChoreography.objects.create(
        user=ben,
        video_path="link/user_1/linked.mp4",
        thumbnail_path="output/user_1/thumbnail.mp4",
        music_info=[1],
        **untidy,
    )
    for number, result in enumerate([{"video_path": "output/user_1/of_a_task.mp4"}, {"video_path": 7}, [], None]):
        ChoreographyTask.objects.create(task_id=f"a/{number}", user=ana, status="completed", result=result)
    jobs = {"of_an_outcome": "completed", "of_a_living_job": None, "cancelled": "cancelled", "failed": "failed"}
    row = ChoreographyTask.objects.first()
    for task_id, outcome in jobs.items():
        Job.objects.create(task_id=task_id, user=ana, request={}, created_at=row.created_at, outcome=outcome)
        found[task_id].parent.with_name(f"user_{ana.pk}").mkdir(exist_ok=True)
        found[task_id] = found[task_id].rename(media_root / files.video_name(task_id, user_id=ana.pk))
    return found


LOST = ["cancelled", "draft", "elsewhere", "failed", "lost"]


def test_sweep_files__without_apply__lists_what_nothing_names_and_changes_nothing(library_of_files, media_root, capsys):
    before = output_files()
    call_command("sweep_files")
    *lines, total = capsys.readouterr().out.splitlines()
    listed = {line.split("  ")[1] for line in lines}
    assert listed == {library_of_files[name].relative_to(media_root).as_posix() for name in LOST}
    assert all(line.startswith("orphan") for line in lines)
    assert total == "5 found, 75 bytes; nothing was removed. Remove them with --apply."
    assert output_files() == before


def test_sweep_files__with_apply__removes_them_and_never_a_row(library_of_files, capsys):
    rows = [list(model.objects.order_by("pk").values_list()) for model in (ChoreographyTask, Job)]
    call_command("sweep_files", "--apply")
    assert capsys.readouterr().out.splitlines()[-1] == "5 found, 75 bytes."
    assert {name for name, path in library_of_files.items() if not path.exists()} == set(LOST)
    assert [list(model.objects.order_by("pk").values_list()) for model in (ChoreographyTask, Job)] == rows
    assert SavedChoreography.objects.count() == 5
    call_command("sweep_files", "--apply")
    assert capsys.readouterr().out == "0 found, 0 bytes.\n"


def test_sweep_files__young_files__are_found_when_asked_for(library_of_files, capsys):
    call_command("sweep_files", "--min-age-hours", "0")
    assert "young.mp4" in capsys.readouterr().out


@pytest.mark.parametrize("age", ["-1", "nan", "many"])
def test_sweep_files__an_age_that_cannot_be_meant__is_refused(age):
    with pytest.raises(CommandError, match=f"is '{age}'; it must be a number of 0 or more"):
        call_command("sweep_files", "--apply", f"--min-age-hours={age}")


def test_sweep_files__no_output_folder__finds_nothing(db, capsys):
    call_command("sweep_files", "--apply")
    assert capsys.readouterr().out == "0 found, 0 bytes.\n"
