"""The whole service on a bucket: a real fake-gcs-server, reached as the settings say."""

import hashlib
from datetime import timedelta
from pathlib import Path

import google.cloud.storage
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db.models.functions import Now
from django.test import Client
from google.api_core.exceptions import PreconditionFailed
from google.cloud.storage import Blob

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.generation import files
from apps.generation.orphans import orphans
from apps.jobs.models import Job
from apps.media.storage import media
from apps.monitoring import readiness
from apps.songs import recordings
from apps.songs.models import Recording
from sandbox.bucket import Bucket
from tests.conftest import make_user
from tests.generating import SONG, made_files, output_files, start
from tests.media import write_sound
from tests.test_generation import CANCEL, interfere
from tests.workers import hold_on, workers_on

SHORT = {"JOB_LEASE_S": 1.5, "JOB_SWEEP_S": 0.25}


def work() -> None:
    call_command("procrastinate", "worker", "--one-shot")


def name_of(task: ChoreographyTask) -> str:
    return "media/" + files.video_name(task.pk, user_id=task.user_id)


def made(task: ChoreographyTask) -> list[str]:
    return [f"media/output/{name}" for name in made_files(task.user_id, task.pk)]


def videos(bucket: Bucket) -> list[str]:
    return bucket.names("media/")


def assert_completed_once(bucket: Bucket, task: ChoreographyTask, *, attempts: int) -> None:
    """The task has ended well, once, with one object; nothing is left on this machine."""
    row = ChoreographyTask.objects.get(pk=task.pk)
    assert (row.status, row.error, Job.objects.get().attempt) == ("completed", None, attempts)
    assert SavedChoreography.objects.get().video_path.name == row.result["video_path"]
    assert (videos(bucket), output_files()) == (made(task), [])


@pytest.fixture
def house(own_database, on_bucket, moves_library, demo_song, settings) -> User:
    """A song in the bucket, the moves, and a user. The song's analysis is cached between tests."""
    settings.MOVES_LIBRARY, settings.BACHATEO_CACHE = moves_library, demo_song.parent / "cache"
    on_bucket.put(f"songs/{SONG}", demo_song.read_bytes())
    return make_user("ana")


# Generations


def test_generation__song_in_the_bucket__becomes_a_video_beside_it(house, on_bucket, media_root):
    task = start(house)
    work()
    assert_completed_once(on_bucket, task, attempts=1)
    assert [path for path in media_root.rglob("*") if path.is_file()] == []
    api = Client()
    api.force_login(house)
    whole = api.get(f"/api/choreography/tasks/{task.pk}/video").getvalue()
    assert whole == on_bucket.read(name_of(task))
    assert whole[4:8] == b"ftyp"
    old = api.get(f"/video/{task.pk}.mp4/", headers={"Range": "bytes=-9"})
    assert (old.status_code, old.getvalue()) == (206, whole[-9:])


def test_song_gone_before_the_worker_comes__task_fails_and_says_so(house, on_bucket):
    start(house)
    on_bucket.delete(f"songs/{SONG}")
    work()
    row = ChoreographyTask.objects.get()
    assert (row.status, row.error) == ("failed", f"There is no song {SONG!r}.")
    assert (videos(on_bucket), output_files()) == ([], [])


def test_name_that_is_taken__is_left_alone_and_the_task_fails(house, on_bucket):
    task = start(house)
    on_bucket.put(name_of(task), b"moving pictures")
    work()
    row = ChoreographyTask.objects.get()
    assert (row.status, row.error) == ("failed", "Something went wrong here (FileExistsError). Please try again.")
    assert on_bucket.read(name_of(task)) == b"moving pictures"
    assert not SavedChoreography.objects.exists()


def test_upload_whose_answer_was_lost__is_recognised_as_its_own(house, on_bucket, monkeypatch):
    task, real = start(house), Blob.upload_from_file

    def lose_answer(blob: Blob, *arguments: object, **options: object) -> None:
        real(blob, *arguments, **options)
        raise PreconditionFailed("as the client is told when it sends it again")

    monkeypatch.setattr(Blob, "upload_from_file", lose_answer)
    work()
    assert_completed_once(on_bucket, task, attempts=1)


@pytest.mark.parametrize("stage", ["downloading", "finalizing"])
def test_cancelled_midway__stops_and_leaves_no_object(house, own_database, on_bucket, stage):
    interfere(own_database, stage, CANCEL)
    start(house)
    work()
    assert Job.objects.get().outcome == "cancelled"
    assert (videos(on_bucket), output_files()) == ([], [])


def test_commit_that_fails_after_the_upload__leaves_no_object(house, own_database, on_bucket, monkeypatch):
    real = media().add

    def upload_and_fail(name: str, path: Path) -> None:
        real(name, path)
        raise RuntimeError("as when the connection is cut right then")

    monkeypatch.setattr(type(media()._wrapped), "add", lambda _self, name, path: upload_and_fail(name, path))
    start(house)
    work()
    assert ChoreographyTask.objects.get().status == "failed"
    assert (videos(on_bucket), output_files()) == ([], [])


