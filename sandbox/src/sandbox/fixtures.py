"""Shared pytest fixtures: a real server, and a database on it for each test."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from sandbox import evolved, house, template
from sandbox.bucket import Bucket, BucketServer, NoBucketServerError
from sandbox.long_run import pytest_collection_modifyitems, pytest_configure
from sandbox.postgres import Database, Server
from sandbox.postgres.cluster import ROLES
from sandbox.search import SearchServer
from sandbox.search.node import MISSING, SearchNode, installed

__all__ = ["pytest_collection_modifyitems", "pytest_configure"]  # hooks, which pytest finds here

# What a test server may lose when the machine loses power.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
MEMORY = Path("/dev/shm")  # noqa: S108 - below it, mkdtemp makes the folder
MEMORY_NEEDED = 1 << 30
# One sentence for all machines: the list of allowed skips names it.
NO_BUCKET = "fake-gcs-server does not run on this machine"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Give the settings of both systems an environment.

    As a wrapper it comes before every plain hook, so before pytest-django's, which loads the settings.
    """
    _set_environment(early_config)
    return (yield)


def _set_environment(config: pytest.Config) -> None:
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    if "SECRET_KEY" not in os.environ:
        patch.setenv("SECRET_KEY", secrets.token_urlsafe(48))
    if "DATABASE_URL" not in os.environ:
        # No server can listen there: a test that names no database of its own touches none.
        patch.setenv("DATABASE_URL", "postgresql://unset@127.0.0.1:1/unset")
    if "MEDIA_ROOT" not in os.environ:
        media = tempfile.mkdtemp(prefix="sandbox-media-")
        config.add_cleanup(lambda: shutil.rmtree(media))
        patch.setenv("MEDIA_ROOT", media)


@contextmanager
def server_for_this_run(**settings: str) -> Iterator[Server]:
    """Give a fresh server with these settings, in memory where there is room, that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="sandbox-", dir=roomy_place()) as place:
        Path(place).chmod(0o711)  # the server may run as another user than this process
        with Server(Path(place) / "postgres", settings=FAST | settings) as server:
            _make_passwords_cheap(server)
            yield server


def _make_passwords_cheap(server: Server) -> None:
    """Let a log-in take one round of hashing instead of 4096: milliseconds on both sides, thousands of times."""
    with server.connect() as connection:
        if not connection.execute("SELECT FROM pg_settings WHERE name = 'scram_iterations'").rowcount:
            return  # PostgreSQL 15 and older
        connection.execute("ALTER SYSTEM SET scram_iterations = 1")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("SET scram_iterations = 1")
        for (role,) in connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(ROLES)]
        ).fetchall():
            password = str(conninfo_to_dict(server.url(role, "postgres"))["password"])
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server in the folder that SANDBOX_POSTGRES names, else one for this run."""
    if folder := os.environ.get("SANDBOX_POSTGRES"):
        yield Server.attach(Path(folder))
        return
    with server_for_this_run() as server:
        yield server


def roomy_place() -> Path | None:
    """Return memory that has room, else None, which means the usual place for temporary files."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED:
        return MEMORY
    return None


@pytest.fixture(scope="session")
def original_template(postgres: Server) -> str:
    """The name of a database as the original's migrations make it, to be cloned."""
    return template.ensure(postgres, "original_template", lambda name: house.build_original(postgres, name))


@pytest.fixture(scope="session")
def adopted_template(postgres: Server, original_template: str) -> str:
    """The name of a database that the backend was taken into, to be cloned."""
    return template.ensure(
        postgres, "adopted_template", lambda name: house.build_adopted(postgres, name, original_template)
    )


@pytest.fixture(scope="session")
def template_at(postgres: Server, adopted_template: str) -> Callable[[str], str]:
    """Return the name of the database at a stage of the evolution to Phase 2, to be cloned."""
    return partial(evolved.template_at, postgres, adopted_template)


@pytest.fixture
def original_database(postgres: Server, original_template: str) -> Iterator[Database]:
    """The original's database, a clone for this test."""
    with template.clone(postgres, original_template) as database:
        yield database


@pytest.fixture
def adopted_database(postgres: Server, adopted_template: str) -> Iterator[Database]:
    """The original's database after the backend was taken in, a clone for this test."""
    with template.clone(postgres, adopted_template) as database:
        yield database


@pytest.fixture(scope="session")
def elasticsearch_url() -> Iterator[str]:
    """The Elasticsearch that ELASTICSEARCH_URL names, else a stand-in for this run."""
    if url := os.environ.get("ELASTICSEARCH_URL"):
        yield url
        return
    with SearchServer() as server:
        yield server.url


@pytest.fixture(scope="session")
def elasticsearch_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Elasticsearch node for this run."""
    if not installed():
        pytest.skip(MISSING)
    with SearchNode(tmp_path_factory.mktemp("elasticsearch")) as node:
        yield node.url


@pytest.fixture(scope="session")
def moves_library() -> Path:
    """The folder of the drawn starter library."""
    return house.moves_library()


@pytest.fixture(scope="session")
def demo_song() -> Path:
    """A short synthesised mp3."""
    return house.demo_song()


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[BucketServer]:
    """Google's object storage, for this run."""
    server = BucketServer()
    try:
        server.start()
    except NoBucketServerError:
        pytest.skip(NO_BUCKET)
    yield server
    server.stop()


@pytest.fixture
def bucket(bucket_server: BucketServer) -> Bucket:
    """An empty bucket of this test's own."""
    return bucket_server.create_bucket()
