"""Answers around the endpoints: errors, health, documentation, headers."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.urls import get_resolver

from config import documentation
from config.errors import DomainError
from config.problems import STATUS
from config.rendering import finite
from tests.conftest import connected_to, make_user
from tests.media import write_sound

BACKEND = Path(__file__).resolve().parent.parent
PROBLEM = "application/problem+json"


def test_domain_errors__have_a_status_each():
    def below(kind: type) -> set[type]:
        return set(kind.__subclasses__()).union(*map(below, kind.__subclasses__()))

    assert below(DomainError) == set(STATUS)


def test_unknown_address__under_api__is_a_problem(db):
    answer = Client().get("/api/nothing/here")
    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such address.",
    }


def test_trailing_slash__is_another_address(db):
    assert Client().get("/api/songs/").status_code == 404


def test_method_not_allowed__is_a_problem(api):
    answer = api.delete("/api/auth/me")
    assert (answer.status_code, answer["Content-Type"]) == (405, PROBLEM)
    assert answer.json()["detail"] == 'Method "DELETE" not allowed.'


@pytest.mark.parametrize(("path", "kind"), [("/api/songs", PROBLEM), ("/studio", "text/html; charset=utf-8")])
def test_fault_of_ours__says_nothing_about_itself(api, media_root, path, kind):
    # A loop where the songs should be: listing them fails with an error that the code does not expect.
    (media_root / "songs").mkdir()
    (media_root / "songs" / "x.mp3").write_bytes(b"")
    api.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE songs RENAME COLUMN title TO heading")
    answer = api.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (500, kind)
    assert "it was logged" in answer.content.decode()
    assert "heading" not in answer.content.decode()
    assert "Traceback" not in answer.content.decode()


@pytest.mark.parametrize("path", ["/api/songs", "/api/collections", "/studio", "/collection", "/admin/"])
def test_database_that_is_gone__is_503_and_says_when_to_try_again(own_database, path):
    client = Client(raise_request_exception=False)
    client.force_login(make_user("ana"))
    with connected_to("postgresql://backend_app:x@127.0.0.1:1/nothing"):
        answer = client.get(path)
    kind = PROBLEM if path.startswith("/api/") else "text/html; charset=utf-8"
    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (503, kind, "5")
    assert "The database does not answer. Try again in a moment." in answer.content.decode()


@pytest.mark.parametrize(("path", "kind"), [("/api/songs", PROBLEM), ("/studio/songs", "text/html; charset=utf-8")])
def test_disk_that_is_full__is_507(api, media_root, monkeypatch, tmp_path, path, kind):
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    song = write_sound(tmp_path / "tone.mp3").read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    api.raise_request_exception = False
    answer = api.post(path, {"file": SimpleUploadedFile("tone.mp3", song)})
    assert (answer.status_code, answer["Content-Type"]) == (507, kind)
    assert "There is no room left on the disk here; it was logged." in answer.content.decode()
    assert not list(media_root.rglob("*.mp3"))


@pytest.mark.parametrize(("path", "status"), [("/health", "healthy"), ("/api/health", "alive")])
def test_health__answers_without_a_session(db, path, status):
    answer = Client().get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": status, "service": "backend"})


def test_logging__fault_of_ours__is_written_without_debug(tmp_path):
    script = "import django; django.setup(); import logging; logging.getLogger('django.request').error('a fault')"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "MEDIA_ROOT": str(tmp_path),
        "DEBUG": "off",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=BACKEND, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.endswith("ERROR django.request: a fault\n")


def test_health__database_away__is_503_without_its_address(django_db_blocker):
    with django_db_blocker.unblock(), connected_to("postgresql://backend_app:secret@127.0.0.1:1/nowhere"):
        with pytest.raises(OperationalError):
            connection.ensure_connection()
        answer = Client().get("/health")
    assert (answer.status_code, answer["Content-Type"]) == (503, PROBLEM)
    assert not [word for word in ("127.0.0.1", "secret", "nowhere") if word in answer.content.decode()]


def test_finite__only_json_is_left():
    nan, inf = float("nan"), float("inf")
    assert finite({"a": [nan, (inf, -inf)], "b": 1.5, "c": None}) == {"a": [None, [None, None]], "b": 1.5, "c": None}


def test_schema__is_valid_and_lists_every_address(db, tmp_path):
    file = tmp_path / "openapi.yaml"
    documentation._document.cache_clear()  # what is wrong is told while it is made
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(file), format="openapi-json")
    document = json.loads(file.read_text())
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {
        "/api/auth/events",
        "/api/auth/login",
        "/api/auth/logout",
        "/api/auth/me",
        "/api/auth/me/delete",
        "/api/auth/me/preferences",
        "/api/auth/password",
        "/api/auth/register",
        "/api/auth/reset",
        "/api/auth/reset/password",
        "/api/auth/sessions",
        "/api/auth/sessions/{session_id}",
        "/api/auth/tokens",
        "/api/auth/tokens/{token_id}",
        "/api/choreography/generate",
        "/api/choreography/tasks",
        "/api/choreography/tasks/{task_id}",
        "/api/choreography/tasks/{task_id}/cancel",
        "/api/choreography/tasks/{task_id}/forget",
        "/api/choreography/tasks/{task_id}/swap",
        "/api/choreography/tasks/{task_id}/video",
        "/api/choreography/tasks/{task_id}/video/link",
        "/api/choreography/tasks/{task_id}/video/linked",
        "/api/choreography/tasks/{task_id}/timeline",
        "/api/choreography/tasks/{task_id}/captions",
        "/api/choreography/tasks/{task_id}/chapters",
        "/api/choreography/tasks/{task_id}/picture",
        "/api/collections",
        "/api/collections/labels",
        "/api/collections/labels/{label_id}",
        "/api/collections/stats",
        "/api/collections/{choreography_id}",
        "/api/collections/{choreography_id}/video",
        "/api/collections/{choreography_id}/video/link",
        "/api/collections/{choreography_id}/video/linked",
        "/api/collections/{choreography_id}/timeline",
        "/api/collections/{choreography_id}/captions",
        "/api/collections/{choreography_id}/chapters",
        "/api/collections/{choreography_id}/picture",
        "/api/collections/{choreography_id}/share",
        "/api/collections/{choreography_id}/share/link",
        "/api/favourites",
        "/api/favourites/{choreography_id}",
        "/api/public",
        "/api/public/{choreography_id}",
        "/api/public/{choreography_id}/like",
        "/api/public/{choreography_id}/thumbnail",
        "/api/public/{choreography_id}/video",
        "/api/public/{choreography_id}/timeline",
        "/api/public/{choreography_id}/captions",
        "/api/public/{choreography_id}/chapters",
        "/api/shared/{link}",
        "/api/shared/{link}/thumbnail",
        "/api/shared/{link}/video",
        "/api/shared/{link}/timeline",
        "/api/shared/{link}/captions",
        "/api/shared/{link}/chapters",
        "/api/moves",
        "/api/moves/{clip_id}",
        "/api/songs",
        "/api/choreography/tasks/{task_id}/events",
        "/api/webhooks",
        "/api/webhooks/{webhook_id}",
        "/api/webhooks/{webhook_id}/deliveries",
        "/api/webhooks/{webhook_id}/secret",
        "/api/webhooks/{webhook_id}/test",
        "/api/songs/{song_id}",
    }


def test_schema__is_public(db):
    assert Client().get("/api/schema").status_code == 200


def test_urls__of_our_own__none_ends_in_a_slash():
    def paths(patterns, prefix=""):
        for pattern in patterns:
            if getattr(pattern, "app_name", None) in {"admin", "original_addresses"}:
                continue  # the original's
            path = prefix + str(pattern.pattern)
            yield from paths(pattern.url_patterns, path) if hasattr(pattern, "url_patterns") else [path]

    assert [path for path in paths(get_resolver().url_patterns) if path.endswith("/")] == []


def test_pages__load_nothing_from_elsewhere(api):
    answer = api.get("/studio")
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    html = answer.content.decode()
    assert re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", html) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html) == []


@pytest.mark.parametrize("name", ["web/compas.css", "web/player.js", "web/icon.svg", "django_htmx/htmx-2.min.js"])
def test_static_files__are_served_without_a_build(db, name):
    answer = Client().get(f"/static/{name}")
    assert (answer.status_code, bool(answer.getvalue())) == (200, True)