@pytest.mark.full
def test_killed_between_upload_and_commit__the_next_attempt_takes_it_up(house, own_database, on_bucket, tmp_path):
    with (
        hold_on(own_database) as hold,
        workers_on(own_database, tmp_path, **SHORT, **on_bucket.environment()) as workers,
    ):
        workers.start()
        workers.start()
        hold.at("committing")
        task = start(house)
        victim = workers.until(hold.who_waits, "a worker waits before the commit")
        uploaded = media().find(files.video_name(task.pk, user_id=house.pk))
        workers.kill(victim)
        hold.release()
        workers.until(lambda: Job.objects.get().outcome, "another worker completes it")
        # Its own draft goes with the attempt, the draft of the killed worker with the next sweep.
        workers.until(lambda: not files.drafts(), "both drafts are removed")
    assert_completed_once(on_bucket, task, attempts=2)
    assert media().find(uploaded.name) == uploaded


@pytest.mark.full
def test_killed_whenever_it_is_tried__fails_and_leaves_no_object(house, own_database, on_bucket, tmp_path):
    environment = on_bucket.environment() | {"JOB_MAX_ATTEMPTS": "1"}
    with hold_on(own_database) as hold, workers_on(own_database, tmp_path, **SHORT, **environment) as workers:
        workers.start()
        workers.start()
        hold.at("committing")
        task = start(house)
        workers.kill(workers.until(hold.who_waits, "a worker waits before the commit"))
        assert videos(on_bucket) == made(task)  # a video that no row names
        hold.release()
        workers.until(lambda: Job.objects.get().outcome, "the task fails")
        workers.until(lambda: not videos(on_bucket) + output_files(), "a sweep removes what the attempt left")
    assert ChoreographyTask.objects.get().error.startswith("Its worker was stopped in the middle of the work")


# Songs


def upload(api: Client, content: bytes, name: str) -> int:
    return api.post("/api/songs", {"file": SimpleUploadedFile(name, content, "audio/mpeg")}).status_code


def stored_as(user: User, content: bytes) -> str:
    return f"media/own_songs/user_{user.pk}/{hashlib.sha256(content).hexdigest()}.mp3"


def test_songs__are_written_once_and_listed_before_everybodys(api, ana, on_bucket, tmp_path):
    tone = write_sound(tmp_path / "tone.mp3").read_bytes()
    third = write_sound(tmp_path / "third.mp3", frequency_hz=550).read_bytes()
    on_bucket.put("songs/Dime & quédate #1.mp3", third)
    on_bucket.put("songs/deep/er.mp3", third)
    on_bucket.put("media/songs/not-a-song.mp3", third)
    assert [upload(api, tone, name) for name in ("luna.mp3", "again.mp3")] == [201, 200]
    assert upload(api, third, "third.mp3") == 201
    listed = api.get("/api/songs").json()["results"]
    titles = [("luna", True), ("third", True), ("Dime & quédate #1", False)]
    assert [(song["title"], song["is_mine"]) for song in listed] == titles
    assert [song["size"] for song in listed] == [len(tone), len(third), len(third)]
    assert on_bucket.read(stored_as(ana, tone)) == tone
    assert stored_as(ana, third) not in on_bucket.names(), "the common file has these bytes"
    assert api.delete(f"/api/songs/{listed[0]['id']}").status_code == 204
    Recording.objects.update(touched_at=Now() - timedelta(days=1))
    recordings.remove_unused()
    assert stored_as(ana, tone) not in on_bucket.names()


def test_song__upload_whose_answer_was_lost__has_one_name(api, ana, on_bucket, tmp_path, monkeypatch):
    real = Blob.upload_from_file

    def lose_answer(blob: Blob, *arguments: object, **options: object) -> None:
        real(blob, *arguments, **options)
        raise PreconditionFailed("as the client is told when it sends it again")

    monkeypatch.setattr(Blob, "upload_from_file", lose_answer)
    tone = write_sound(tmp_path / "tone.mp3").read_bytes()
    assert upload(api, tone, "luna.mp3") == 201
    assert on_bucket.names() == [stored_as(ana, tone)]


def test_own_song__in_the_bucket__is_danced_to(own_database, on_bucket, moves_library, demo_song, settings):
    settings.MOVES_LIBRARY, settings.BACHATEO_CACHE = moves_library, demo_song.parent / "cache"
    ana, browser = make_user("ana"), Client()
    browser.force_login(ana)
    song = browser.post("/api/songs", {"file": SimpleUploadedFile("Mi luna.mp3", demo_song.read_bytes())}).json()
    start(ana, song=song["id"])
    work()
    task = ChoreographyTask.objects.get()
    assert (task.status, task.error) == ("completed", None)
    assert SavedChoreography.objects.get().music_info["source"] == "Mi luna.mp3"
    assert on_bucket.read(stored_as(ana, demo_song.read_bytes())) == demo_song.read_bytes()
    assert output_files() == []


# Videos of rows


def saved(user: User, stored: str) -> SavedChoreography:
    facts = {"title": "t", "difficulty": "beginner", "duration": 1}
    return SavedChoreography.objects.create(user=user, video_path=stored, **facts)


