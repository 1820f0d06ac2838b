"""A file has one recorded owner. A row of another user neither serves nor deletes it, however it names the file."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.generation.orphans import orphans
from apps.media.models import FileOwner
from apps.media.owners import Claim, owners_of, record, record_made
from apps.media.storage import media
from config.clock import database_now
from tests.conftest import make_user, wait_until_sessions_wait

UPLOAD = "choreographies/2023/05/boda.mp4"
PICTURE = "thumbnails/2023/05/boda.jpg"
CONTENT = b"moving pictures"


@pytest.fixture(params=["directory", "gcs"])
def storage(request, media_root: Path) -> None:
    """Both kinds, one after the other."""
    if request.param == "gcs":
        request.getfixturevalue("on_bucket")


@pytest.fixture
def thief(ben) -> Client:
    """Ben's browser."""
    client = Client()
    client.force_login(ben)
    return client


@pytest.fixture
def on_commit(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def put(name: str) -> str:
    assert default_storage.save(name, ContentFile(CONTENT)) == name
    return name


def save(user: User, name: str, *, age: timedelta = timedelta(), thumbnail: str = "") -> SavedChoreography:
    """Save a row as both systems do, at a moment of the past if wanted."""
    facts = {"title": "t", "difficulty": "beginner", "duration": 1}
    row = SavedChoreography.objects.create(user=user, video_path=name, thumbnail_path=thumbnail, **facts)
    SavedChoreography.objects.filter(pk=row.pk).update(created_at=Now() - age)
    return row


def save_over_http(client: Client, name: str) -> SavedChoreography:
    """Save a row at the address that both systems have, with the path that the client chose."""
    form = {"title": "t", "difficulty": "beginner", "video_path": name, "duration": "1"}
    answer = client.post("/collections/save/", form)
    assert answer.status_code == 200, answer.content
    return SavedChoreography.objects.get(pk=answer.json()["choreography_id"])


def plays(client: Client, row: SavedChoreography) -> bool:
    answer = client.get(f"/api/collections/{row.pk}/video")
    served = answer.getvalue() == CONTENT
    assert answer.status_code == (200 if served else 404)
    return served


def delete(client: Client, row: SavedChoreography, on_commit) -> None:
    with on_commit():
        assert client.delete(f"/api/collections/{row.pk}").status_code == 204


def spellings(name: str, root: Path) -> list[str]:
    """Return names that mean the file, and names that only look as if they did."""
    folder, _, base = name.rpartition("/")
    plain = [name, f"./{name}", f"/{name}", str(root / name), f"{root}//{name}", f"{name}/", f"{name}/.", f"{name}."]
    dotted = [f"{folder}//{base}", f"{folder}/./{base}", f"{folder}/x/../{base}", f"../{root.name}/{name}"]
    odd = [name.upper(), quote(name, safe=""), f"{name}%00", f"{name} ", f" {name}", name.replace("/", "\\")]
    wide = [name.replace("/", "\uff0f"), name.replace("o", "o\u0301"), f"file://{root}/{name}", f"{name}?x#y"]
    return plain + dotted + odd + wide


# The attack


def test_row_that_names_anothers_file__neither_serves_nor_deletes_it(storage, api, thief, ana, on_commit, media_root):
    hers = save(ana, put(UPLOAD))
    for name in spellings(UPLOAD, media_root):
        his = save_over_http(thief, name)
        assert not plays(thief, his), name
        delete(thief, his, on_commit)
        assert default_storage.exists(UPLOAD), name
    assert plays(api, hers)
    delete(api, hers, on_commit)
    assert not default_storage.exists(UPLOAD)


def test_pages__show_the_video_to_its_owner_only(api, thief, ana, ben, media_root):
    put(UPLOAD)
    for client, row, times in ((api, save(ana, UPLOAD), 1), (thief, save(ben, UPLOAD), 0)):
        for page, shown in (("/collection", b'class="drawn"'), (f"/collection/{row.pk}", b"<video")):
            content = client.get(page).content
            assert content.count(shown) == times, page


def test_row_of_a_thief__after_the_owners_row_is_gone__gets_nothing(storage, thief, ana, on_commit):
    hers, his = save(ana, put(UPLOAD)), save_over_http(thief, UPLOAD)
    assert not plays(thief, his)
    hers.delete()  # as the original, which leaves uploads where they are
    assert not plays(thief, his)
    again = save_over_http(thief, UPLOAD)
    delete(thief, again, on_commit)
    assert (plays(thief, his), default_storage.exists(UPLOAD)) == (False, True)


def test_row_of_a_thief__after_the_owners_account_is_gone__gets_nothing(api, thief, ana, media_root, on_commit):
    row, his = save(ana, put(UPLOAD)), save_over_http(thief, UPLOAD)
    assert plays(api, row)
    ana.delete()
    assert not plays(thief, his)
    delete(thief, his, on_commit)
    assert (default_storage.exists(UPLOAD), FileOwner.objects.get().user_id) == (True, None)


def test_thumbnail__is_named_as_a_video_is(storage, api, thief, ana, ben, on_commit):
    hers = save(ana, put(UPLOAD), thumbnail=put(PICTURE))
    his = save(ben, PICTURE, thumbnail=UPLOAD)
    assert not plays(thief, his)
    delete(thief, his, on_commit)
    assert (default_storage.exists(UPLOAD), default_storage.exists(PICTURE)) == (True, True)
    delete(api, hers, on_commit)
    assert (default_storage.exists(UPLOAD), default_storage.exists(PICTURE)) == (False, False)


def test_thumbnail__that_another_row_of_the_owner_names__stays(api, ana, media_root, on_commit):
    hers = save(ana, put(UPLOAD), thumbnail=put(PICTURE))
    save(ana, PICTURE, thumbnail=f"./{UPLOAD}")
    delete(api, hers, on_commit)
    assert (default_storage.exists(UPLOAD), default_storage.exists(PICTURE)) == (True, True)


def test_result_of_a_task__names_its_file(api, thief, ana, ben, media_root):
    task = ChoreographyTask.objects.create(
        task_id="t", user=ana, status="completed", result={"video_path": put(UPLOAD)}
    )
    his = save_over_http(thief, UPLOAD)
    assert not plays(thief, his)
    assert api.get("/api/choreography/tasks/t/video").getvalue() == CONTENT
    task.delete()
    assert not plays(thief, his)


def test_task_that_names_anothers_file__does_not_serve_it(thief, ana, ben, media_root):
    save(ana, put(UPLOAD), age=timedelta(hours=1))
    ChoreographyTask.objects.create(task_id="t", user=ben, status="completed", result={"video_path": UPLOAD})
    assert thief.get("/api/choreography/tasks/t/video").status_code == 404
    assert b"<video" not in thief.get("/studio/t").content


def test_folder_of_a_user__belongs_to_its_maker_whoever_names_its_files_first(api, thief, ana, ben, media_root):
    """The original gives its videos names that can be guessed."""
    name = f"output/user_{ana.pk}/luna_balanced_choreography.mp4"
    his = save(ben, name, age=timedelta(days=9))
    hers = save(ana, put(name))
    assert (plays(thief, his), plays(api, hers)) == (False, True)
    assert thief.get("/video/luna_balanced_choreography.mp4/").status_code == 404
    assert api.get("/video/luna_balanced_choreography.mp4/").getvalue() == CONTENT
    assert FileOwner.objects.values_list("name", "user_id", "how").get() == (name, ana.pk, "made")


@pytest.mark.parametrize(
    "folder", ["output/user_{:09}", "output/user_+{}", "output/user_{}x", "output", "output/user_{}"]
)
def test_folder_of_a_user__only_the_exact_one_counts(api, ana, media_root, folder):
    name = put(f"{folder.format(ana.pk)}/deep/v.mp4")
    assert plays(api, save(ana, name)) is (folder == "output/user_{}")


def test_songs_and_moves__belong_to_no_user(api, ana, media_root, on_commit):
    for name in ("songs/luna.mp3", "Bachata_steps/turns/t.mp4", "output/.drafts/t.1/video.mp4", "boda.mp4"):
        row = save(ana, put(name), thumbnail=name)
        assert not plays(api, row), name
        delete(api, row, on_commit)
        assert default_storage.exists(name)
    assert not FileOwner.objects.exists()


# Who was first


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_first__is_the_oldest_row_by_the_times_in_the_database(api, thief, ana, ben, media_root, order):
    eva, others = make_user("eva"), {}
    for hours in order:  # written in any order
        user = (eva, ben, ana)[hours]
        others[user.pk] = save(user, UPLOAD, age=timedelta(hours=hours))
    put(UPLOAD)
    assert (plays(thief, others[ben.pk]), plays(api, others[ana.pk])) == (False, True)
    assert FileOwner.objects.values_list("user_id", "how").get() == (ana.pk, "named")


def test_first__rows_of_the_same_moment__have_the_same_winner_for_everyone(ana, ben, media_root):
    rows = [save(ben, UPLOAD), save(ana, UPLOAD)]
    SavedChoreography.objects.update(created_at=rows[0].created_at)
    put(UPLOAD)
    assert owners_of([media().find(UPLOAD)]) == {UPLOAD: min(ana.pk, ben.pk)}


def test_first__row_written_days_after_the_file__found_the_name_somewhere(thief, api, ana, ben, media_root):
    """Its owner's row may have been deleted before the backend ever saw it."""
    put(UPLOAD)
    old = time.time() - 2 * 86_400
    os.utime(media_root / UPLOAD, (old, old))
    his = save_over_http(thief, UPLOAD)
    assert not plays(thief, his)
    assert FileOwner.objects.values_list("user_id", "how").get() == (None, "unclaimed")
    call_command("give_file", UPLOAD, "ben", "--apply")
    assert plays(thief, his)


def test_first__file_that_was_copied_later__still_belongs_to_its_old_row(api, ana, media_root):
    assert plays(api, save(ana, put(UPLOAD), age=timedelta(days=900)))


def test_record__stands(ana, ben, media_root):
    save(ana, put(UPLOAD))
    record({UPLOAD: Claim(ben.pk, "named")})
    record({UPLOAD: Claim(ana.pk, "named")})
    assert owners_of([media().find(UPLOAD)]) == {UPLOAD: ben.pk}


# At once


def test_settle__many_at_once_in_any_order__agree(own_database, media_root):
    users = [make_user(name) for name in ("ana", "ben", "eva")]
    names = [f"choreographies/2023/05/{number}.mp4" for number in range(6)]
    for number, name in enumerate(names):
        save(users[number % 3], name)
        save(users[(number + 1) % 3], name)
        put(name)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(settle_and_close, [names[turn:] + names[:turn] for turn in range(6)]))
    assert answers == [{name: users[number % 3].pk for number, name in enumerate(names)}] * 6
    assert FileOwner.objects.count() == 6


