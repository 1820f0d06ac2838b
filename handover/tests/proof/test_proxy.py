import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from handover.proof.proxy import proxy


def through(url: str, port: int) -> str:
    return make_conninfo(url, host="127.0.0.1", port=str(port))


def place(url: str) -> tuple[str, int]:
    found = conninfo_to_dict(url)
    return str(found["host"]), int(str(found["port"]))


def test_cut__session_under_way__is_lost_and_the_next_one_works(original_database):
    url = original_database.url("owner")
    with proxy(*place(url)) as way:
        session = psycopg.connect(through(url, way.port), autocommit=True)
        assert session.execute("SELECT 1").fetchone() == (1,)
        assert way.cut() == 1
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 2")
        with psycopg.connect(through(url, way.port)) as again:
            assert again.execute("SELECT 3").fetchone() == (3,)


def test_cut__no_connection_is_open__counts_none(original_database):
    with proxy(*place(original_database.url("owner"))) as way:
        assert way.cut() == 0


def test_proxy__socket_folder__is_reached(original_database):
    url = original_database.url("owner")
    folder = str(original_database.server.folder)
    with proxy(folder, place(url)[1]) as way, psycopg.connect(through(url, way.port)) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_proxy__database_does_not_listen__closes_the_client(original_database):
    with proxy("127.0.0.1", 1) as way, pytest.raises(psycopg.OperationalError):
        psycopg.connect(through(original_database.url("owner"), way.port))


def test_point_at__another_server__ends_the_session_and_leads_the_next_one_there(original_database):
    url = original_database.url("owner")
    with proxy(*place(url)) as way:
        session = psycopg.connect(through(url, way.port), autocommit=True)
        assert way.point_at("127.0.0.1", 1) == 1  # no server listens there
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(through(url, way.port))
        way.point_at(*place(url))
        with psycopg.connect(through(url, way.port)) as again:
            assert again.execute("SELECT 2").fetchone() == (2,)
