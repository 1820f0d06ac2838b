"""What one user may have: waiting tasks, songs, bytes, tokens, preferences. More is refused, in plain words."""

import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client

from apps.authentication.models import User
from apps.authentication.preferences import change_preferences
from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import task_of
from apps.collections.models import SavedChoreography
from apps.collections.services import save_as_the_original
from apps.generation import queue
from apps.generation.services import cancel_generation
from apps.jobs.models import Job
from apps.quotas import limits
from apps.songs.models import OwnSong
from apps.songs.services import add_song
from apps.tokens.models import PersonalToken
from apps.tokens.services import issue_token
from config.errors import DomainError, QueueFullError, QuotaError
from tests.conftest import make_user
from tests.generating import SONG, start
from tests.media import write_sound

WISHES = {"song": SONG, "difficulty": "beginner"}
MIB = 1024 * 1024
WAITING = (
    "You have 2 waiting choreographies; at most 2 may wait. Wait until one is made, or cancel one."
)  # fmt: skip


@pytest.fixture(autouse=True)
def songs(media_root) -> None:
    (media_root / "songs").mkdir()
    (media_root / "songs" / SONG).write_bytes(b"not heard before the worker comes")


@pytest.fixture(scope="module")
def tones(tmp_path_factory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("tones")
    return [write_sound(folder / f"{hz}.mp3", frequency_hz=hz).read_bytes() for hz in (220, 330)]


def generate(client: Client, **headers: str):
    return client.post("/api/choreography/generate", WISHES, content_type="application/json", headers=headers)


def upload(client: Client, content: bytes, name: str):
    return client.post("/api/songs", {"file": SimpleUploadedFile(name, content)})


def problem_of(answer) -> tuple[int, str, int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    return answer.status_code, body["type"], body["limit"], body["detail"]


def at_once(acts: list[Callable[[], object]]) -> list[str]:
    """Do all in threads at the same moment; return how each ended."""
    together = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        try:
            together.wait()
            act()
        except DomainError as error:
            return error.code
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(run, acts))


def test_waiting__at_the_limit__the_api_answers_429_and_when_to_come_back(api, ana, settings):
    settings.USER_WAITING_LIMIT = 2
    assert [generate(api).status_code for _ in range(2)] == [202, 202]
    answer = generate(api)
    assert problem_of(answer) == (429, "urn:compas:problem:queue-full", 2, WAITING)
    assert (answer["Retry-After"], answer["RateLimit"]) == ("30", '"waiting";r=0;t=30')
    assert answer["RateLimit-Policy"] == '"waiting";q=2'
    assert ChoreographyTask.objects.count() == Job.objects.count() == 2
    queue.take_next(queue_job_id=0)
    answer = generate(api)
    assert answer.status_code == 202, "a task that is being made does not wait"
    assert (answer["RateLimit-Policy"], answer["RateLimit"]) == ('"waiting";q=2', '"waiting";r=0')


def test_waiting__at_the_limit__the_page_says_so_in_its_form(api, ana, settings):
    settings.USER_WAITING_LIMIT = 2
    [start(ana) for _ in range(2)]
    answer = api.post("/studio", WISHES)
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")
    assert f'<p class="wrong" role="alert">{WAITING}</p>' in unescape(answer.content.decode())


def test_waiting__at_the_limit__the_originals_address_answers_as_its_page_reads(api, ana, settings):
    settings.USER_WAITING_LIMIT = 2
    [start(ana) for _ in range(2)]
    answer = api.post("/create/", {"song_selection": SONG, "difficulty": "beginner"})
    assert (answer.status_code, answer["Retry-After"]) == (429, "30")
    assert answer.json() == {"error": WAITING, "limit": 2}


def test_waiting__of_others__does_not_count(api, ana, ben, settings):
    settings.USER_WAITING_LIMIT = 2
    [start(ben) for _ in range(2)]
    assert generate(api).status_code == 202


def test_waiting__beyond_a_new_limit__goes_on_and_can_be_cancelled(ana, settings):
    tasks = [start(ana) for _ in range(4)]
    settings.USER_WAITING_LIMIT = 2
    with pytest.raises(QueueFullError, match="You have more than 2 waiting choreographies; at most 2 may wait"):
        start(ana)
    assert task_of(ana, tasks[3].pk).message == "Waiting: 3 ahead of you"
    assert queue.take_next(queue_job_id=0).task_id == tasks[0].pk
    [cancel_generation(user=ana, task_id=task.pk) for task in tasks[2:]]
    start(ana)


def test_waiting__sent_again_with_its_key__is_the_task_that_is_there(api, ana, settings):
    settings.USER_WAITING_LIMIT = 1
    first = generate(api, **{"Idempotency-Key": "one"})
    again = generate(api, **{"Idempotency-Key": "one"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert generate(api, **{"Idempotency-Key": "two"}).status_code == 429


def test_waiting__two_at_once_at_the_limit__one_wins(own_database, settings):
    settings.USER_WAITING_LIMIT = 3
    user = make_user("ana")
    [start(user) for _ in range(2)]
    assert at_once([lambda: start(user)] * 4) == ["done", *["queue-full"] * 3]
    assert Job.objects.count() == 3


def test_waiting__without_the_lock__two_at_once_would_both_pass(own_database, settings, monkeypatch):
    settings.USER_WAITING_LIMIT = 1
    user = make_user("ana")
    counted = threading.Barrier(2)
    monkeypatch.setattr(limits, "one_at_a_time", lambda *_: None)
    monkeypatch.setattr(limits, "_check_bytes", lambda *_: counted.wait(60))
    assert at_once([lambda: start(user)] * 2) == ["done", "done"]


def test_songs__at_the_limit__no_more_are_kept_and_known_ones_are_found(api, ana, settings, tones):
    settings.USER_SONGS_LIMIT = 1
    assert upload(api, tones[0], "one.mp3").status_code == 201
    detail = "You have added 1 songs; one user may add 1. Delete one that you do not need."
    assert problem_of(upload(api, tones[1], "two.mp3")) == (409, "urn:compas:problem:quota-songs", 1, detail)
    assert upload(api, tones[0], "again.mp3").status_code == 200
    page = api.post("/studio/songs", {"file": SimpleUploadedFile("two.mp3", tones[1])}, headers={"HX-Request": "true"})
    assert (page.status_code, detail in unescape(page.content.decode())) == (409, True)
    assert OwnSong.objects.count() == 1


def test_songs__two_at_once_at_the_limit__one_wins(own_database, settings, tones):
    settings.USER_SONGS_LIMIT = 1
    user = make_user("ana")
    uploads = [SimpleUploadedFile(f"{number}.mp3", tone) for number, tone in enumerate(tones)]
    acts = [lambda file=file: add_song(upload=file, user=user) for file in uploads]
    assert at_once(acts) == ["done", "quota-songs"]
    assert OwnSong.objects.count() == 1


SAVE = {"title": "Noche", "difficulty": "beginner", "video_path": "x.mp4", "duration": "1"}
FULL = "Your collection has 1 choreographies; one user may keep 1. Delete one that you do not need."


def test_collection__at_the_limit__nothing_more_is_kept_until_one_is_deleted(api, ana, settings):
    settings.USER_CHOREOGRAPHIES_LIMIT = 1
    first = api.post("/collections/save/", SAVE)
    assert first.status_code == 200
    answer = api.post("/collections/save/", SAVE)
    assert (answer.status_code, answer.json()) == (409, {"success": False, "errors": {"__all__": [FULL]}})
    ChoreographyTask.objects.create(task_id="t", user=ana, status="completed", result={"video_path": "t.mp4"})
    kept = api.post("/api/collections", {"task_id": "t"}, content_type="application/json")
    assert problem_of(kept) == (409, "urn:compas:problem:quota-choreographies", 1, FULL)
    page = api.post("/studio/t/keep")
    assert (page.status_code, FULL in unescape(page.content.decode())) == (409, True)
    assert api.delete(f"/api/collections/{first.json()['choreography_id']}").status_code == 204
    assert api.post("/api/collections", {"task_id": "t"}, content_type="application/json").status_code == 201
    assert api.post("/api/collections", {"task_id": "t"}, content_type="application/json").status_code == 200


def test_collection__two_at_once_at_the_limit__one_wins(own_database, settings):
    settings.USER_CHOREOGRAPHIES_LIMIT = 1
    user = make_user("ana")
    row = {"title": "Noche", "difficulty": "beginner", "video_path": "x.mp4", "duration": 1}
    assert at_once([lambda: save_as_the_original(user=user, **row)] * 2) == ["done", "quota-choreographies"]


def test_collection__full_when_a_video_is_made__it_is_made_and_not_saved(
    own_database, settings, media_root, moves_library, demo_song
):
    settings.MOVES_LIBRARY, settings.USER_CHOREOGRAPHIES_LIMIT = moves_library, 0
    settings.BACHATEO_CACHE = demo_song.parent / "cache"
    shutil.copy(demo_song, media_root / "songs" / SONG)
    task = start(make_user("ana"))
    call_command("procrastinate", "worker", "--one-shot")
    row = ChoreographyTask.objects.get(pk=task.pk)
    assert (row.status, row.message) == ("completed", "Choreography generated successfully!")
    assert (row.result["auto_saved"], SavedChoreography.objects.count()) == (False, 0)


def test_collection__description_too_large__is_refused(api):
    answer = api.post("/collections/save/", SAVE | {"music_info": json.dumps({"a": "x" * 70_000})})
    assert (answer.status_code, "at most 65536" in answer.json()["errors"]["music_info"][0]) == (400, True)


def store(user: User, size: int) -> Path:
    """Put a video where either system puts it."""
    folder = Path(str(limits.media().location), "output", f"user_{user.pk}")
    folder.mkdir(parents=True)
    video = folder / "long.mp4"
    with video.open("wb") as file:
        file.truncate(size)
    return video


def test_bytes__no_room_for_a_video__is_refused_until_one_is_deleted(api, ana, settings):
    settings.USER_STORED_MB = 100
    video = store(ana, 40 * MIB)
    detail = (
        "A new video needs up to 64 MB. Your songs and videos have 40 MB, those in the making included; one user may"
        " have 100 MB. Delete songs or choreographies that you do not need."
    )
    assert problem_of(generate(api)) == (409, "urn:compas:problem:quota-storage", 100 * MIB, detail)
    page = api.post("/studio", WISHES)
    assert (page.status_code, detail in unescape(page.content.decode())) == (409, True)
    video.unlink()
    assert generate(api).status_code == 202


def test_bytes__videos_that_are_not_made_yet__have_their_room(ana, ben, settings):
    settings.USER_STORED_MB = 2 * 64
    [start(ana) for _ in range(2)]
    queue.take_next(queue_job_id=0)
    with pytest.raises(QuotaError, match="have 128 MB, those in the making included"):
        start(ana)
    start(ben)


def test_bytes__no_room_for_a_song__is_refused(api, ana, settings, tones):
    settings.USER_STORED_MB = 40
    store(ana, 40 * MIB - len(tones[0]) + 1)
    answer = upload(api, tones[0], "one.mp3")
    assert problem_of(answer)[:3] == (409, "urn:compas:problem:quota-storage", 40 * MIB)
    assert answer.json()["detail"].startswith("This song needs up to 1 MB. Your songs and videos have 40 MB")
    assert not OwnSong.objects.exists()


def test_bytes__two_at_once_with_room_for_one__one_wins(own_database, settings):
    settings.USER_STORED_MB = 2 * 64 - 1
    user = make_user("ana")
    assert at_once([lambda: start(user)] * 2) == ["done", "quota-storage"]


def test_tokens__at_the_limit__none_is_issued_until_one_is_revoked(api, ana, settings):
    settings.USER_TOKENS_LIMIT = 1
    wanted = {"name": "my script", "scopes": ["read"]}
    first = api.post("/api/auth/tokens", wanted, content_type="application/json").json()
    answer = api.post("/api/auth/tokens", wanted, content_type="application/json")
    detail = (
        "You have 1 tokens, expired ones included; one user may have 1. Revoke one that you do not need."
    )  # fmt: skip
    assert problem_of(answer) == (409, "urn:compas:problem:quota-tokens", 1, detail)
    assert api.delete(f"/api/auth/tokens/{first['id']}").status_code == 204
    assert api.post("/api/auth/tokens", wanted, content_type="application/json").status_code == 201


def test_tokens__two_at_once_at_the_limit__one_wins(own_database, settings):
    settings.USER_TOKENS_LIMIT = 2
    user = make_user("ana")
    issue_token(user=user, name="a", scopes=["read"])
    acts = [lambda: issue_token(user=user, name="b", scopes=["read"])] * 3
    assert at_once(acts) == ["done", "quota-tokens", "quota-tokens"]
    assert PersonalToken.objects.count() == 2


def test_preferences__change_by_change__do_not_grow_beyond_the_limit(api, ana, settings):
    settings.USER_PREFERENCES_KB = 20
    address = "/api/auth/me/preferences"
    long = "x" * 12_000
    assert api.patch(address, {"a": long}, content_type="application/json").status_code == 200
    answer = api.patch(address, {"b": long}, content_type="application/json")
    detail = (
        "With this your preferences would be too large; they may have 20 KiB in all. Remove keys that you do not need:"
        " null removes one."
    )
    assert problem_of(answer) == (409, "urn:compas:problem:quota-preferences", 20 * 1024, detail)
    assert api.patch(address, {"a": None, "b": long}, content_type="application/json").status_code == 200
    ana.refresh_from_db()
    assert ana.preferences == {"b": long}


def test_preferences__too_large_already__may_shrink_and_are_read(ana, settings):
    User.objects.update(preferences={"a": "x" * 3000, "b": "x" * 3000})
    settings.USER_PREFERENCES_KB = 1
    with pytest.raises(QuotaError):
        change_preferences(user=ana, patch={"c": "x"})
    assert set(change_preferences(user=ana, patch={"b": None})) == {"a", "auto_save_choreographies"}


def test_preferences__two_at_once_with_room_for_one__one_wins(own_database, settings):
    settings.USER_PREFERENCES_KB = 20
    user = make_user("ana")
    acts = [lambda key=key: change_preferences(user=User(pk=user.pk), patch={key: "x" * 12_000}) for key in "abc"]
    assert at_once(acts) == ["done", "quota-preferences", "quota-preferences"]
