"""Tasks through the API: both systems' rows, tidy or not, the owner's only."""

import pytest
from django.db import connection
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from apps.choreography.models import ChoreographyTask

PROBLEM = "application/problem+json"


@pytest.fixture
def song(media_root) -> str:
    (media_root / "songs").mkdir()
    (media_root / "songs" / "demo.mp3").write_bytes(b"not heard before the worker comes")
    return "demo.mp3"


def generate(client: Client, **wishes: object):
    return client.post("/api/choreography/generate", wishes, content_type="application/json")


def make_task(user, task_id: str = "6b1f8d52-7c1e-4a39-9b8b-0e1d6f0a1c11", **columns: object) -> ChoreographyTask:
    return ChoreographyTask.objects.create(task_id=task_id, user=user, **columns)


def test_generate__answers_202_with_the_task_to_follow(api, ana, song):
    answer = generate(api, song=song, difficulty="beginner", energy="low", seed=5, auto_save=False)
    assert answer.status_code == 202
    task = ChoreographyTask.objects.get()
    assert answer["Location"] == f"/api/choreography/tasks/{task.pk}"
    assert answer.json() == api.get(answer["Location"]).json()
    assert answer.json() | {"created_at": "", "updated_at": "", "job_execution_name": ""} == {
        "task_id": task.pk,
        "status": "started",
        "progress": 0,
        "stage": "initializing",
        "message": "Starting choreography generation...",
        "result": None,
        "error": None,
        "job_execution_name": "",
        "created_at": "",
        "updated_at": "",
        "video": None,
    }
    assert task.user == ana
    job = ProcrastinateJob.objects.get()
    assert job.args == {
        "task_id": task.pk,
        "song": song,
        "difficulty": "beginner",
        "energy": "low",
        "seed": 5,
        "auto_save": False,
    }


def test_generate__only_what_is_needed__uses_the_defaults(api, song):
    assert generate(api, song=song, difficulty="advanced").status_code == 202
    args = ProcrastinateJob.objects.get().args
    assert (args["energy"], args["seed"], args["auto_save"]) == (None, 0, True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"song": ""}, "song"),
        ({"difficulty": "expert"}, "difficulty"),
        ({"difficulty": None}, "difficulty"),
        ({"energy": "wild"}, "energy"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"auto_save": "perhaps"}, "auto_save"),
    ],
)
def test_generate__what_is_wrong__is_named_and_nothing_is_written(api, song, change, field):
    answer = generate(api, **({"song": song, "difficulty": "beginner"} | change))
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert list(answer.json()["errors"]) == [field]
    assert not ChoreographyTask.objects.exists()
    assert not ProcrastinateJob.objects.exists()


@pytest.mark.parametrize("name", ["gone.mp3", "../songs/demo.mp3", "/etc/passwd", "demo.txt", "x" * 250 + ".mp3"])
def test_generate__no_such_song__404_and_nothing_is_written(api, song, name):
    answer = generate(api, song=name, difficulty="beginner")
    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)
    assert not ChoreographyTask.objects.exists()
    assert not ProcrastinateJob.objects.exists()


def test_list__is_mine_newest_first_by_cursor(api, ana, ben):
    for number in range(25):
        make_task(ana, f"mine-{number}")
    make_task(ben, "his")
    first = api.get("/api/choreography/tasks").json()
    second = api.get(first["next"]).json()
    ids = [task["task_id"] for task in first["results"] + second["results"]]
    assert ids == [f"mine-{number}" for number in reversed(range(25))]
    assert second["next"] is None


@pytest.mark.parametrize("path", ["", "/video"])
def test_task__of_somebody_else__is_the_same_404_as_none(api, ben, path):
    make_task(ben, "his", status="completed", result={"video_path": "output/user_2/x.mp4"})
    his, none = api.get(f"/api/choreography/tasks/his{path}"), api.get(f"/api/choreography/tasks/xyz{path}")
    assert (his.status_code, none.status_code) == (404, 404)
    assert his.json() | {"detail": ""} == none.json() | {"detail": ""}
    assert his.json()["detail"] == none.json()["detail"].replace("xyz", "his")


@pytest.mark.parametrize("task_id", ["17", "tarea del martes ñ", "a/b", "100%", "x" * 36, "?", "TASK#1"])
def test_task__id_of_any_text__is_found(api, ana, task_id):
    make_task(ana, task_id, status="completed", result={})
    listed = api.get("/api/choreography/tasks").json()["results"][0]
    url = listed["video"].removesuffix("/video")
    assert api.get(url).json()["task_id"] == task_id


@pytest.mark.parametrize("task_id", ["%00", "x" * 400, "%F0%9F%92%83", "' OR 1=1 --"])
def test_task__id_that_no_row_has__is_404(api, task_id):
    assert api.get(f"/api/choreography/tasks/{task_id}").status_code == 404


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "completed", "result": None},
        {"status": "completed", "result": []},
        {"status": "completed", "result": "text"},
        {"status": "completed", "result": {"video_path": None}},
        {"status": "completed", "result": {"video_path": 7}},
        {"status": "completed", "result": {"video_path": ""}},
        {"status": "failed", "error": "", "progress": -5},
        {"status": "running", "stage": "", "message": ""},
        {"status": "archived", "progress": 999},
    ],
)
def test_task__untidy_row__is_read_and_its_video_is_a_problem_not_a_fault(api, ana, columns):
    make_task(ana, "t", **columns)
    assert api.get("/api/choreography/tasks").status_code == 200
    assert api.get("/api/choreography/tasks/t").json()["result"] == columns.get("result")
    assert api.get("/api/choreography/tasks/t/video").status_code in {404, 409}


def test_task__number_beyond_floats__is_null_in_json(api, ana):
    make_task(ana, "t")
    with connection.cursor() as cursor:
        huge = f"{10**400}.5"
        cursor.execute("UPDATE choreography_tasks SET result = %s", [f'{{"a": [{huge}, -{huge}, 1.5]}}'])
    assert api.get("/api/choreography/tasks/t").json()["result"] == {"a": [None, None, 1.5]}


def test_video__before_it_is_finished__is_409(api, ana):
    make_task(ana, "t", status="running", result={"video_path": "output/user_1/t.mp4"})
    answer = api.get("/api/choreography/tasks/t/video")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:compas:problem:no-video")
    assert answer.json()["detail"] == "The task is running; it has no video."


@pytest.mark.parametrize("path", ["tasks", "tasks/t", "tasks/t/video"])
def test_anonymous__is_401(db, path):
    answer = Client().get(f"/api/choreography/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)


def test_anonymous__cannot_generate(db, song):
    assert generate(Client(), song=song, difficulty="beginner").status_code == 401
