"""The collection through the API: both systems' rows, tidy or not, the owner's only."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.collections.services import save_choreography
from apps.generation.services import start_generation
from tests.conftest import make_user
from tests.evolving import spelled, stored

RESULT = {"video_path": "output/user_1/t.mp4", "sequence_duration": 61.5}


def make_choreography(user, **columns: object) -> SavedChoreography:
    tidy = {"title": "Noche", "video_path": "output/user_1/n.mp4", "difficulty": "beginner", "duration": 30.0}
    return SavedChoreography.objects.create(user=user, **(tidy | columns))


def completed(user, task_id: str = "t", **columns: object) -> ChoreographyTask:
    return ChoreographyTask.objects.create(
        task_id=task_id, user=user, **({"status": "completed", "result": RESULT} | columns)
    )


def keep(client: Client, **body: object):
    return client.post("/api/collections", body, content_type="application/json")


def test_create__from_a_completed_task__is_kept_once(api, ana):
    completed(ana)
    first = keep(api, task_id="t", title="Para Lucía", difficulty="advanced")
    again = keep(api, task_id="t", title="Another")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() == api.get(first["Location"]).json()
    row = SavedChoreography.objects.values().get()
    assert row.pop("created_at")
    assert first["Location"] == f"/api/collections/{row.pop('id')}"
    assert row == {
        "user_id": ana.pk,
        "title": "Para Lucía",
        "video_path": "output/user_1/t.mp4",
        "thumbnail_path": "",
        "difficulty": "advanced",
        "duration": 61.5,
        "music_info": {"source": "", "difficulty": "advanced"},
        "generation_parameters": {"difficulty": "advanced", "audio_input": "", "task_id": spelled("t")},
    }


def test_create__task_of_ours__knows_its_song_and_level(api, ana, media_root):
    (media_root / "songs").mkdir()
    (media_root / "songs" / "mi_cielo.mp3").write_bytes(b"")
    task = start_generation(user=ana, song="mi_cielo.mp3", difficulty="intermediate", auto_save=False)
    ChoreographyTask.objects.filter(pk=task.pk).update(status="completed", result=RESULT)
    saved = keep(api, task_id=task.pk).json()
    assert (saved["title"], saved["difficulty"], saved["duration"]) == ("mi cielo", "intermediate", 61.5)
    assert saved["music_info"] == {"source": "mi_cielo.mp3", "difficulty": "intermediate"}


def test_create__saved_already_by_either_system__is_that_row(api, ana):
    completed(ana)
    saved = make_choreography(ana, generation_parameters={"difficulty": "beginner", "audio_input": "x", "task_id": "t"})
    answer = keep(api, task_id="t")
    assert (answer.status_code, answer.json()["id"]) == (200, str(saved.pk))


def test_create__twice_at_once__one_row(own_database):
    user = make_user("ana")
    completed(user)

    def save(_: int) -> uuid.UUID:
        try:
            return save_choreography(user=user, task_id="t")[0].pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        ids = set(pool.map(save, range(8)))
    assert ids == set(SavedChoreography.objects.values_list("pk", flat=True))
    assert len(ids) == 1


@pytest.mark.parametrize(
    "columns", [{"status": stored("running")}, {"status": "failed"}, {"result": None}, {"result": {"video_path": None}}]
)
def test_create__task_without_a_video__is_409(api, ana, columns):
    completed(ana, **columns)
    answer = keep(api, task_id="t")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:compas:problem:no-video")
    assert not SavedChoreography.objects.exists()


def test_create__task_of_another_user__is_404(api, ben):
    completed(ben)
    assert keep(api, task_id="t").status_code == 404
    assert not SavedChoreography.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "task_id"),
        ({"task_id": "x" * 37}, "task_id"),
        ({"task_id": "t", "title": "x" * 201}, "title"),
        ({"task_id": "t", "difficulty": "expert"}, "difficulty"),
    ],
)
def test_create__what_is_wrong__is_named(api, ana, body, field):
    completed(ana)
    answer = keep(api, **body)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
    assert not SavedChoreography.objects.exists()


def test_list__is_mine_newest_first_by_cursor(api, ana, ben):
    mine = [str(make_choreography(ana).pk) for _ in range(22)]
    make_choreography(ben)
    first = api.get("/api/collections").json()
    second = api.get(first["next"]).json()
    assert [row["id"] for row in first["results"] + second["results"]] == mine[::-1]


@pytest.mark.parametrize("path", ["", "/video"])
def test_choreography__of_another_user__is_the_same_404_as_none(api, ben, path):
    his = api.get(f"/api/collections/{make_choreography(ben).pk}{path}")
    none = api.get(f"/api/collections/{uuid.uuid4()}{path}")
    assert (his.status_code, his.json()) == (404, none.json())


UNTIDY = [
    ({"duration": float("nan")}, {"duration": None}),
    ({"duration": float("inf")}, {"duration": None}),
    ({"duration": -3.0}, {"duration": -3.0}),
    ({"music_info": ["a", 1]}, {"music_info": ["a", 1]}),
    ({"music_info": None, "generation_parameters": []}, {"music_info": None, "generation_parameters": []}),
    ({"title": ""}, {"title": ""}),
    ({"difficulty": "expert"}, {"difficulty": "expert"}),
    ({"video_path": ""}, {}),
    ({"video_path": "/nowhere/old.mp4"}, {}),
    ({"thumbnail_path": None}, {}),
]


@pytest.mark.parametrize(("columns", "shown"), UNTIDY)
def test_choreography__untidy_row__is_read(api, ana, columns, shown):
    saved = make_choreography(ana, **columns)
    one = api.get(f"/api/collections/{saved.pk}")
    assert one.status_code == 200
    assert one.json() == one.json() | shown
    assert api.get("/api/collections").json()["results"] == [one.json()]
    assert api.get(f"/api/collections/{saved.pk}/video").status_code == 404


@pytest.mark.parametrize("path", ["", f"/{uuid.UUID(int=1)}", f"/{uuid.UUID(int=1)}/video"])
def test_anonymous__is_401(db, path):
    assert Client().get(f"/api/collections{path}").status_code == 401


def test_anonymous__cannot_create(db):
    assert keep(Client(), task_id="t").status_code == 401