def settle_and_close(names: list[str]) -> dict[str, int]:
    try:
        return owners_of([media().find(name) for name in names])
    finally:
        connection.close()


def test_settle__while_another_session_records__takes_its_answer(own_database, media_root):
    ana, ben = make_user("ana"), make_user("ben")
    save(ana, put(UPLOAD))

    with closing(psycopg.connect(own_database.url("backend_app"))) as other, ThreadPoolExecutor(1) as pool:
        other.execute("INSERT INTO file_owners (name, user_id, how) VALUES (%s, %s, 'named')", [UPLOAD, ben.pk])
        answer = pool.submit(settle_and_close, [UPLOAD])
        wait_until_sessions_wait(own_database)
        other.commit()
        assert answer.result() == {UPLOAD: ben.pk}


def test_settle__while_the_owner_is_being_deleted__leaves_the_file_to_no_user(own_database, media_root):
    ana = make_user("ana")
    save(ana, put(UPLOAD))

    with closing(psycopg.connect(own_database.url("original_app"))) as other, ThreadPoolExecutor(1) as pool:
        other.execute("DELETE FROM saved_choreographies WHERE user_id = %s", [ana.pk])
        other.execute("DELETE FROM users WHERE id = %s", [ana.pk])
        answer = pool.submit(settle_and_close, [UPLOAD])
        wait_until_sessions_wait(own_database)
        other.commit()
        assert answer.result() == {}
    assert FileOwner.objects.values_list("user_id", "how").get() == (None, "unclaimed")


