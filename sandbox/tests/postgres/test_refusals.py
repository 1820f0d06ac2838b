"""Every refusal, with the real fault planted: what it says, and that it leaves everything as it was."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.fixtures import FAST
from sandbox.postgres import Server, binaries, errors, launch
from sandbox.postgres.account import Account

RUNS_AS = "the server runs as 'nobody'"
START = """
import sys
from pathlib import Path
from sandbox.errors import SandboxError
from sandbox.postgres import Server
try:
    with Server(Path(sys.argv[1]), settings={"fsync": "off"}) as server:
        print("ready", server.pid, flush=True)
        sys.stdin.readline()
except SandboxError as error:
    print("refused", type(error).__name__, error.pid, flush=True)
"""


def test_port_taken__refuses_before_anything_is_written(place: Path, snapshot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(errors.PortTakenError, match=f"SB016  port {port} of 127.0.0.1 is taken by another"):
            Server(place / "pg", port=port).start()
    assert snapshot(place) == {}
    with Server(place / "pg", port=port, settings=FAST) as server:
        assert server.port == port, "the same port, once it is free"


def test_port_taken__existing_data__is_left_alone(place: Path, data: Path, snapshot) -> None:
    before = snapshot(place)
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(errors.PortTakenError):
        Server(data, port=other.getsockname()[1]).start()
    assert snapshot(place) == before


def test_port_taken_at_the_last_moment__another_free_one_is_found(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        ports = iter([other.getsockname()[1], launch._free_port()])
        monkeypatch.setattr(launch, "_free_port", lambda: next(ports))
        with Server(data, settings=FAST) as server:
            assert server.databases() == ["postgres"]
            assert next(ports, None) is None


@pytest.mark.parametrize("filled", [False, True])
def test_folder_of_somebody_else__refuses(place: Path, data: Path, root: None, filled: bool, snapshot) -> None:
    if not filled:
        shutil.rmtree(data)
        data.mkdir()
    os.chown(data, 12345, 12345)
    before = snapshot(place)
    with pytest.raises(errors.OwnedByAnotherError) as caught:
        Server(place / "pg").start()
    assert str(caught.value).startswith(
        f"SB012  {place}/pg belongs to '12345'; {RUNS_AS}, who must own its data folder."
    )
    assert snapshot(place) == before


def test_cluster_of_root__refuses(place: Path, data: Path, root: None) -> None:
    """An empty folder of root's is fine; a cluster of root's could not be read by the server."""
    os.chown(data, 0, 0)
    with pytest.raises(errors.OwnedByAnotherError, match=f"belongs to 'root'; {RUNS_AS}"):
        Server(data).start()


def test_folder_of_somebody_else__ordinary_user__refuses(
    place: Path, as_nobody: Callable[[Callable[[], str]], str]
) -> None:
    (place / "pg").mkdir(mode=0o700)

    def refusal(call: Callable[[], object]) -> str:
        with pytest.raises(errors.OwnedByAnotherError) as caught:
            call()
        return str(caught.value).splitlines()[0]

    expected = f"SB012  {place}/pg belongs to 'root'; {RUNS_AS}, who must own its data folder."
    assert as_nobody(lambda: refusal(Server(place / "pg").start)) == expected
    assert as_nobody(lambda: refusal(lambda: Server.attach(place / "pg"))) == expected


def test_path_too_long_for_a_socket__refuses(place: Path, snapshot) -> None:
    room = 107 - len(f"{place}//.s.PGSQL.65535")
    with pytest.raises(errors.PathTooLongError) as caught:
        Server(place / ("x" * (room + 1))).start()
    assert "would have a path of 108 bytes; the kernel takes at most 107" in str(caught.value)
    assert "whose path is 1 bytes shorter" in str(caught.value)
    assert snapshot(place) == {}
    with Server(place / ("x" * room), settings=FAST) as server:
        assert (server.folder / f".s.PGSQL.{server.port}").is_socket(), "one byte less does"


def test_private_parent__refuses(place: Path, root: None, snapshot) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)
    with pytest.raises(errors.PrivateParentError) as caught:
        Server(private / "not" / "yet" / "pg").start()
    assert str(caught.value).startswith(f"SB011  {private} is private; {RUNS_AS}")
    assert f"chmod o+x {private}" in str(caught.value)
    assert list(snapshot(place)) == ["private"]
    private.chmod(0o701)
    with Server(private / "not" / "yet" / "pg", settings=FAST) as server:
        assert server.databases() == ["postgres"], "and what it advises helps"


def test_private_parent__ordinary_user__refuses(place: Path, as_nobody: Callable[[Callable[[], str]], str]) -> None:
    private = place / "private"
    private.mkdir(mode=0o700)

    def refusal() -> str:
        with pytest.raises(errors.PrivateParentError) as caught:
            Server(private / "pg").start()
        return str(caught.value).splitlines()[0]

    assert as_nobody(refusal).startswith(f"SB011  {private} is private; {RUNS_AS}")


def test_folder_of_another_major_version__refuses_and_says_how_to_upgrade(place: Path, data: Path, snapshot) -> None:
    (data / "PG_VERSION").write_text("14\n")
    before = snapshot(place)
    with pytest.raises(errors.OtherVersionError) as caught:
        Server(data).start()
    major = binaries.major()
    assert f"SB014  {place}/pg holds data of PostgreSQL 14; this server is PostgreSQL {major}." in str(caught.value)
    assert "To upgrade: run pg_dumpall of version 14" in str(caught.value)
    assert snapshot(place) == before


def test_major__is_what_the_program_says_of_itself() -> None:
    program = binaries.programs(Account.current()) / "postgres"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(f"postgres (PostgreSQL) {binaries.major()}.")


def test_folder_with_other_files__refuses(place: Path, snapshot) -> None:
    (place / "pg").mkdir()
    (place / "pg" / "thesis.txt").write_text("ten years")
    before = snapshot(place)
    with pytest.raises(errors.NotADataFolderError, match=f"SB013  {place}/pg holds other files; expected an empty"):
        Server(place / "pg").start()
    assert snapshot(place) == before


def test_a_file_instead_of_a_folder__refuses(place: Path) -> None:
    (place / "pg").write_text("a file")
    with pytest.raises(errors.NotADataFolderError, match=f"{place}/pg is a file"):
        Server(place / "pg").start()
    assert (place / "pg").read_text() == "a file"


def test_a_cluster_that_somebody_else_made__refuses(place: Path, data: Path, snapshot) -> None:
    (data / "sandbox-passwords.json").unlink()
    before = snapshot(place)
    with pytest.raises(errors.NotADataFolderError, match=r"is a PostgreSQL cluster without sandbox-passwords\.json"):
        Server(data).start()
    assert snapshot(place) == before


def test_already_running__names_the_pid_and_leaves_that_server_alone(server: Server) -> None:
    with pytest.raises(errors.AlreadyRunningError, match=f"SB015  a server with pid {server.pid} runs on") as caught:
        Server(server.folder).start()
    assert caught.value.pid == server.pid
    assert server.databases() == ["postgres"]


def test_already_running__ordinary_start_and_stop_by_another_name(server: Server, place: Path) -> None:
    (place / "alias").symlink_to(server.folder)
    with pytest.raises(errors.AlreadyRunningError, match=f"pid {server.pid}"):
        Server(place / "alias").start()


def test_pid_file_names_a_server_elsewhere__postgresql_decides_and_we_say_what_to_do(
    server: Server, place: Path, pristine: Path
) -> None:
    """It might be a server on this folder under another name, so its pid file stays."""
    subprocess.run(["cp", "-a", pristine, place / "other"], check=True)
    with Server(place / "other", settings=FAST) as other:
        stale = (place / "other" / "postmaster.pid").read_text().splitlines()
    stale[0] = str(server.pid)
    (place / "other" / "postmaster.pid").write_text("\n".join(stale) + "\n")
    with pytest.raises(errors.AlreadyRunningError) as caught:
        other.start()
    assert f"(If {server.pid} is no PostgreSQL server, remove {place}/other/postmaster.pid.)" in str(caught.value)


def test_two_processes_start_the_same_new_folder__one_runs_and_the_other_is_told_its_pid(place: Path) -> None:
    argv = [sys.executable, "-c", START, place / "pg"]
    children = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = []
    for child in children:
        assert child.stdout is not None
        said.append(child.stdout.readline().split())
    for child in children:
        child.communicate("\n")
    ready, refused = sorted(said)
    assert ready[0] == "ready"
    assert refused == ["refused", "AlreadyRunningError", ready[1]]


def test_wrong_setting__says_what_postgresql_said_and_leaves_no_server(data: Path) -> None:
    server = Server(data, settings={**FAST, "no_such_setting": "1"})
    with pytest.raises(errors.StartFailedError) as caught:
        server.start()
    assert 'unrecognized configuration parameter "no_such_setting"' in str(caught.value)
    assert server.pid is None
    assert not (data / "postmaster.pid").exists()


@pytest.fixture
def small_disk(place: Path, root: None) -> Iterator[Path]:
    """A file system of 64 MB."""
    disk = place / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m,mode=0755", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small disk: mounting is not permitted here ({done.stderr.strip()})")
    yield disk
    subprocess.run(["umount", disk], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        free = os.statvfs(disk)
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_bsize)
    return ballast


def test_disk_full__new_folder__refuses_and_leaves_nothing(small_disk: Path) -> None:
    with (small_disk / "ballast").open("wb") as file:
        file.write(bytes(40 << 20))
    with pytest.raises(errors.DiskFullError) as caught:
        Server(small_disk / "pg").start()
    assert str(caught.value).startswith(f"SB017  the disk of {small_disk}")
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_disk_full__existing_folder__refuses_and_works_again_with_room(
    small_disk: Path, pristine: Path, snapshot
) -> None:
    subprocess.run(["cp", "-a", pristine, small_disk], check=True)
    with Server(small_disk / "pg", settings=FAST) as server:
        server.create_database("kept")
    (small_disk / "pg" / "sandbox.log").unlink()
    ballast = fill(small_disk)
    before = snapshot(small_disk / "pg")
    with pytest.raises(errors.DiskFullError, match="is full"):
        server.start()
    after = snapshot(small_disk / "pg")
    assert {name: after[name] for name in before} == before
    ballast.unlink()
    with server:
        assert server.databases() == ["kept", "postgres"]


def test_mount_point_itself__refuses_and_a_folder_inside_does(small_disk: Path) -> None:
    with pytest.raises(errors.NotADataFolderError, match="is a mount point"):
        Server(small_disk).start()
    with Server(small_disk / "pg", settings=FAST) as server:
        assert server.databases() == ["postgres"]


def test_attach__nothing_runs__says_how_to_start(place: Path) -> None:
    with pytest.raises(errors.NotRunningError, match=f"SB019  no server is ready on {place}/pg"):
        Server.attach(place / "pg")


def test_url__not_started__refuses(place: Path) -> None:
    with pytest.raises(errors.NotRunningError, match=r"Start it: python -m sandbox\.postgres"):
        Server(place / "pg").url("owner", "postgres")


def test_url__unknown_role__names_the_known_ones(server: Server) -> None:
    with pytest.raises(errors.UnknownRoleError, match="SB021  there is no role 'admin' here") as caught:
        server.url("admin", "postgres")
    assert caught.value.known == ("postgres", "owner", "original_app", "backend_app")


def test_the_helper_sees_a_change(place: Path, snapshot) -> None:
    """The comparisons above would notice."""
    (place / "a").write_text("1")
    before = snapshot(place)
    (place / "a").chmod(0o600)
    assert snapshot(place) != before
