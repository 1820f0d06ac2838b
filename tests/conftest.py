"""Both systems, running on one database."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox import template
from sandbox.ports import free_port
from sandbox.systems import Place, Systems, running
from tests import practice
from tests.journeys import SONG, Guest
from tests.people import PASSWORD, Browser, share_cookies

if TYPE_CHECKING:
    import playwright.sync_api


@pytest.fixture(scope="session")
def systems(postgres, adopted_template, moves_library, tmp_path_factory) -> Iterator[Systems]:
    """The original, the backend and its worker, for all tests of this run."""
    place = Place(tmp_path_factory.mktemp("house"), moves_library)
    with started(postgres, adopted_template, place) as both:
        yield both


@pytest.fixture(scope="session")
def systems_on_a_bucket(
    postgres, adopted_template, moves_library, tmp_path_factory, bucket_server
) -> Iterator[Systems]:
    """The same on a database of their own, with songs and videos in a bucket."""
    place = Place(tmp_path_factory.mktemp("house"), moves_library, bucket_server.create_bucket())
    with started(postgres, adopted_template, place) as both:
        yield both


@contextmanager
def started(postgres, adopted_template, place: Place) -> Iterator[Systems]:
    with (
        template.clone(postgres, adopted_template) as database,
        running(database, place, port=free_port(), original_port=free_port()) as both,
    ):
        yield both


@pytest.fixture(scope="module")
def chromium() -> Iterator["playwright.sync_api.Browser"]:
    """One real browser for the tests of a module."""
    with practice.chromium() as opened:
        yield opened


@pytest.fixture
def visitor(systems: Systems) -> Iterator[Browser]:
    """A browser without a login."""
    with browser(systems) as one:
        yield one


@contextmanager
def browser(systems: Systems) -> Iterator[Browser]:
    with (
        httpx.Client(base_url=systems.backend_url, timeout=60) as backend,
        httpx.Client(base_url=systems.original_url, timeout=60) as original,
    ):
        yield Browser(f"dancer{secrets.token_hex(4)}", backend, original)


@pytest.fixture
def dancer(visitor: Browser) -> Browser:
    """A browser registered and logged in on the backend; the original gets the same cookies."""
    return registered(visitor)


@pytest.fixture
def thief(systems: Systems) -> Iterator[Browser]:
    """Another such browser."""
    with browser(systems) as other:
        yield registered(other)


def registered(visitor: Browser) -> Browser:
    account = {"username": visitor.name, "email": f"{visitor.name}@example.org", "display_name": "Ana"}
    answer = visitor.backend.post("/api/auth/register", json=account | {"password": PASSWORD})
    assert answer.status_code == 201, answer.text
    share_cookies(visitor.backend, visitor.original)
    return visitor


@pytest.fixture
def song_in_the_house(systems: Systems, demo_song: Path) -> str:
    """A song that lies where the original's songs do."""
    systems.place.put_song("Noche.mp3", demo_song.read_bytes())
    return "Noche.mp3"


@pytest.fixture(scope="session")
def guest(systems: Systems, demo_song: Path) -> Iterator[Guest]:
    """The backend with a song, and a dancer who has an account there."""
    song = demo_song.read_bytes()
    systems.place.put_song(f"{SONG}.mp3", song)
    with browser(systems) as visitor:
        yield Guest(systems.backend_url, registered(visitor), song)