# Cost


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    return len(queries)


def test_collection__costs_the_same_queries_for_one_file_and_for_twelve(api, ana, ben, media_root):
    def fill(start: int, stop: int) -> None:
        for number in range(start, stop):
            save(ana, put(f"choreographies/2023/05/{number}.mp4"), thumbnail=put(f"thumbnails/2023/05/{number}.jpg"))
            save(ben, f"choreographies/2023/05/{number}.mp4")

    api.get("/collection")  # the first request of a session writes it
    fill(0, 1)
    first, settled = queries_of(api, "/collection"), queries_of(api, "/collection")
    fill(1, 12)
    assert (queries_of(api, "/collection"), queries_of(api, "/collection")) == (first, settled)
    # The first picture is in sight, so it does not wait.
    assert (first - settled, api.get("/collection").content.count(b'loading="lazy"')) == (3, 11)


def test_delete__costs_the_same_queries_however_many_rows_name_the_file(api, ana, ben, media_root):
    api.get("/collection")  # the first request of a session writes it
    costs = []
    for others in (0, 20):
        row = save(ana, put(f"choreographies/2023/05/{others}.mp4"))
        for _ in range(others):
            save(ben, row.video_path.name)
        with CaptureQueriesContext(connection) as queries:
            api.delete(f"/api/collections/{row.pk}")
        costs.append(len(queries))
    assert costs[0] == costs[1]


