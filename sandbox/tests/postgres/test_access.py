"""Who gets in, from where, and what each role may do."""

import os
import stat
from pathlib import Path

import psycopg
import pytest

from sandbox.fixtures import FAST
from sandbox.postgres import Server, data_folder
from sandbox.postgres.cluster import ROLES


def listening(pid: int, port: int) -> set[str]:
    """Return the addresses that any program listens on at the port, from the kernel's tables (proc(5))."""
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A" and int(row[1].partition(":")[2], 16) == port}


def test_listens_on_loopback_only__whatever_the_settings_say(data: Path) -> None:
    with Server(data, settings={**FAST, "listen_addresses": "*"}) as server:
        assert server.port is not None
        assert listening(os.getpid(), server.port) == {"0100007F"}
        assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700, "no other user gets to the socket in it"


def test_passwords__are_in_one_private_file_and_nowhere_else(server: Server) -> None:
    passwords = data_folder.read_passwords(server.folder)
    assert set(passwords) == set(ROLES)
    assert len({*passwords.values()}) == len(ROLES)
    with server.connect() as connection, pytest.raises(psycopg.errors.UndefinedObject):
        connection.execute(f"ALTER ROLE missing_role PASSWORD '{passwords['owner']}'")  # type: ignore[arg-type]
    holders = set()
    for path in server.folder.rglob("*"):
        if path.is_file() and any(word.encode() in path.read_bytes() for word in passwords.values()):
            holders.add((path.name, stat.S_IMODE(path.stat().st_mode)))
    assert holders == {("sandbox-passwords.json", 0o600)}
    assert 'role "missing_role" does not exist' in (server.folder / "sandbox.log").read_text()
    command_line = Path(f"/proc/{server.pid}/cmdline").read_bytes()
    assert not [word for word in passwords.values() if word.encode() in command_line]


def test_passwords__differ_between_folders(server: Server, place: Path) -> None:
    with Server(place / "other", settings=FAST):
        pass
    ours, theirs = (data_folder.read_passwords(folder) for folder in (server.folder, place / "other"))
    assert not {*ours.values()} & {*theirs.values()}


@pytest.mark.parametrize("by_socket", [False, True])
@pytest.mark.parametrize("role", ["postgres", "owner", "original_app"])
def test_without_the_password__no_client_gets_in(server: Server, role: str, by_socket: bool) -> None:
    host = str(server.folder) if by_socket else "127.0.0.1"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=host, port=server.port, user=role, dbname="postgres", password="guess")
    password = data_folder.read_passwords(server.folder)[role]
    psycopg.connect(host=host, port=server.port, user=role, dbname="postgres", password=password).close()


def test_passwords__are_kept_as_scram_by_the_server(server: Server) -> None:
    with server.connect() as connection:
        kept = connection.execute("SELECT rolname FROM pg_authid WHERE rolpassword LIKE 'SCRAM-SHA-256$%' ORDER BY 1")
        assert [name for (name,) in kept] == ["original_app", "owner", "postgres"]


def test_roles__are_what_a_managed_postgresql_gives(server: Server) -> None:
    with server.connect() as connection:
        rows = connection.execute(
            """SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin,
                      pg_has_role(oid, 'pg_monitor', 'member')
               FROM pg_roles WHERE rolname IN ('owner', 'original_app', 'backend_app') ORDER BY 1"""
        ).fetchall()
    assert rows == [
        ("original_app", False, False, False, False, False, True, False),
        ("owner", False, True, True, False, False, True, True),
    ]


def test_create_database__owner_owns_it_and_its_public_schema(server: Server) -> None:
    server.create_database("house")
    with psycopg.connect(server.url("owner", "house")) as connection:
        connection.execute("CREATE TABLE dance (id int)")
        connection.execute("CREATE SCHEMA more")
        shown = connection.execute(
            """SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), current_setting('timezone'),
                      CASE WHEN datlocprovider = 'c' THEN datcollate ELSE to_jsonb(d) ->> 'datlocale' END
               FROM pg_database d WHERE datname = current_database()"""
        ).fetchone()
    assert shown == ("owner", "UTF8", "UTC", "C.UTF-8")


def test_create_database__others_may_create_nothing_there(server: Server) -> None:
    server.create_database("house")
    with (
        psycopg.connect(server.url("original_app", "house")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for schema public"),
    ):
        connection.execute("CREATE TABLE dance (id int)")


def test_url__backend_app__works_once_the_role_is_made_with_that_password(server: Server) -> None:
    server.create_database("house")
    url = server.url("backend_app", "house")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)
    password = psycopg.conninfo.conninfo_to_dict(url)["password"]
    with psycopg.connect(server.url("owner", "house")) as connection:
        connection.execute(psycopg.sql.SQL("CREATE ROLE backend_app LOGIN PASSWORD {}").format(password))
    psycopg.connect(url).close()
