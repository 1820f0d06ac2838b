"""The backend refuses every database that was not adopted."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from config.guard import NotAdoptedError, expected_schemas
from tests.conftest import connected_to

BACKEND = Path(__file__).resolve().parent.parent


def refusal(url: str, django_db_blocker) -> str:
    with django_db_blocker.unblock(), connected_to(url):
        with pytest.raises(NotAdoptedError) as refused:
            connection.ensure_connection()
        assert connection.connection is None
    return str(refused.value)


def test_guard__names_every_table_that_both_systems_use():
    assert expected_schemas() == {
        "django_migrations": "backend",
        "auth_group": "public",
        "auth_group_permissions": "public",
        "auth_permission": "public",
        "choreography_tasks": "public",
        "django_admin_log": "public",
        "django_content_type": "public",
        "django_session": "public",
        "saved_choreographies": "public",
        "users": "public",
        "users_groups": "public",
        "users_user_permissions": "public",
    }


def test_guard__adopted_database__connects(own_database):
    connection.ensure_connection()
    assert connection.is_usable()


def test_guard__database_of_the_original__refuses(original_database, django_db_blocker):
    message = refusal(original_database.url("owner"), django_db_blocker)
    assert "django_migrations resolves to schema public, expected backend" in message
    assert "Run `handover adopt`" in message


def test_guard__shadow_table__refuses(adopted_database, django_db_blocker):
    with psycopg.connect(adopted_database.url("backend_app")) as session:
        session.execute("CREATE TABLE backend.users (id bigint)")
    message = refusal(adopted_database.url("backend_app"), django_db_blocker)
    assert "users resolves to schema backend, expected public" in message
    assert "django_migrations" not in message


def test_guard__shared_table_missing__refuses(adopted_database, django_db_blocker):
    with psycopg.connect(adopted_database.url("owner")) as session:
        session.execute("DROP TABLE public.django_session")
    message = refusal(adopted_database.url("backend_app"), django_db_blocker)
    assert "django_session resolves to no table, expected public" in message


def test_guard__message__holds_no_password(original_database, django_db_blocker):
    url = original_database.url("owner")
    password = psycopg.conninfo.conninfo_to_dict(url)["password"]
    assert password not in refusal(url, django_db_blocker)


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "migrate"],
        ["manage.py", "procrastinate", "worker", "--one-shot"],
        ["-c", "import config.wsgi"],
    ],
    ids=["migrate", "worker", "server"],
)
def test_start__database_of_the_original__refuses_and_adds_nothing(command, original_database, tmp_path):
    url = original_database.url("owner")
    ended = subprocess.run(
        [sys.executable, *command],
        cwd=BACKEND,
        env={**os.environ, "DATABASE_URL": url, "MEDIA_ROOT": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode != 0
    assert "is not adopted: django_migrations resolves to schema public, expected backend" in ended.stderr
    with psycopg.connect(url) as session:
        tables = session.execute("SELECT to_regclass('procrastinate_jobs'), to_regclass('songs')").fetchone()
    assert tables == (None, None)


def test_settings__loading_them__connects_to_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import django; django.setup(); print('loaded')"],
        cwd=BACKEND,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": "postgresql://unknown@127.0.0.1:1/nowhere",
            "MEDIA_ROOT": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("loaded\n", 0), done.stderr