# The clean-up


@pytest.fixture
def uploads(ana, ben, media_root) -> None:
    """Uploads with and without a row, all of them old."""
    eva = make_user("eva")
    for number, name in enumerate(["kept", "forgotten", "left", "unclaimed", "unnamed"]):
        save(eva if name == "left" else ana, put(f"choreographies/2023/05/{name}.mp4"))
        then = time.time() - (number + 2) * 86_400
        os.utime(media_root / f"choreographies/2023/05/{name}.mp4", (then, then))
    SavedChoreography.objects.filter(video_path__contains="/un").delete()
    SavedChoreography.objects.update(created_at=database_now() - timedelta(days=30))
    call_command("settle_files", "--apply")
    for name in ("left", "unclaimed"):
        save(ben, f"choreographies/2023/05/{name}.mp4")
    owners_of([media().find("choreographies/2023/05/unclaimed.mp4")])
    SavedChoreography.objects.filter(video_path__contains="/forgotten").delete()
    SavedChoreography.objects.filter(video_path__contains="/unclaimed").delete()
    eva.delete()


def test_sweep_files__removes_what_its_owner_left_and_never_a_file_that_only_strangers_named(uploads, capsys):
    capsys.readouterr()
    call_command("sweep_files", "--apply")
    *lines, total = capsys.readouterr().out.splitlines()
    assert sorted(line.split("  ")[1:4:2] for line in lines) == [
        ["choreographies/2023/05/forgotten.mp4", "no row and no job names it"],
        ["choreographies/2023/05/left.mp4", "its owner's account is gone"],
    ]
    assert total == "2 found, 30 bytes."
    assert sorted(default_storage.listdir("choreographies/2023/05")[1]) == ["kept.mp4", "unclaimed.mp4", "unnamed.mp4"]


