"""Every test runs on the original's schema, adopted, as the role ``backend_app``."""

import ast
import functools
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from psycopg.conninfo import conninfo_to_dict

from apps.authentication.models import User
from sandbox import house, template
from sandbox.bucket import Bucket
from sandbox.postgres import Database
from tests import evolving

LOOKS = 6_000  # at what other sessions do, 0.01 s apart


@contextmanager
def connected_to(url: str) -> Iterator[None]:
    """Point Django at a database; in place, because the threads of a worker read the same settings."""
    wanted = conninfo_to_dict(url)
    database = connections.settings["default"]
    before = dict(database)
    connection.close()
    database.update(
        NAME=wanted["dbname"],
        USER=wanted["user"],
        PASSWORD=wanted["password"],
        HOST=wanted["host"],
        PORT=str(wanted["port"]),
        # A worker's thread closes its connection with its job instead of leaving it to the garbage.
        CONN_MAX_AGE=0,
    )
    try:
        yield
    finally:
        connection.close()
        database.update(before)


@pytest.fixture(scope="session")
def phase_template(template_at) -> str:
    """The database that this phase runs on: as adopted, or at the stage of the evolution that EVOLVED names."""
    return template_at(evolving.STAGE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """After the evolution's end there is no original any more: its tests are not collected."""
    if evolving.STAGE == "contracted":
        gone = [item for item in items if "original" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in gone]


@pytest.fixture(scope="session")
def django_db_setup(postgres, phase_template, django_db_blocker) -> Iterator[None]:
    """One clone for all tests that roll back. Nothing is made by the backend's own migrations."""
    name = f"backend_{secrets.token_hex(4)}"
    postgres.create_database(name, template=phase_template)
    with django_db_blocker.unblock(), connected_to(postgres.url("backend_app", name)):
        yield
    postgres.drop_database(name)


@pytest.fixture
def phase_database(postgres, phase_template) -> Iterator[Database]:
    """A clone for this test, to which Django is not connected."""
    with template.clone(postgres, phase_template) as database:
        yield database


@pytest.fixture
def own_database(phase_database, django_db_blocker) -> Iterator[Database]:
    """A clone for a test that commits: workers and other sessions see what it writes."""
    with django_db_blocker.unblock(), connected_to(phase_database.url("backend_app")):
        yield phase_database


def wait_until_sessions_wait(database, *, number: int = 1) -> None:
    """Return once so many sessions of this database wait for another's row."""
    wait_for_locks(database, "locktype IN ('transactionid', 'tuple')", number=number)


def wait_for_locks(database, condition: str, *, number: int = 1) -> None:
    """Return once so many locks of this database are waited for; other tests wait in other databases of the server."""
    locks = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE datname = current_database()"
    waiting = f"{locks} AND NOT granted AND {condition}"
    with psycopg.connect(database.url("owner"), autocommit=True) as observer:
        for _ in range(LOOKS):
            if observer.execute(waiting).fetchone()[0] >= number:
                return
            observer.execute("SELECT pg_sleep(0.01)")
    raise AssertionError(f"fewer than {number} sessions wait for a lock: {condition}")


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """The same algorithm as in production, with fewer iterations: a real hash takes 0.3 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1_000)
        yield


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.BACHATEO_CACHE = tmp_path / "cache"
    # Otherwise every test client would begin with a search of all static files.
    settings.WHITENOISE_AUTOREFRESH = True
    settings.MEDIA_ROOT.mkdir()
    return settings.MEDIA_ROOT


@functools.cache
def storages_of_a_process(**environment: str) -> str:
    """Return STORAGES as the settings read them from this environment."""
    command = [sys.executable, "-c", "from config import settings; print(settings.STORAGES)"]
    done = subprocess.run(
        command,
        cwd=house.ROOT / "backend",
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture
def on_bucket(bucket: Bucket, settings) -> Bucket:
    """A bucket of this test's own, in which songs and videos lie."""
    of_any = storages_of_a_process(**bucket.environment() | {"GS_BUCKET_NAME": "any-bucket"})
    settings.STORAGES = ast.literal_eval(of_any.replace("any-bucket", bucket.name))
    return bucket


@pytest.fixture(autouse=True)
def staff_without_second_factor(settings) -> None:
    """As after it was shown; tests/test_second_factor.py switches it on."""
    settings.SECOND_FACTOR = False


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


def make_user(name: str = "ana", **facts: object) -> User:
    facts = {"email": f"{name}@example.com", "display_name": name.title(), "password": "secreto"} | facts
    return User.objects.create_user(name, **facts)


@pytest.fixture
def ana(db) -> User:
    return make_user("ana")


@pytest.fixture
def ben(db) -> User:
    return make_user("ben")


@pytest.fixture
def api(ana: User) -> Client:
    """Ana's browser."""
    client = Client()
    client.force_login(ana)
    return client
