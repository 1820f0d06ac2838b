"""Ready means: the service can make a choreography."""

import shutil
import socket
import threading
import uuid
from pathlib import Path

import numpy as np
import psycopg
import pytest
from django.db import connection
from django.test import Client

from apps.jobs import calls
from apps.monitoring import readiness
from apps.monitoring.looks import Looks
from bachateo.moves import INDEX_NAME
from bachateo.moves.index import MoveDocument
from bachateo.moves.index.document import VECTOR_DIMS
from bachateo.moves.index.elasticsearch import ElasticsearchMoveIndex
from tests.conftest import connected_to, make_user
from tests.evolving import SEEN

PROBLEM = "application/problem+json"
CHECKS = ["database", "media", "library", "search", "queue", "workers"]


@pytest.fixture(autouse=True)
def patient(monkeypatch) -> None:
    """A busy machine has a minute for each."""
    for name in CHECKS:
        monkeypatch.setitem(readiness.LIMITS_S, name, 60.0)


@pytest.fixture
def house(own_database, settings, moves_library) -> None:
    """All that is asked is there; each check has a session of its own, so what a test changes is committed."""
    settings.MOVES_LIBRARY = moves_library
    heartbeat("now()")


def heartbeat(when: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
        cursor.execute(f"INSERT INTO procrastinate_workers (last_heartbeat) VALUES ({when})")  # noqa: S608 - of the tests


def assert_not_ready(*checks: str) -> str:
    answer = Client().get("/api/ready")
    assert (answer.status_code, answer["Content-Type"]) == (503, PROBLEM)
    body = answer.json()
    assert body["type"] == "urn:compas:problem:not-ready"
    assert [name for name, outcome in body["checks"].items() if outcome != "ok"] == list(checks)
    told = ", ".join(f"{check} ({body['checks'][check]})" for check in checks)
    assert body["detail"] == f"Not ready: {told}."
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
    assert str(tmp_path) not in assert_not_ready("library", "search")


def test_ready__library_changed_since_its_index_was_made__says_so(house, settings, moves_library, tmp_path, caplog):
    settings.MOVES_LIBRARY = tmp_path
    shutil.copytree(moves_library, tmp_path, dirs_exist_ok=True)
    (tmp_path / INDEX_NAME).write_text(f"{(moves_library / INDEX_NAME).read_text()}\n")
    assert_not_ready("search")
    assert "Make it anew: bachateo library index" in caplog.text


@pytest.fixture
def index(elasticsearch_url, settings, monkeypatch) -> ElasticsearchMoveIndex:
    """An index of its own that the service searches, not made yet."""
    settings.ELASTICSEARCH_URL = elasticsearch_url
    index = ElasticsearchMoveIndex(elasticsearch_url, index=f"test_{uuid.uuid4().hex}")
    usual = {**ElasticsearchMoveIndex.__init__.__kwdefaults__, "index": index.index}
    monkeypatch.setattr(ElasticsearchMoveIndex.__init__, "__kwdefaults__", usual)
    return index


def test_ready__index_on_a_server__must_be_made_and_have_moves(house, index, caplog):
    assert_not_ready("search")
    assert f"there is no index {index.index}" in caplog.text
    index.create()
    assert assert_not_ready("search") == "Not ready: search (its index has no moves)."
    index.add([MoveDocument({"clip_id": "sway", "quality_score": 1.0}, {})])
    assert "none is found: it is mapped otherwise" in assert_not_ready("search")
    vector = np.ones(VECTOR_DIMS["text"], np.float32)
    index.add([MoveDocument({"clip_id": "sway", "quality_score": 1.0}, {"text": vector})])
    assert Client().get("/api/ready").status_code == 200


def test_ready__no_search_server_there__says_so_without_its_address(house, settings, monkeypatch):
    monkeypatch.setattr("apps.monitoring.readiness.SEARCH_BUDGET_S", 0.05)
    settings.ELASTICSEARCH_URL = "http://127.0.0.1:9"
    assert "127.0.0.1" not in assert_not_ready("search")


def test_ready__search_server_away_but_the_library_may_stand_in__is_ready(house, settings, caplog):
    settings.ELASTICSEARCH_URL, settings.ELASTICSEARCH_FALLBACK = "http://127.0.0.1:9", True
    assert Client().get("/api/ready").status_code == 200
    assert "the library's own index is searched instead: CH124" in caplog.text


def test_ready__search_server_says_nothing__is_not_waited_for(house, settings, monkeypatch, caplog):
    monkeypatch.setattr("apps.monitoring.readiness.SEARCH_BUDGET_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.ELASTICSEARCH_URL = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert_not_ready("search")
    assert "does not answer" in caplog.text


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


@pytest.mark.parametrize("check", CHECKS)
def test_ready__a_check_that_hangs__is_not_waited_for_and_hides_no_other(house, monkeypatch, check):
    over, asked = threading.Event(), []

    def hang() -> str:
        asked.append(check)
        over.wait()
        return "ok"

    monkeypatch.setattr(readiness, f"_{check}", hang)
    monkeypatch.setattr(readiness, "_looks", Looks())
    monkeypatch.setitem(readiness.LIMITS_S, check, 0.05)
    needs = ["queue", "workers"] if check == "database" else []
    try:
        for _ in range(3):
            answer = Client().get("/api/ready")
            told = answer.json()["checks"]
            assert (answer.status_code, told[check]) == (503, "no answer within 0.05 s")
            assert [name for name, outcome in told.items() if outcome != "ok"] == [check, *needs]
        assert asked == [check], "what hangs was asked again"
    finally:
        over.set()
    monkeypatch.setitem(readiness.LIMITS_S, check, 60.0)
    assert Client().get("/api/ready").status_code == 200


def test_ready__a_fault_of_a_check__is_a_fault(house, monkeypatch):
    monkeypatch.setattr(readiness, "_media", lambda: 1 / 0)
    answer = Client(raise_request_exception=False).get("/api/ready")
    assert (answer.status_code, answer["Content-Type"]) == (500, PROBLEM)


def test_alive__database_away__still_answers(django_db_blocker):
    with django_db_blocker.unblock(), connected_to("postgresql://backend_app:secret@127.0.0.1:1/nowhere"):
        assert Client().get("/api/health").json() == {"status": "alive", "service": "backend"}
        assert Client().get("/health").status_code == 503


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


def test_ready__database_only_reads__says_so_and_so_does_a_write(house, own_database):
    client = Client(raise_request_exception=False)
    client.force_login(make_user("ana"))
    connection.close()
    with psycopg.connect(own_database.url("owner"), autocommit=True) as session:
        session.execute(f"ALTER DATABASE {own_database.name} SET default_transaction_read_only = on")
    assert "database (it takes no writes)" in assert_not_ready("database", "queue", "workers")
    answer = client.patch("/api/auth/me", {"display_name": "Anita"}, content_type="application/json")
    told = (answer.status_code, answer.json()["detail"])
    assert told == (503, "The database takes no writes now; it was logged.")


@pytest.mark.parametrize("path", ["/ready", "/health", "/api/ready", "/api/health"])
def test_other_methods__are_a_problem(db, path):
    answer = Client().post(path)
    assert (answer.status_code, answer["Content-Type"], answer["Allow"]) == (405, PROBLEM, "GET, HEAD")