@pytest.mark.parametrize(
    ("asked", "start_at", "stop_at"),
    [("bytes=0-0", 0, 1), ("bytes=500-", 500, 3000), ("bytes=-100", 2900, 3000), ("bytes=100-9999", 100, 3000)],
)
def test_range__answers_206_with_exactly_these_bytes(api, ana, on_bucket, asked, start_at, stop_at):
    content = bytes(range(250)) * 12
    on_bucket.put(f"media/output/user_{ana.pk}/v.mp4", content)
    address = f"/api/collections/{saved(ana, f'output/user_{ana.pk}/v.mp4').pk}/video"
    answer = api.get(address, headers={"Range": asked})
    assert (answer.status_code, answer.getvalue()) == (206, content[start_at:stop_at])
    assert answer["Content-Range"] == f"bytes {start_at}-{stop_at - 1}/3000"
    beyond = api.get(address, headers={"Range": "bytes=3000-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, "bytes */3000")
    same = api.get(address, headers={"Range": asked, "If-Range": answer["ETag"]})
    assert (same.status_code, same.getvalue()) == (206, content[start_at:stop_at])


def test_untidy_paths__mean_the_object_of_that_name(api, ana, ben, on_bucket, media_root):
    mine, his = (f"output/user_{user.pk}/v.mp4" for user in (ana, ben))
    on_bucket.put(f"media/{mine}", b"mine")
    for stored in (mine, f"./{mine}", str(media_root / mine), "/srv/old/media/output/user_9/v.mp4", "v.mp4"):
        assert api.get(f"/api/collections/{saved(ana, stored).pk}/video").getvalue() == b"mine", stored
    on_bucket.put(f"media/{his}", b"his")
    on_bucket.delete(f"media/{mine}")
    on_bucket.put("songs/v.mp4", b"a song")
    for stored in (his, f"{mine}/../../user_{ben.pk}/v.mp4", "../songs/v.mp4", "songs/v.mp4", "", ".", mine):
        assert api.get(f"/api/collections/{saved(ana, stored).pk}/video").status_code == 404, stored


def test_delete__removes_the_object_when_no_other_row_names_it(
    api, ana, on_bucket, media_root, django_capture_on_commit_callbacks
):
    name = f"output/user_{ana.pk}/v.mp4"
    on_bucket.put(f"media/{name}", b"x")
    rows = [saved(ana, name), saved(ana, str(media_root / name))]
    for row, left in zip(rows, ([f"media/{name}"], []), strict=True):
        with django_capture_on_commit_callbacks(execute=True):
            assert api.delete(f"/api/collections/{row.pk}").status_code == 204
        assert on_bucket.names() == left


# Order


@pytest.fixture
def requests_of_google(monkeypatch) -> list[str]:
    made, real = [], google.cloud.storage.Client._list_resource

    def listed(client: google.cloud.storage.Client, path: str, *arguments: object, **options: object) -> object:
        made.append("list")
        return real(client, path, *arguments, **options)

    def got(handle: google.cloud.storage.Bucket, name: str, **_: object) -> object:
        made.append(f"get {name}")

    monkeypatch.setattr(google.cloud.storage.Client, "_list_resource", listed)
    monkeypatch.setattr(google.cloud.storage.Bucket, "get_blob", got)
    return made


def test_orphans__are_found_by_one_listing_of_each_folder(ana, on_bucket, media_root, requests_of_google):
    names = [f"output/user_{ana.pk}/{number}.mp4" for number in range(6)]
    for name in names:
        on_bucket.put(f"media/{name}", b"x")
    on_bucket.put("media/choreographies/2024/05/t.mp4", b"of the admin")
    for stored in (names[0], str(media_root / names[1]), "/srv/old/media/2.mp4", ""):
        saved(ana, stored)
    task = ChoreographyTask.objects.create(task_id="t", user=ana, status="completed", result={"video_path": names[3]})
    Job.objects.create(task_id="5", user=ana, request={}, created_at=task.created_at, outcome="completed")
    assert [(orphan.name, orphan.size) for orphan in orphans(min_age=timedelta())] == [(names[4], 1)]
    assert requests_of_google == ["list"] * 3  # one for each folder
    assert orphans(min_age=timedelta(hours=1)) == []


def test_sweep_files__with_apply__removes_the_object(ana, on_bucket, capsys):
    on_bucket.put(f"media/output/user_{ana.pk}/lost.mp4", b"x")
    call_command("sweep_files", "--apply", "--min-age-hours", "0")
    assert capsys.readouterr().out.splitlines()[-1] == "1 found, 1 bytes."
    assert on_bucket.names() == []


def test_ready__bucket_gone__says_so(on_bucket, settings, db):
    assert readiness.check()["media"] == "ok"
    for storage in settings.STORAGES.values():
        if "OPTIONS" in storage:
            storage["OPTIONS"]["bucket_name"] = "no-such-bucket"
    settings.STORAGES = dict(settings.STORAGES)
    assert readiness.check()["media"] == "failed; the log says why"
