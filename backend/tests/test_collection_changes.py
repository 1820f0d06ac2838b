"""Find, change, count and delete saved choreographies."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.test import Client

from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.collections.services import change_choreography, delete_choreography
from config.errors import NotFoundError
from tests.conftest import make_user
from tests.test_collections import UNTIDY, make_choreography


def patch(client: Client, row: SavedChoreography, **body: object):
    return client.patch(f"/api/collections/{row.pk}", body, content_type="application/json")


def put_video(media_root: Path, name: str) -> Path:
    path = media_root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"moving pictures")
    return path


@pytest.fixture
def on_commit(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


# Change


@pytest.mark.parametrize(
    "change", [{"title": "Otra"}, {"difficulty": "advanced"}, {"title": "x", "difficulty": "beginner"}]
)
def test_change__writes_what_is_given_and_nothing_else(api, ana, change):
    saved = make_choreography(ana, music_info={"a": 1})
    before = SavedChoreography.objects.values().get()
    answer = patch(api, saved, **change)
    assert (answer.status_code, answer.json()) == (200, api.get(f"/api/collections/{saved.pk}").json())
    assert SavedChoreography.objects.values().get() == before | change


def test_change__of_what_is_not_to_be_changed__is_refused_by_name(api, ana):
    saved = make_choreography(ana)
    refused = patch(api, saved, video_path="/etc/passwd", duration=1)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["duration", "video_path"])
    assert patch(api, saved).json()["duration"] == 30.0
    assert SavedChoreography.objects.get().video_path.name == "output/user_1/n.mp4"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"title": None}, "title"),
        ({"difficulty": "expert"}, "difficulty"),
    ],
)
def test_change__what_is_wrong__is_named(api, ana, change, field):
    answer = patch(api, make_choreography(ana), **change)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_change__of_another_user__is_404_and_changes_nothing(api, ben):
    his = make_choreography(ben)
    assert patch(api, his, title="Mine").status_code == 404
    assert SavedChoreography.objects.get().title == "Noche"


@pytest.mark.parametrize(("columns", "_shown"), UNTIDY)
def test_change__untidy_row__keeps_what_it_is(api, ana, columns, _shown):
    saved = make_choreography(ana, **columns)
    before = str(SavedChoreography.objects.values().get())
    patch(api, saved, title="New title")
    patch(api, saved, difficulty="advanced")
    SavedChoreography.objects.update(title=saved.title, difficulty=saved.difficulty)
    assert str(SavedChoreography.objects.values().get()) == before


def test_change__two_at_once_of_different_fields__both_survive(own_database):
    user = make_user("ana")
    rows = [make_choreography(user) for _ in range(10)]
    start = threading.Barrier(2)

    def change(field: str) -> None:
        try:
            for row in rows:
                start.wait()
                change_choreography(user=user, choreography_id=row.pk, **{field: "advanced"})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(change, ["title", "difficulty"]))
    assert set(SavedChoreography.objects.values_list("title", "difficulty")) == {("advanced", "advanced")}


def test_change__read_then_saved__would_lose_the_other_change(own_database):
    user = make_user("ana")
    stale = make_choreography(user)
    change_choreography(user=user, choreography_id=stale.pk, title="New title")
    stale.difficulty = "advanced"
    stale.save()
    assert SavedChoreography.objects.get().title == "Noche"


# Delete


def test_delete__takes_the_row_and_after_the_commit_the_file(api, ana, media_root, on_commit):
    video = put_video(media_root, f"output/user_{ana.pk}/v.mp4")
    other = put_video(media_root, f"output/user_{ana.pk}/w.mp4")
    saved = make_choreography(ana, video_path=f"output/user_{ana.pk}/v.mp4")
    with on_commit():
        assert api.delete(f"/api/collections/{saved.pk}").status_code == 204
        assert video.exists()
    assert (video.exists(), other.exists()) == (False, True)
    assert api.delete(f"/api/collections/{saved.pk}").status_code == 404


def test_delete__rolled_back__keeps_row_and_file(own_database, media_root):
    user = make_user("ana")
    name = f"output/user_{user.pk}/v.mp4"
    video, saved = put_video(media_root, name), make_choreography(user, video_path=name)
    with connection.cursor() as cursor:  # the commit itself fails
        cursor.execute("CREATE FUNCTION backend.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no'; END$$")
    with psycopg.connect(own_database.url("owner")) as session:
        session.execute(
            "CREATE CONSTRAINT TRIGGER refuse AFTER DELETE ON public.saved_choreographies DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION backend.refuse()"
        )
    with pytest.raises(Exception, match="no"):
        delete_choreography(user=user, choreography_id=saved.pk)
    assert (SavedChoreography.objects.count(), video.exists()) == (1, True)


def other_names(root: Path, name: str) -> list[str]:
    folder, _, base = name.rpartition("/")
    return [name, str(root / name), f"{folder}/../{folder.rpartition('/')[2]}/{base}", f"/old/machine/{base}"]


@pytest.mark.parametrize("how", [0, 1, 2, 3])
def test_delete__another_row_of_the_owner_names_the_file_in_any_way__keeps_it(api, ana, media_root, on_commit, how):
    name = f"output/user_{ana.pk}/v.mp4"
    video, saved = put_video(media_root, name), make_choreography(ana, video_path=name)
    other = make_choreography(ana, video_path=other_names(media_root, name)[how])
    with on_commit():
        api.delete(f"/api/collections/{saved.pk}")
    assert video.exists()
    with on_commit():
        api.delete(f"/api/collections/{other.pk}")
    assert not video.exists()


@pytest.mark.parametrize("how", [0, 1, 2])
def test_delete__row_of_another_user_names_the_file__does_not_keep_it(api, ana, ben, media_root, on_commit, how):
    name = f"output/user_{ana.pk}/v.mp4"
    video, saved = put_video(media_root, name), make_choreography(ana, video_path=name)
    make_choreography(ben, video_path=other_names(media_root, name)[how])
    with on_commit():
        api.delete(f"/api/collections/{saved.pk}")
    assert not video.exists()


def test_delete__another_file_of_that_name__does_not_keep_mine(api, ana, media_root, on_commit):
    mine, upper = put_video(media_root, f"output/user_{ana.pk}/v.mp4"), put_video(media_root, "choreographies/v.mp4")
    saved = make_choreography(ana, video_path=f"output/user_{ana.pk}/v.mp4")
    make_choreography(ana, video_path="choreographies/v.mp4")
    with on_commit():
        api.delete(f"/api/collections/{saved.pk}")
    assert (mine.exists(), upper.exists()) == (False, True)


@pytest.mark.parametrize(("task_id", "stays"), [("its own", False), ("another", True)])
def test_delete__task_that_names_the_file__counts_unless_it_made_it(api, ana, media_root, on_commit, task_id, stays):
    name = f"output/user_{ana.pk}/v.mp4"
    video = put_video(media_root, name)
    saved = make_choreography(ana, video_path=name, generation_parameters={"task_id": "its own"})
    ChoreographyTask.objects.create(task_id=task_id, user=ana, status="completed", result={"video_path": name})
    ChoreographyTask.objects.create(task_id="odd", user=ana, result=["v.mp4"])
    with on_commit():
        api.delete(f"/api/collections/{saved.pk}")
    assert video.exists() is stays


def test_delete__file_that_is_not_the_users__is_left_alone(api, ana, ben, media_root, on_commit):
    outside = media_root.parent / "secret.mp4"
    outside.write_bytes(b"secret")
    names = [
        "songs/mi_cielo.mp3",
        f"output/user_{ben.pk}/his.mp4",
        f"output/user_{ana.pk}0/x.mp4",
        "Bachata_steps/x.mp4",
    ]
    files = [put_video(media_root, name) for name in names]
    (media_root / "output" / f"user_{ana.pk}").mkdir()
    (media_root / "output" / f"user_{ana.pk}" / "link.mp4").symlink_to(outside)
    names += [str(outside), "../secret.mp4", f"output/user_{ana.pk}/link.mp4", "", "gone.mp4", "x" * 400]
    for name in names:
        saved = make_choreography(ana, video_path=name)
        with on_commit():
            assert api.delete(f"/api/collections/{saved.pk}").status_code == 204, name
    assert all(file.exists() for file in [*files, outside])
    assert not SavedChoreography.objects.exists()


def test_delete__file_that_cannot_be_removed__is_logged_and_the_row_is_gone(
    own_database, media_root, monkeypatch, caplog
):
    user = make_user("ana")
    name = f"output/user_{user.pk}/v.mp4"
    put_video(media_root, name)
    saved = make_choreography(user, video_path=name)

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr(Path, "unlink", refuse)
    delete_choreography(user=user, choreography_id=saved.pk)
    assert not SavedChoreography.objects.exists()
    assert "read-only file system" in caplog.text


def test_delete__of_another_user__is_404_and_stays(api, ben, media_root, on_commit):
    name = f"output/user_{ben.pk}/v.mp4"
    video, his = put_video(media_root, name), make_choreography(ben, video_path=name)
    with on_commit():
        assert api.delete(f"/api/collections/{his.pk}").status_code == 404
    assert (SavedChoreography.objects.count(), video.exists()) == (1, True)


def test_delete__twice_at_once__one_of_them_finds_it(own_database, media_root):
    user = make_user("ana")
    saved = make_choreography(user)

    def delete(_: int) -> bool:
        try:
            delete_choreography(user=user, choreography_id=saved.pk)
        except NotFoundError:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(delete, range(4))) == 1


# Count


def test_stats__of_nothing__are_zeros(api, ben):
    make_choreography(ben)
    assert api.get("/api/collections/stats").json() == {
        "total_count": 0,
        "total_duration": 0.0,
        "avg_duration": 0.0,
        "beginner_count": 0,
        "intermediate_count": 0,
        "advanced_count": 0,
    }


def test_stats__untidy_rows__count_but_their_lengths_do_not(api, ana):
    for duration in (30.0, 60.0, float("nan"), float("inf"), -5.0):
        make_choreography(ana, duration=duration)
    make_choreography(ana, difficulty="advanced", duration=0.0)
    make_choreography(ana, difficulty="expert", duration=30.0)
    assert api.get("/api/collections/stats").json() == {
        "total_count": 7,
        "total_duration": 120.0,
        "avg_duration": 30.0,
        "beginner_count": 5,
        "intermediate_count": 0,
        "advanced_count": 1,
    }


# Find


def titles(client: Client, **asked: str) -> list[str]:
    return [row["title"] for row in client.get("/api/collections", asked).json()["results"]]


@pytest.fixture
def some(ana, ben) -> None:
    make_choreography(
        ana, title="Noche 100%", difficulty="beginner", duration=30, music_info={"source": "Mi_Cielo.mp3"}
    )
    make_choreography(ana, title="mañana", difficulty="advanced", duration=10, music_info=["cielo", None])
    make_choreography(ana, title="Tarde", difficulty="advanced", duration=20, music_info=None)
    make_choreography(ben, title="His noche", difficulty="advanced")


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Tarde", "mañana", "Noche 100%"]),
        ({"difficulty": "", "search": ""}, ["Tarde", "mañana", "Noche 100%"]),
        ({"difficulty": "advanced"}, ["Tarde", "mañana"]),
        ({"search": "NOCHE"}, ["Noche 100%"]),
        ({"search": "cielo"}, ["mañana", "Noche 100%"]),
        ({"search": "cielo", "difficulty": "advanced"}, ["mañana"]),
        ({"search": "0%"}, ["Noche 100%"]),
        ({"search": "_"}, ["Noche 100%"]),
        ({"search": "'; --"}, []),
        ({"sort": "oldest"}, ["Noche 100%", "mañana", "Tarde"]),
        ({"sort": "title"}, ["Noche 100%", "Tarde", "mañana"]),
        ({"sort": "duration"}, ["Noche 100%", "Tarde", "mañana"]),
    ],
)
def test_find__by_level_words_and_order(api, some, asked, found):
    assert titles(api, **asked) == found


@pytest.mark.parametrize("asked", [{"difficulty": "expert"}, {"sort": "id"}, {"search": "a\0"}])
def test_find__what_there_is_not__is_named(api, some, asked):
    answer = api.get("/api/collections", asked)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(asked))


def test_find__in_untidy_rows__works(api, ana):
    for columns, _ in UNTIDY:
        make_choreography(ana, **columns)
    for sort in ("newest", "oldest", "title", "duration"):
        assert len(titles(api, sort=sort)) == len(UNTIDY)
    assert len(titles(api, search="noche")) == len(UNTIDY) - 1
    assert uuid.UUID(api.get("/api/collections").json()["results"][0]["id"])
