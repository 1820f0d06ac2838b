"""Every test runs on the original's schema, as the role original_app."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import environ
import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client

from choreography.models import SavedChoreography
from sandbox import template
from sandbox.postgres import Database, Server
from users.models import User


def point_django_at(url: str) -> None:
    """Let all connections of this process, those of new threads too, go to this database."""
    connections.close_all()
    # The connections of every thread share this dictionary.
    connection.settings_dict.update(environ.Env.db_url_config(url))


@pytest.fixture(scope="session")
def django_db_setup(postgres: Server, original_template: str, django_db_blocker: Any) -> Iterator[None]:
    """One clone for all tests that roll back, in place of a database that Django would make."""
    with template.clone(postgres, original_template) as database, django_db_blocker.unblock():
        point_django_at(database.url("original_app"))
        with django_db_blocker.block():
            yield
        connections.close_all()


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: Any, original_database: Database) -> Iterator[Database]:
    """A clone for one test that commits; emptying a shared one takes rights that original_app lacks."""
    shared = dict(connection.settings_dict)
    with django_db_blocker.unblock():
        point_django_at(original_database.url("original_app"))
        yield original_database
        connections.close_all()
        connection.settings_dict.update(shared)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """The same algorithm as in production, with fewer iterations: a real hash takes 0.3 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PBKDF2PasswordHasher, "iterations", 1_000)
        yield


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """The media root and the engine's cache, empty; and no failed logins remembered."""
    cache.clear()
    settings.MEDIA_ROOT = tmp_path / "media"
    songs = {**settings.STORAGES["songs"], "OPTIONS": {"location": tmp_path / "media" / "songs"}}
    settings.STORAGES = {**settings.STORAGES, "songs": songs}
    settings.BACHATEO_CACHE = tmp_path / "cache"
    # Otherwise every test client would begin with a search of all static files.
    settings.WHITENOISE_AUTOREFRESH = True
    (settings.MEDIA_ROOT / "songs").mkdir(parents=True)
    return settings.MEDIA_ROOT


def make_user(username: str = "ana", **fields: Any) -> User:
    """Write a user whose password is 'secret'."""
    usual = {"email": f"{username}@example.com", "display_name": username.capitalize()}
    return User.objects.create(username=username, password=make_password("secret"), **{**usual, **fields})


def logged_in(user: User) -> Client:
    """Return a browser of this user."""
    client = Client()
    client.force_login(user)
    return client


def save_choreography(user: User, **fields: Any) -> SavedChoreography:
    """Write a choreography to the user's collection."""
    defaults = {"title": "Friday", "difficulty": "beginner", "duration": 61.4, "video_path": "output/v.mp4"}
    return SavedChoreography.objects.create(user=user, **{**defaults, **fields})
