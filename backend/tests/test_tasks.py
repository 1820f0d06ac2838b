"""Tasks through the API: both systems' rows, tidy or not, the owner's only."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client, TestCase
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from apps.choreography.models import ChoreographyTask
from apps.choreography.original import STUCK
from apps.collections.models import SavedChoreography
from apps.jobs.models import Job
from tests.conftest import make_user
from tests.evolving import CHECKED, IMPROVED, spelled, stored
from tests.generating import age

PROBLEM = "application/problem+json"
NOTHING = dict.fromkeys(
    ("video_path", "video_filename", "processing_time", "sequence_duration", "moves_analyzed", "metadata_path",
     "saved_choreography_id", "auto_saved")
)  # fmt: skip
ASKED = {
    "difficulty": "beginner",
    "energy": "low",
    "style": None,
    "seed": 5,
    "auto_save": False,
    "corrections": None,
    "swap": None,
}


@pytest.fixture
def song(media_root) -> str:
    (media_root / "songs").mkdir()
    (media_root / "songs" / "demo.mp3").write_bytes(b"not heard before the worker comes")
    return "demo.mp3"


def generate(client: Client, **wishes: object):
    return client.post("/api/choreography/generate", wishes, content_type="application/json")


def make_task(user, task_id: str = "6b1f8d52-7c1e-4a39-9b8b-0e1d6f0a1c11", **columns: object) -> ChoreographyTask:
    if "status" in columns:
        columns["status"] = stored(columns["status"])
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
        "steps": {"done": 0, "total": 5},
        "message": "Starting choreography generation...",
        "ahead": 0,
        "estimate": {"starts_at": None, "ends_at": None},
        "inputs": ASKED | {"song": song},
        "relaxed": None,
        "hearing": None,
        "variety": None,
        "result": None,
        "error": None,
        "job_execution_name": "",
        "created_at": "",
        "updated_at": "",
        "video": None,
    }
    assert task.user == ana
    assert ProcrastinateJob.objects.get().args == {"task_id": task.pk}
    job = Job.objects.get()
    assert job.request == ASKED | {"song": song, "seed_chosen": False, "request_id": answer["X-Request-ID"]}
    assert (job.task_id, job.user, job.auto_save) == (task.pk, ana, False)


def test_generate__only_what_is_needed__uses_the_defaults(api, song):
    assert generate(api, song=song, difficulty="advanced").status_code == 202
    job = Job.objects.get()
    assert (job.request["energy"], job.request["seed_chosen"], job.request["auto_save"]) == (None, True, True)
    assert job.auto_save


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
        ({"style": "x" * 51}, "style"),
        ({"corrections": []}, "corrections"),
        ({"corrections": {"downbeat_at_s": -1}}, "corrections"),
        ({"corrections": {"downbeat_at_s": "nan"}}, "corrections"),
        ({"corrections": {"taps_s": [1, 2, 3]}}, "corrections"),
        ({"corrections": {"taps_s": [1] * 201}}, "corrections"),
        ({"corrections": {"taps_s": [1, 2, 3, "inf"]}}, "corrections"),
        ({"corrections": {"taps_s": [1, 2, 3, 4], "shift_half_beat": True}}, "corrections"),
    ],
)
def test_generate__what_is_wrong__is_named_and_nothing_is_written(api, song, change, field):
    answer = generate(api, **({"song": song, "difficulty": "beginner"} | change))
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert {name.partition(".")[0] for name in answer.json()["errors"]} == {field}
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
    assert ids == [spelled(f"mine-{number}") for number in reversed(range(25))]
    assert second["next"] is None


@pytest.mark.parametrize("path", ["", "/video"])
def test_task__of_another_user__is_the_same_404_as_none(api, ben, path):
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
    assert api.get(url).json()["task_id"] == spelled(task_id)


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
        {"status": "failed", "error": "", "progress": 0 if IMPROVED else -5},
        {"status": "running", "stage": "", "message": ""},
        {"status": "failed" if CHECKED else "archived", "progress": 100 if IMPROVED else 999},
    ],
)
def test_task__untidy_row__is_read_and_its_video_is_a_problem_not_a_fault(api, ana, columns):
    make_task(ana, "t", **columns)
    assert api.get("/api/choreography/tasks").status_code == 200
    result = columns.get("result")
    wrong = isinstance(result, dict) and result["video_path"] == 7
    typed = NOTHING | ({"video_path": None} if wrong else result) if isinstance(result, dict) else None
    assert api.get("/api/choreography/tasks/t").json()["result"] == typed
    assert api.get("/api/choreography/tasks/t/video").status_code in {404, 409}


def test_task__number_beyond_floats__is_null_in_json(api, ana):
    make_task(ana, "t")
    with connection.cursor() as cursor:
        huge = f"{10**400}.5"
        untidy = f'{{"processing_time": {huge}, "sequence_duration": 1.5, "moves_analyzed": true, "other": 1}}'
        cursor.execute("UPDATE choreography_tasks SET result = %s", [untidy])
    typed = NOTHING | {"sequence_duration": 1.5}
    assert api.get("/api/choreography/tasks/t").json()["result"] == typed, "and what is not declared is left out"


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


@pytest.mark.parametrize(("method", "suffix"), [("delete", ""), ("post", "/cancel")])
def test_cancel__row_goes_and_the_reason_stays_for_a_day(api, song, method, suffix):
    url = generate(api, song=song, difficulty="beginner")["Location"]
    task_id = url.rpartition("/")[2]
    answer = getattr(api, method)(url + suffix)
    assert answer.status_code == 200
    assert answer.json() == {"message": "Task cancelled", "task_id": task_id, "previous_status": "started"}
    assert not ChoreographyTask.objects.exists()
    for path in (url, f"{url}/video"):
        gone = api.get(path)
        assert (gone.status_code, gone["Content-Type"], gone.json()["type"]) == (
            410,
            PROBLEM,
            "urn:compas:problem:task-cancelled",
        )
        assert gone.json()["detail"] == "You cancelled it."
    assert getattr(api, method)(url + suffix).status_code == 410
    Job.objects.update(ended_at=timezone.now() - timedelta(days=1, seconds=1))
    assert api.get(url).status_code == 404


@pytest.mark.parametrize("status", ["started", "running"])
def test_cancel__task_of_the_original__goes_too(api, ana, status):
    make_task(ana, "t", status=status)
    assert api.delete("/api/choreography/tasks/t").json()["previous_status"] == status
    assert not ChoreographyTask.objects.exists()
    assert api.get("/api/choreography/tasks/t").status_code == 410


@pytest.mark.parametrize("path", ["his", "none"])
def test_cancel__of_another_user__is_the_same_404_as_none(api, ben, path):
    make_task(ben, "his")
    answer = api.delete(f"/api/choreography/tasks/{path}")
    assert (answer.status_code, answer.json()["detail"]) == (404, f"There is no task '{path}'.")
    assert ChoreographyTask.objects.count() == 1
    assert not Job.objects.exists()


def test_cancelled__another_user__still_reads_404(api, ben, song):
    url = generate(api, song=song, difficulty="beginner")["Location"]
    api.delete(url)
    other = Client()
    other.force_login(ben)
    assert other.get(url).status_code == 404


def file_of(user, media_root, name: str = "t.mp4") -> Path:
    video = media_root / "output" / f"user_{user.pk}" / name
    video.parent.mkdir(parents=True, exist_ok=True)
    video.write_bytes(b"moving pictures")
    return video


@pytest.mark.parametrize(("method", "suffix"), [("delete", ""), ("post", "/cancel")])
@pytest.mark.parametrize("status", ["completed", "failed"])
def test_cancel__finished__is_409_and_nothing_is_lost(api, ana, media_root, method, suffix, status):
    video = file_of(ana, media_root)
    make_task(ana, "t", status=status, result={"video_path": f"output/user_{ana.pk}/t.mp4"})
    before = ChoreographyTask.objects.values().get()
    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = getattr(api, method)(f"/api/choreography/tasks/t{suffix}")
    assert (answer.status_code, answer["Content-Type"]) == (409, PROBLEM)
    assert answer.json()["type"] == "urn:compas:problem:task-finished"
    assert answer.json()["detail"] == f"The task is {status}: there is nothing to cancel, and nothing was lost."
    assert ChoreographyTask.objects.values().get() == before
    assert (video.exists(), Job.objects.exists()) == (True, False)


def test_cancel__finished_and_purged_by_the_original__is_409_too(api, song):
    url = generate(api, song=song, difficulty="beginner")["Location"]
    Job.objects.update(outcome="completed", result={}, ended_at=timezone.now())
    ChoreographyTask.objects.all().delete()
    assert api.delete(url).status_code == 409
    assert Job.objects.get().outcome == "completed"


def test_forget__finished__goes_with_its_video(api, ana, media_root):
    video = file_of(ana, media_root)
    make_task(ana, "t", status="completed", result={"video_path": f"output/user_{ana.pk}/t.mp4"})
    with TestCase.captureOnCommitCallbacks(execute=True):
        answer = api.post("/api/choreography/tasks/t/forget")
    assert (answer.status_code, answer.json()["previous_status"]) == (200, "completed")
    assert not video.exists()
    gone = api.get("/api/choreography/tasks/t")
    assert (gone.status_code, gone.json()["detail"]) == (410, "You deleted it.")


def test_forget__unfinished__is_409_and_the_task_goes_on(api, song):
    url = generate(api, song=song, difficulty="beginner")["Location"]
    answer = api.post(f"{url}/forget")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:compas:problem:task-unfinished")
    assert Job.objects.get().outcome is None


@pytest.mark.parametrize("address", ["/task/t/cancel/", "/api/choreography/tasks/t/forget"])
def test_forget__saved__its_video_stays(api, ana, media_root, address):
    name = f"output/user_{ana.pk}/t.mp4"
    video = file_of(ana, media_root)
    make_task(ana, "t", status="completed", result={"video_path": name})
    SavedChoreography.objects.create(
        user=ana, title="t", video_path=name, difficulty="beginner", duration=1, generation_parameters={"task_id": "t"}
    )
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert api.post(address).status_code == 200
    assert video.exists()
    assert (SavedChoreography.objects.count(), ChoreographyTask.objects.count()) == (1, 0)


def test_cancelled_in_the_original__before_any_worker_noticed__is_410(api, song):
    url = generate(api, song=song, difficulty="beginner")["Location"]
    ChoreographyTask.objects.all().delete()
    assert api.get(url).status_code == 410


def test_failed_by_the_original__job_lives_on__is_shown_as_living(api, song):
    url = generate(api, song=song, difficulty="beginner")["Location"]
    ChoreographyTask.objects.update(status="failed", error=STUCK)
    listed = api.get("/api/choreography/tasks").json()["results"]
    for shown in (api.get(url).json(), *listed):
        assert [shown[name] for name in ("status", "error")] == ["started", None]
    ChoreographyTask.objects.update(error="The song is silent.")
    assert [api.get(url).json()[name] for name in ("status", "error")] == ["failed", "The song is silent."]


@pytest.mark.parametrize(
    ("ended", "shown"),
    [
        (
            {"outcome": "completed", "result": {"video_path": "output/t.mp4"}},
            ("completed", 100, "completed", NOTHING | {"video_path": "output/t.mp4"}, None),
        ),
        ({"outcome": "failed", "error": "It is silent."}, ("failed", 0, "failed", None, "It is silent.")),
        ({}, ("started", 0, "initializing", None, None)),
    ],
    ids=["completed", "failed", "waiting"],
)
def test_purged_by_the_original__is_answered_from_the_outcome(api, ana, song, media_root, ended, shown):
    url = generate(api, song=song, difficulty="beginner")["Location"]
    age(url.rpartition("/")[2], hours=1.1)
    Job.objects.update(ended_at=timezone.now(), **ended)
    ChoreographyTask.objects.all().delete()
    answer = api.get(url)
    assert answer.status_code == 200
    assert tuple(answer.json()[name] for name in ("status", "progress", "stage", "result", "error")) == shown
    folder = media_root / "output" / f"user_{ana.pk}"
    folder.mkdir(parents=True)
    (folder / "t.mp4").write_bytes(b"moving pictures")
    video = api.get(f"{url}/video")
    assert video.status_code == (200 if shown[0] == "completed" else 409)
    video.close()


def test_purged__another_user__reads_404(api, ben, song):
    url = generate(api, song=song, difficulty="beginner")["Location"]
    Job.objects.update(outcome="completed", result={}, ended_at=timezone.now())
    ChoreographyTask.objects.all().delete()
    other = Client()
    other.force_login(ben)
    assert other.get(url).status_code == 404


def send(client: Client, key: str, **wishes: object):
    headers = {"Idempotency-Key": key}
    return client.post("/api/choreography/generate", wishes, content_type="application/json", headers=headers)


def test_idempotency_key__sent_again__is_the_same_task(api, song):
    first = send(api, "a key", song=song, difficulty="beginner")
    again = send(api, "a key", song=song, difficulty="beginner", seed=None, energy=None, auto_save=True)
    assert (first.status_code, again.status_code) == (202, 200)
    assert first["Location"] == again["Location"]
    assert first.json() == again.json()
    assert ChoreographyTask.objects.count() == Job.objects.count() == ProcrastinateJob.objects.count() == 1


@pytest.mark.parametrize("change", [{"seed": 1}, {"difficulty": "advanced"}, {"auto_save": False}, {"energy": "low"}])
def test_idempotency_key__with_other_wishes__is_409(api, song, change):
    send(api, "a key", song=song, difficulty="beginner")
    answer = send(api, "a key", **({"song": song, "difficulty": "beginner"} | change))
    assert (answer.status_code, answer["Content-Type"]) == (409, PROBLEM)
    assert answer.json()["type"] == "urn:compas:problem:idempotency-key-reused"
    assert "'a key' was sent before, with other wishes. Choose a new key." in answer.json()["detail"]
    assert ChoreographyTask.objects.count() == 1


def test_seed__not_sent__is_chosen_each_time_told_and_kept_with_the_key(api, song):
    tasks = [generate(api, song=song, difficulty="beginner").json() for _ in range(3)]
    assert len({task["inputs"]["seed"] for task in tasks}) == 3
    first, again = (send(api, "k", song=song, difficulty="beginner") for _ in range(2))
    assert (again.status_code, again.json()["inputs"]) == (200, first.json()["inputs"])
    named = send(api, "k", song=song, difficulty="beginner", seed=first.json()["inputs"]["seed"])
    assert named.status_code == 409, "who names a seed asks for something else than any dance"


def test_idempotency_key__of_an_older_version__is_the_same_task(api, song):
    url = send(api, "k", song=song, difficulty="beginner")["Location"]
    old = {"song": song, "difficulty": "beginner", "energy": None, "seed": 0, "auto_save": True}
    Job.objects.update(request=old)
    for seed in ({}, {"seed": 0}):
        assert send(api, "k", song=song, difficulty="beginner", **seed).status_code == 200
    assert send(api, "k", song=song, difficulty="beginner", seed=1).status_code == 409
    assert api.get(url).json()["inputs"] == old | {"style": None, "corrections": None, "swap": None}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"shift_half_beat": False}, None),
        ({"downbeat_at_s": 0}, {"shift_half_beat": False, "downbeat_at_s": 0.0, "taps_s": None}),
        ({"taps_s": [1, 2, 3, 4.5]}, {"shift_half_beat": False, "downbeat_at_s": None, "taps_s": [1.0, 2.0, 3.0, 4.5]}),
    ],
)
def test_corrections__are_kept_with_the_task(api, song, sent, kept):
    task = generate(api, song=song, difficulty="beginner", style="sensual", corrections=sent).json()
    assert (task["inputs"]["corrections"], task["inputs"]["style"]) == (kept, "sensual")


def test_idempotency_key__is_each_users_own_and_others_are_other_tasks(api, ben, song):
    other = Client()
    other.force_login(ben)
    answers = [send(client, key, song=song, difficulty="beginner") for client in (api, other) for key in ("1", "2")]
    assert [answer.status_code for answer in answers] == [202] * 4
    assert len({answer["Location"] for answer in answers}) == 4


def test_idempotency_key__of_a_cancelled_task__is_410(api, song):
    url = send(api, "k", song=song, difficulty="beginner")["Location"]
    api.delete(url)
    assert send(api, "k", song=song, difficulty="beginner").status_code == 410


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x00b"])
def test_idempotency_key__that_is_none__is_named(api, song, key):
    answer = send(api, key, song=song, difficulty="beginner")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["Idempotency-Key"])
    assert not ChoreographyTask.objects.exists()


def test_idempotency_key__sent_twice_at_once__is_one_task(own_database, media_root):
    (media_root / "songs").mkdir()
    (media_root / "songs" / "demo.mp3").write_bytes(b"")
    clients = [Client(), Client()]
    user = make_user("ana")
    [client.force_login(user) for client in clients]
    gate, answers = threading.Barrier(2), []

    def run(client: Client) -> None:
        gate.wait()
        answers.append(send(client, "k", song="demo.mp3", difficulty="beginner"))
        connection.close()

    threads = [threading.Thread(target=run, args=[client]) for client in clients]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(answer.status_code for answer in answers) == [200, 202]
    assert len({answer["Location"] for answer in answers}) == 1
    assert ChoreographyTask.objects.count() == Job.objects.count() == ProcrastinateJob.objects.count() == 1
