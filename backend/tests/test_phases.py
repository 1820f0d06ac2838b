"""The two shapes of a task: one module, the same words for clients, ids that are the same in SQL and in Python."""

import ast
import os
import random
import re
import subprocess
import sys
import tomllib
import uuid
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models, transaction

from apps.choreography import task_ids
from apps.choreography.models import TOLD, ChoreographyTask, TaskOfPhase1, TaskOfPhase2
from apps.generation.api import TaskOut
from sandbox import house
from tests.evolving import IMPROVED, spelled, stored

BACKEND = Path(__file__).resolve().parent.parent
CODE = [
    path
    for folder in ("apps", "config", "original_addresses", "serving", "web")
    for path in sorted((BACKEND / folder).rglob("*.py"))
]
CANONICAL = "6b1f8d52-7c1e-4a39-9b8b-0e1d6f0a1c11"
ODD = [
    "17",
    "",
    " ",
    "handover-probe",
    "tarea del martes ñ",
    "a/b?c=d#e%",
    "' OR 1=1 --",
    "\\x41",
    "💃🕺",
    "x" * 36,
    CANONICAL.upper(),
    CANONICAL.replace("-", ""),
    f"{{{CANONICAL}}}",
    f"{CANONICAL}\n",
    f" {CANONICAL}"[:36],
    CANONICAL.replace("6b1f", "6g1f"),
]


def texts() -> list[str]:
    rng = random.Random(18)  # noqa: S311 - seeded, so that a failure comes again
    alphabet = "0123456789abcdefABCDEF-\n'\\$é漢💃"
    return ODD + ["".join(rng.choices(alphabet, k=rng.randint(0, 36))) for _ in range(300)]


def declared(number: int) -> dict[str, str]:
    evolution = tomllib.loads((house.ROOT / "evolution" / "0001_phase_2.toml").read_text())
    return evolution["operations"][number]


@pytest.mark.parametrize("expression", [task_ids.uuid_in_sql("$1"), declared(0)["up"]], ids=["backend", "evolution"])
def test_id__is_the_same_uuid_in_sql_and_in_python(db, expression):
    every = [*texts(), CANONICAL, str(uuid.UUID(int=0))]
    computed = f"SELECT id, {expression.replace('$1', 'id')} FROM unnest(%s::text[]) AS id"  # noqa: S608 - ours
    with connection.cursor() as cursor:
        cursor.execute(computed, [every])
        assert cursor.fetchall() == [(text, task_ids.uuid_of(text)) for text in every]


def test_id__that_is_canonical_is_its_own_and_any_other_has_one_for_ever(db):
    assert task_ids.uuid_of(CANONICAL) == uuid.UUID(CANONICAL)
    # Written down: the ids that were mapped are in the database.
    assert str(task_ids.uuid_of("handover-probe")) == "0df9eb5c-b2ff-396c-82c5-f50bc29a3fac"
    mapped = [task_ids.uuid_of(text) for text in texts()]
    assert len(set(mapped)) == len(set(texts()))
    assert {one.version for one in mapped} == {3}
    condition = declared(0)["mapped"].replace("$1", "id")
    mapped_in_sql = f"SELECT bool_and({condition}) FROM unnest(%s::text[]) AS id"  # noqa: S608 - ours
    with connection.cursor() as cursor:
        cursor.execute(mapped_in_sql, [ODD])
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize("task_id", ["17", "tarea del martes ñ", CANONICAL.upper(), "x" * 36])
def test_old_address__finds_the_task_in_either_phase(api, ana, task_id):
    ChoreographyTask.objects.create(task_id=task_id, user=ana, status=stored("running"))
    for address in (task_id, str(task_ids.uuid_of(task_id))):
        told = api.get(f"/api/choreography/tasks/{address}").json()
        assert (told["task_id"], told["status"]) == (spelled(task_id), "running")
        assert api.get(f"/task/{address}/").json()["status"] == "running"
        assert api.get(f"/studio/{address}").status_code == 200
    assert api.delete(f"/api/choreography/tasks/{task_id}").json()["previous_status"] == "running"
    assert api.get(f"/api/choreography/tasks/{task_id}").status_code == 410


def test_new_address__of_another_users_task__is_404(api, ben):
    ChoreographyTask.objects.create(task_id="17", user=ben)
    assert api.get(f"/api/choreography/tasks/{task_ids.uuid_of('17')}").status_code == 404


