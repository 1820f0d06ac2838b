import psycopg
import pytest

from sandbox import template
from sandbox.postgres import Server

BUILDER = """
import sys
from pathlib import Path
from sandbox import template
from sandbox.postgres import Server
server = Server.attach(Path(sys.argv[1]))
def build(name):
    with server.connect() as connection:
        connection.execute("INSERT INTO build DEFAULT VALUES")
    server.create_database(name)
    if len(sys.argv) > 2:
        print("half-way", flush=True)
        sys.stdin.read()
print(template.ensure(server, "mould", build), flush=True)
"""


@pytest.fixture
def counted(server: Server) -> Server:
    """A server that counts the builds."""
    with server.connect() as connection:
        connection.execute("CREATE TABLE build (at timestamptz DEFAULT now())")
    return server


def builds(server: Server) -> int:
    with server.connect() as connection:
        return len(connection.execute("TABLE build").fetchall())


def said(child) -> str:
    output, _ = child.communicate()
    return output.decode().strip()


def test_ensure__several_processes__build_once(counted: Server, python) -> None:
    children = [python(BUILDER, counted.folder) for _ in range(3)]
    assert [said(child) for child in children] == ["mould"] * 3
    assert builds(counted) == 1
    assert counted.databases() == ["mould", "postgres"]


def test_ensure__builder_killed_half_way__the_next_one_begins_anew(counted: Server, python) -> None:
    builder = python(BUILDER, counted.folder, "wait")
    assert builder.stdout.readline() == b"half-way\n"
    builder.kill()
    builder.wait()
    assert counted.databases() == ["mould_unfinished", "postgres"]
    assert said(python(BUILDER, counted.folder)) == "mould"
    assert builds(counted) == 2
    assert counted.databases() == ["mould", "postgres"]


def test_forget__template__is_built_anew(counted: Server, python) -> None:
    assert said(python(BUILDER, counted.folder)) == "mould"
    template.forget(counted, "mould")
    assert counted.databases() == ["postgres"]
    template.forget(counted, "mould")
    assert said(python(BUILDER, counted.folder)) == "mould"
    assert builds(counted) == 2


def test_ensure__build_fails__there_is_no_template(server: Server) -> None:
    def build(name: str) -> None:
        server.create_database(name)
        raise RuntimeError("the migrations fail")

    with pytest.raises(RuntimeError, match="the migrations fail"):
        template.ensure(server, "mould", build)
    assert "mould" not in server.databases()


def test_template__takes_no_connections__so_no_session_holds_up_a_clone(server: Server) -> None:
    template.ensure(server, "mould", server.create_database)
    with pytest.raises(psycopg.OperationalError, match='database "mould" is not currently accepting connections'):
        psycopg.connect(server.url("owner", "mould"))


def test_clone__is_dropped_with_its_sessions(server: Server) -> None:
    template.ensure(server, "mould", server.create_database)
    with template.clone(server, "mould") as one, template.clone(server, "mould") as other:
        assert one.name != other.name
        session = psycopg.connect(one.url("owner"))
        session.execute("CREATE TABLE mine (id int)")
    assert server.databases() == ["mould", "postgres"]
    session.close()


def test_clone__test_fails__is_dropped_all_the_same(server: Server) -> None:
    template.ensure(server, "mould", server.create_database)
    with pytest.raises(AssertionError), template.clone(server, "mould"):
        raise AssertionError
    assert server.databases() == ["mould", "postgres"]
