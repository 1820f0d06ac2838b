"""The backend refuses every database that was not adopted."""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from apps.choreography.models import ChoreographyTask
from config.guard import NotAdoptedError, expected_schemas
from sandbox import evolved, template
from tests.conftest import connected_to
from tests.evolving import IMPROVED, SEEN

BACKEND = Path(__file__).resolve().parent.parent


def refusal(url: str, django_db_blocker) -> str:
    with django_db_blocker.unblock(), connected_to(url):
        with pytest.raises(NotAdoptedError) as refused:
            connection.ensure_connection()
        assert connection.connection is None
    return str(refused.value)


def test_guard__names_every_table_that_both_systems_use():
    shared = ("public", settings.PHASE_SCHEMA)
    assert expected_schemas() == {
        "django_migrations": ("backend",),
        "auth_group": shared,
        "auth_group_permissions": shared,
        "auth_permission": shared,
        "choreography_tasks": shared,
        "django_admin_log": shared,
        "django_content_type": shared,
        "django_session": shared,
        "saved_choreographies": shared,
        "users": shared,
        "users_groups": shared,
        "users_user_permissions": shared,
    }


def test_guard__adopted_database__connects(own_database):
    connection.ensure_connection()
    assert connection.is_usable()


def test_guard__database_of_the_original__refuses(original_database, django_db_blocker):
    message = refusal(original_database.url("owner"), django_db_blocker)
    assert "django_migrations resolves to schema public, expected backend" in message
    assert "Run `handover adopt`" in message


def test_guard__shadow_table__refuses(phase_database, django_db_blocker):
    with psycopg.connect(phase_database.url("backend_app")) as session:
        session.execute("CREATE TABLE backend.users (id bigint)")
    message = refusal(phase_database.url("backend_app"), django_db_blocker)
    assert "users resolves to schema backend, expected public" in message
    assert "django_migrations" not in message


def test_guard__shared_table_missing__refuses(phase_database, django_db_blocker):
    with psycopg.connect(phase_database.url("owner")) as session:
        session.execute("DROP TABLE public.django_session")
    message = refusal(phase_database.url("backend_app"), django_db_blocker)
    assert "django_session resolves to no table, expected public" in message


def test_guard__message__holds_no_password(original_database, django_db_blocker):
    url = original_database.url("owner")
    password = psycopg.conninfo.conninfo_to_dict(url)["password"]
    assert password not in refusal(url, django_db_blocker)


@pytest.mark.parametrize("stage", evolved.STAGES if "COMPAS_FULL" in os.environ else ("before", "contracted"))
def test_guard__each_stage__lets_this_phase_in_where_its_shape_is(stage, template_at, postgres, django_db_blocker):
    refused = ("before", "rolled back") if IMPROVED else ("contracted",)
    with template.clone(postgres, template_at(stage)) as database:
        url = database.url("backend_app")
        if stage in refused:
            needs, found = ("uuid", "character varying") if IMPROVED else ("character varying", "uuid")
            message = refusal(url, django_db_blocker)
            assert f"needs choreography_tasks.task_id as {needs}; in database {database.name} it is {found}" in message
            assert ChoreographyTask.ADVICE in message
        else:
            with django_db_blocker.unblock(), connected_to(url):
                assert not ChoreographyTask.objects.exists()


def test_guard__shape_without_its_column__refuses(phase_database, django_db_blocker):
    with psycopg.connect(phase_database.url("owner")) as session:
        session.execute(f"ALTER TABLE {SEEN} RENAME task_id TO task_key")
    assert "it is missing" in refusal(phase_database.url("backend_app"), django_db_blocker)


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "migrate"],
        ["manage.py", "procrastinate", "worker", "--one-shot"],
        ["-c", "import config.wsgi"],
    ],
    ids=["migrate", "worker", "server"],
)
@pytest.mark.thinned(to_one_in=3)
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
