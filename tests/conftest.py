"""Both systems, running on one database."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import httpx
import pytest

from sandbox import house, template
from sandbox.cloud_run import CloudRun
from sandbox.fixtures import roomy_place
from sandbox.hosts import MISSING as NO_HOSTS
from sandbox.hosts import can_be_made
from sandbox.pooler import MISSING as NO_POOLER
from sandbox.pooler import Pooler, program
from sandbox.ports import free_port
from sandbox.systems import Place, Systems, running
from tests import practice
from tests.far_workers import workers_on_hosts
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


@pytest.fixture(scope="session")
def systems_with_elasticsearch(
    postgres, adopted_template, moves_library, tmp_path_factory, elasticsearch_node
) -> Iterator[Systems]:
    """The same, with the moves in a real Elasticsearch."""
    library = str(moves_library)
    subprocess.run(
        [house.PROGRAMS / "bachateo", "library", "index", library, "--elasticsearch", elasticsearch_node],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    place = Place(tmp_path_factory.mktemp("house"), moves_library, more={"ELASTICSEARCH_URL": elasticsearch_node})
    with started(postgres, adopted_template, place) as both:
        yield both


@pytest.fixture(scope="session")
def systems_on_cloud_run(postgres, adopted_template, moves_library, tmp_path_factory) -> Iterator[Systems]:
    """The same, with an execution of Cloud Run for each video; the worker only sweeps."""
    place = Place(tmp_path_factory.mktemp("house"), moves_library)
    command = [sys.executable, "manage.py"]
    with template.clone(postgres, adopted_template) as database:
        environment = place.environment(database.url("backend_app"))
        with (
            CloudRun(place.folder / "run", command, cwd=house.ROOT / "backend", environment=environment) as job,
            running(
                database, replace(place, more=job.environment()), port=free_port(), original_port=free_port()
            ) as both,
        ):
            yield both


@pytest.fixture(scope="session")
def systems_behind_pgbouncer(postgres, adopted_template, moves_library, tmp_path_factory) -> Iterator[Systems]:
    """The same; the backend and its worker reach the database through pgbouncer, in transaction mode."""
    if program() is None:
        pytest.skip(NO_POOLER)
    with (
        TemporaryDirectory(prefix="pooler-", dir=roomy_place()) as folder,
        Pooler(postgres, Path(folder)) as before,
        started(
            postgres, adopted_template, PooledPlace(tmp_path_factory.mktemp("house"), moves_library, before=before)
        ) as both,
    ):
        yield both


@dataclass(frozen=True)
class PooledPlace(Place):
    """A place whose backend finds the database behind a pooler."""

    before: Pooler | None = None

    def environment(self, database_url: str) -> dict[str, str]:
        """Return the environment of a system; the original leads to the database itself."""
        direct = super().environment(database_url)
        if "backend_app" not in database_url or self.before is None:
            return direct
        return direct | {"DATABASE_URL": self.before.url(database_url), "DATABASE_POOLER": "pgbouncer"}


@pytest.fixture(scope="session")
def systems_on_three_hosts(
    postgres, adopted_template, moves_library, tmp_path_factory, bucket_server
) -> Iterator[Systems]:
    """The same on a bucket, with workers on three hosts that share nothing but the database and the bucket."""
    if not can_be_made():
        pytest.skip(NO_HOSTS)
    folder = tmp_path_factory.mktemp("house")
    place = Place(folder, moves_library, bucket_server.create_bucket(), more={"PARALLEL_RUNNING_LIMIT": "3"})
    with (
        started(postgres, adopted_template, place, has_worker=False) as both,
        workers_on_hosts(both, folder, number=3),
    ):
        yield both


@contextmanager
def started(postgres, adopted_template, place: Place, *, has_worker: bool = True) -> Iterator[Systems]:
    with (
        template.clone(postgres, adopted_template) as database,
        running(database, place, port=free_port(), original_port=free_port(), has_worker=has_worker) as both,
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
