from collections.abc import Iterator

import psycopg
import pytest

from sandbox.postgres import Database, Server
from sandbox.postgres.errors import TemplateInUseError


@pytest.fixture
def source(postgres: Server) -> Iterator[str]:
    """A database with one table, on the run's server."""
    postgres.create_database("source")
    with psycopg.connect(postgres.url("owner", "source")) as connection:
        connection.execute("CREATE TABLE dance AS SELECT 'bachata' AS name")
    yield "source"
    postgres.drop_database("source")


def test_create_database__template__copies_it(postgres: Server, source: str) -> None:
    postgres.create_database("copy", template=source)
    try:
        with psycopg.connect(Database("copy", postgres).url("owner")) as connection:
            assert connection.execute("TABLE dance").fetchall() == [("bachata",)]
        assert {"source", "copy"} <= {*postgres.databases()}
    finally:
        postgres.drop_database("copy")
    assert "copy" not in postgres.databases()


def test_create_database__template_has_sessions__names_them_and_makes_nothing(postgres: Server, source: str) -> None:
    with psycopg.connect(postgres.url("owner", source), application_name="forgotten") as session:
        with pytest.raises(TemplateInUseError) as caught:
            postgres.create_database("copy", template=source)
        pid = session.info.backend_pid
    assert str(caught.value).startswith("SB020  database 'source' has sessions; PostgreSQL copies only")
    assert caught.value.sessions == (f"pid {pid}, role owner, idle, forgotten",)
    assert "copy" not in postgres.databases()


def test_drop_database__sessions__are_cut(postgres: Server) -> None:
    postgres.create_database("doomed")
    session = psycopg.connect(postgres.url("owner", "doomed"))
    postgres.drop_database("doomed")
    with pytest.raises(psycopg.errors.AdminShutdown):
        session.execute("SELECT 1")
    session.close()


def test_drop_database__unknown__says_so(postgres: Server) -> None:
    with pytest.raises(psycopg.errors.InvalidCatalogName, match='database "never_made" does not exist'):
        postgres.drop_database("never_made")


def test_names__are_quoted(postgres: Server) -> None:
    name = 'o"dd; DROP'
    postgres.create_database(name)
    assert name in postgres.databases()
    postgres.drop_database(name)


def test_attach__does_everything_but_stop(server: Server) -> None:
    attached = Server.attach(server.folder)
    assert attached.pid is None
    attached.create_database("made_from_afar")
    assert attached.url("owner", "x") == server.url("owner", "x")
    attached.stop()
    assert server.databases() == ["made_from_afar", "postgres"]