def test_choreography__kept_under_one_spelling__is_found_under_the_other(
    api, ana, media_root, django_capture_on_commit_callbacks
):
    video = f"output/user_{ana.pk}/v.mp4"
    (media_root / video).parent.mkdir(parents=True)
    (media_root / video).write_bytes(b"video")
    result = {"video_path": video, "sequence_duration": 3.5}
    ChoreographyTask.objects.create(task_id="17", user=ana, status=stored("completed"), result=result)
    mapped = str(task_ids.uuid_of("17"))
    kept = [api.post("/api/collections", {"task_id": one}, "application/json") for one in ("17", mapped)]
    assert [answer.status_code for answer in kept] == [201, 200]
    assert kept[0].json()["id"] == kept[1].json()["id"]
    # Made in the other phase, it names the other spelling; the file goes with both.
    saved = ana.choreographies.get()
    saved.generation_parameters = {"task_id": mapped if saved.generation_parameters["task_id"] == "17" else "17"}
    saved.save()
    assert api.post("/api/collections", {"task_id": "17"}, "application/json").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(f"/api/collections/{saved.pk}").status_code == 204
    assert not (media_root / video).exists()


def test_statuses__are_told_in_the_words_of_phase_1(api, ana):
    for told in TaskOfPhase1.Status.values:
        ChoreographyTask.objects.create(task_id=f"t-{told}", user=ana, status=stored(told))
        assert api.get(f"/api/choreography/tasks/t-{told}").json()["status"] == told
        assert api.get(f"/task/t-{told}/").json()["status"] == told
    listed = [task["status"] for task in api.get("/tasks/").json()["tasks"]]
    assert sorted(listed) == sorted(TaskOfPhase1.Status.values)
    page = api.get("/studio").content.decode()
    assert all(f'class="state {told}">{told.title()}' in page for told in TaskOfPhase1.Status.values)
    assert set(TOLD) | {"completed", "failed"} == set(TaskOfPhase2.Status.values)


def test_shapes__differ_in_words_and_not_in_names():
    assert isinstance(TaskOfPhase2._meta.get_field("task_id"), models.UUIDField)
    assert TaskOfPhase2._meta.get_field("task_id").db_type(connection) == "uuid"
    assert [status.name for status in TaskOfPhase2.Status] == [status.name for status in TaskOfPhase1.Status]
    assert [status.label for status in TaskOfPhase2.Status] == [status.label for status in TaskOfPhase1.Status]


@pytest.mark.parametrize("number", [-1, 101])
def test_progress_of_phase_2__outside_of_0_to_100__is_refused(number):
    with pytest.raises(ValidationError):
        TaskOfPhase2._meta.get_field("progress").clean(number, None)


@pytest.mark.parametrize("number", [-1, 0, 100, 101])
def test_progress__outside_of_0_to_100__is_refused_by_the_database_of_phase_2(ana, number):
    refused = IMPROVED and not 0 <= number <= 100
    check = pytest.raises(IntegrityError, match="choreography_tasks_progress_check") if refused else nullcontext()
    with check, transaction.atomic():
        ChoreographyTask.objects.create(task_id="t", user=ana, progress=number)


def test_phase__is_asked_by_the_module_of_the_shapes_alone():
    asks = re.compile(r"SCHEMA_PHASE|\.PHASE\b")
    asking = {path.relative_to(BACKEND).as_posix() for path in CODE if asks.search(path.read_text())}
    assert asking == {
        "config/env.py",
        "config/settings.py",
        "config/guard.py",  # names it in its message
        "apps/choreography/models.py",
        "apps/choreography/migrations/0003_shape_of_the_phase.py",
    }


def test_words_of_the_table__are_in_the_module_of_the_shapes_alone():
    """No other code writes a status as a text: it would be wrong in one phase."""
    words = set(TOLD) | set(TOLD.values())
    found = {
        path.relative_to(BACKEND).as_posix()
        for path in CODE
        if "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in words
    }
    # The original's address answers a new task with this word, in every phase.
    assert found == {"apps/choreography/models.py", "original_addresses/tasks.py"}
    in_sql = re.compile(rf"'({'|'.join(words)})'")
    sql = [path for path in sorted(BACKEND.glob("apps/**/*.sql")) if in_sql.search(path.read_text())]
    texts = [path for path in CODE if "migrations" not in path.parts and in_sql.search(path.read_text())]
    assert sql + texts == []


def run_in_phase(phase: int, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=BACKEND,
        env={**os.environ, "SCHEMA_PHASE": str(phase)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_makemigrations__in_the_other_phase__finds_nothing_to_do():
    done = run_in_phase(1 if IMPROVED else 2, "makemigrations", "--check", "--dry-run")
    assert "No changes detected" in done.stdout, done.stdout + done.stderr


def test_description_of_the_api__is_the_same_in_both_phases():
    task = "from apps.generation.api import TaskOut; print(repr(TaskOut()))"
    done = run_in_phase(1 if IMPROVED else 2, "shell", "--no-imports", "-c", task)
    assert done.stdout.strip() == repr(TaskOut())


def test_schema_phase__that_is_none__is_refused():
    done = run_in_phase(3, "check")
    assert "SCHEMA_PHASE is 3; it must be 1 or 2." in done.stderr