def test_sweep_files__video_of_a_deleted_user__goes_although_a_stranger_names_it(ana, ben, media_root):
    name = put(f"output/user_{ana.pk}/v.mp4")
    record_made(name, user_id=ana.pk)
    save(ben, name)
    assert orphans(min_age=timedelta()) == []
    ana.delete()
    assert [(orphan.name, orphan.reason) for orphan in orphans(min_age=timedelta())] == [
        (name, "its owner's account is gone")
    ]


def test_admin__deletes_rows_and_no_file(ana, ben, media_root, on_commit):
    staff = Client()
    staff.force_login(make_user("eva", is_staff=True, is_superuser=True))
    rows = [save(ana, put(UPLOAD)), save(ben, UPLOAD)]
    form = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
    with on_commit():
        assert staff.post("/admin/choreography/savedchoreography/", form).status_code == 302
    assert (SavedChoreography.objects.exists(), default_storage.exists(UPLOAD)) == (False, True)


# The commands


def test_settle_files__shows_contested_files_and_writes_only_when_asked(storage, ana, ben, media_root, capsys):
    save(ben, put(UPLOAD))
    save(ana, f"./{UPLOAD}", age=timedelta(hours=1))
    save(ana, put(PICTURE))
    save(ben, "choreographies/gone.mp4", thumbnail=put(f"output/user_{ben.pk}/x.mp4"))
    contested = f"contested  {UPLOAD}  is user {ana.pk}'s; rows of these users name it too: {ben.pk}"
    counted = "2 files are named, 1 of them by several users. "
    call_command("settle_files")
    assert capsys.readouterr().out.splitlines() == [
        contested,
        f"{counted}2 records were missing; write them with --apply.",
    ]
    assert not FileOwner.objects.exists()
    call_command("settle_files", "--apply")
    assert capsys.readouterr().out.splitlines() == [contested, f"{counted}2 records were written."]
    call_command("settle_files")
    assert capsys.readouterr().out.splitlines() == [contested, f"{counted}Each has a record."]
    assert set(FileOwner.objects.values_list("name", "user_id")) == {(UPLOAD, ana.pk), (PICTURE, ana.pk)}


def test_settle_files__before_the_owners_row_is_deleted_elsewhere__keeps_the_file_his(thief, ana, media_root):
    hers = save(ana, put(UPLOAD))
    call_command("settle_files", "--apply")
    hers.delete()
    assert not plays(thief, save_over_http(thief, UPLOAD))


def test_give_file__shows_and_then_does_it(thief, ana, ben, media_root, capsys):
    save(ana, put(UPLOAD))
    his = save_over_http(thief, UPLOAD)
    assert not plays(thief, his)
    call_command("give_file", f"./{UPLOAD}", "ben")
    before = f"{UPLOAD}: its owner was user {ana.pk}; user {ben.pk} (ben)"
    assert capsys.readouterr().out == f"{before} would become its owner.\n"
    assert not plays(thief, his)
    call_command("give_file", UPLOAD, "ben", "--apply")
    assert capsys.readouterr().out == f"{before} is now its owner.\n"
    assert plays(thief, his)


@pytest.mark.parametrize(
    ("name", "username", "refusal"),
    [
        ("gone.mp4", "ana", "There is no file 'gone.mp4' in the media storage. Give its path below the media root."),
        (UPLOAD, "nobody", "There is no user 'nobody'. Give a username, not an e-mail address."),
    ],
)
def test_give_file__what_there_is_not__is_named(ana, media_root, name, username, refusal):
    put(UPLOAD)
    with pytest.raises(CommandError) as raised:
        call_command("give_file", name, username, "--apply")
    assert str(raised.value) == refusal
