"""Ready means: the service can make a choreography."""

import shutil
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.test import Client

from apps.jobs import calls
from tests.conftest import connected_to
from tests.evolving import SEEN

PROBLEM = "application/problem+json"
CHECKS = ["database", "media", "library", "queue", "workers"]


@pytest.fixture
def house(db, settings, moves_library) -> None:
    settings.MOVES_LIBRARY = moves_library
    heartbeat("now()")


def heartbeat(when: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
        cursor.execute(f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ({when})")  # noqa: S608 - of the tests


def assert_not_ready(check: str) -> str:
    answer = Client().get("/api/ready")
    assert (answer.status_code, answer["Content-Type"]) == (503, PROBLEM)
    body = answer.json()
    assert body["type"] == "urn:compas:problem:not-ready"
    assert [name for name, outcome in body["checks"].items() if outcome != "ok"] == [check]
    assert body["detail"] == f"Not ready: {check} ({body['checks'][check]})."
    return body["detail"]


@pytest.mark.parametrize("path", ["/ready", "/api/ready"])
def test_ready__everything_there__is_200_without_a_session(house, path):
    answer = Client().get(path)
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "service": "backend", "checks": dict.fromkeys(CHECKS, "ok")},
    )
    assert Client().head(path).status_code == 200


def test_ready__media_root_gone__says_so(house, media_root: Path):
    shutil.rmtree(media_root)
    assert str(media_root) not in assert_not_ready("media")


def test_ready__media_root_is_a_file__says_so(house, media_root: Path):
    media_root.rmdir()
    media_root.write_text("")
    assert_not_ready("media")


def test_ready__leaves_nothing_in_the_media_root(house, media_root: Path):
    Client().get("/api/ready")
    assert list(media_root.iterdir()) == []


def test_ready__library_gone__says_so(house, settings, tmp_path):
    settings.MOVES_LIBRARY = tmp_path / "nothing"
    assert str(tmp_path) not in assert_not_ready("library")


def test_ready__queue_gone__says_so(house):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE procrastinate_jobs RENAME TO elsewhere")
    assert assert_not_ready("queue") == "Not ready: queue (its tables are missing)."


def test_ready__queue_in_another_schema__does_not_count(house, monkeypatch):
    monkeypatch.setattr(calls, "TABLES", ["public.procrastinate_jobs"])
    assert_not_ready("queue")


@pytest.mark.parametrize("when", ["now() - interval '31 s'", "now() - interval '1 year'"])
def test_ready__worker_silent__says_so(house, when):
    heartbeat(when)
    assert assert_not_ready("workers") == "Not ready: workers (none has reported within 30 s)."


def test_ready__no_worker_ever__says_so(house):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
    assert_not_ready("workers")


def test_ready__worker_a_moment_ago__counts(house):
    heartbeat("now() - interval '10 s'")
    assert Client().get("/api/ready").status_code == 200


@pytest.mark.parametrize("adopted", [True, False])
def test_ready__database_away_or_not_adopted__says_so_without_its_address(
    django_db_blocker, settings, moves_library, original_database, adopted
):
    settings.MOVES_LIBRARY = moves_library
    away = "postgresql://backend_app:secret@127.0.0.1:1/nowhere"
    with django_db_blocker.unblock(), connected_to(away if adopted else original_database.url("owner")):
        answer = Client().get("/api/ready")
    assert (answer.status_code, answer["Content-Type"]) == (503, PROBLEM)
    checks = answer.json()["checks"]
    assert [name for name, outcome in checks.items() if outcome != "ok"] == ["database", "queue", "workers"]
    assert checks["queue"] == "needs the database"
    assert not [word for word in ("127.0.0.1", "secret", "nowhere", "owner") if word in answer.content.decode()]


def test_ready__table_lost_the_shape_of_this_phase_meanwhile__says_so(own_database, settings, moves_library, caplog):
    settings.MOVES_LIBRARY = moves_library
    heartbeat("now()")  # the connection is open from here on, as a server keeps it
    with psycopg.connect(own_database.url("owner")) as session:
        session.execute(f"ALTER TABLE {SEEN} RENAME task_id TO task_key")
    answer = Client().get("/ready")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "failed; the log says why")
    assert "which needs choreography_tasks.task_id as" in caplog.text


@pytest.mark.parametrize("path", ["/ready", "/health", "/api/ready", "/api/health"])
def test_other_methods__are_a_problem(db, path):
    answer = Client().post(path)
    assert (answer.status_code, answer["Content-Type"], answer["Allow"]) == (405, PROBLEM, "GET, HEAD")
