"""A decoder that was taken over reads no other file, writes none, opens no socket and starts no process."""

from __future__ import annotations

import logging
import os
import resource
from pathlib import Path

import pytest

from bachateo import isolation
from bachateo.confinement import landlock, seccomp
from bachateo.confinement.grants import code_folders
from bachateo.confinement.refused import REFUSED
from bachateo.isolation import UnexpectedError, run_limited

needs_landlock = pytest.mark.skipif(not landlock.version(), reason="this kernel has no Landlock")

# What a hostile child tries, each within its own process or harmless to others.
FILES = {
    "read the list of users": "open('/etc/passwd').read()",
    "read another's song": "open({other!r}).read()",
    "read the service's passwords": "open(f'/proc/{{os.getppid()}}/environ').read()",
    "list a folder": "os.listdir({folder!r})",
    "write a new file": "open({new!r}, 'w')",
    "write the file that it reads": "open({song!r}, 'a')",
    "write beside its own code": "open({code!r} + '/bachateo/hidden.py', 'w')",
}
CALLS = {
    "open a socket": "import socket; socket.socket()",
    "open a local socket": "import socket; socket.socketpair()",
    "fork": "os._exit(0) if os.fork() == 0 else os.wait()",
    "run a program": "os.execv('/bin/true', ['true'])",
    "start a program": "os.posix_spawn('/bin/true', ['true'], {{}})",
    "signal its parent": "os.kill(os.getppid(), 0)",
    "delete another's file": "os.unlink({other!r})",
    "change the rights of a file": "os.chmod({song!r}, 0o777)",
    "rename its file": "os.rename({song!r}, {new!r})",
    "trace a process": "import ctypes\nif ctypes.CDLL(None).ptrace(0, 0, 0, 0) < 0: raise PermissionError(1, '')",
}


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    for name in ("song", "other"):
        (tmp_path / name).write_text(name)
    own = {name: str(tmp_path / name) for name in ("song", "other", "new")}
    return {**own, "folder": str(tmp_path), "code": str(Path(isolation.__file__).parents[1])}


@pytest.fixture
def unconfined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of the child, but for the one call that confines it."""
    program = isolation.CHILD.read_text()
    call = 'importlib.import_module("bachateo.confinement").confine(request["reads"], request["writes"])'
    assert program.count(call) == 1
    (tmp_path / "unconfined.py").write_text(program.replace(call, "[]"))
    monkeypatch.setattr(isolation, "CHILD", tmp_path / "unconfined.py")


def attack(what: str, places: dict[str, str]) -> None:
    song = Path(places["song"])
    attempt = f"import os\n{what.format(**places)}"
    run_limited("builtins.exec", attempt, about="song", reads=[song])


@needs_landlock
@pytest.mark.parametrize("what", FILES)
def test_confined_child__other_files__are_refused(what: str, places: dict[str, str]) -> None:
    with pytest.raises(PermissionError):
        attack(FILES[what], places)


@pytest.mark.parametrize("what", CALLS)
def test_confined_child__calls_that_no_decoder_needs__are_refused(what: str, places: dict[str, str]) -> None:
    with pytest.raises(PermissionError):
        attack(CALLS[what], places)
    assert Path(places["other"]).exists()


@pytest.mark.usefixtures("unconfined")
def test_unconfined_child__the_same_attempts__succeed(places: dict[str, str]) -> None:
    """The control: without the confinement each attempt works on this machine."""
    # The last ones destroy; this one would stay.
    attempts = {**FILES, **CALLS}
    del attempts["write beside its own code"]
    for what in sorted(attempts, key=lambda name: name.startswith(("delete", "rename"))):
        if what == "run a program":
            with pytest.raises(isolation.SongError, match=r"crashed the decoder"):
                attack(attempts[what], places)  # the other program answered nothing
            continue
        attack(attempts[what], places)


def test_confined_child__its_own_file_and_output__are_read_and_written(places: dict[str, str]) -> None:
    new = Path(places["new"])
    new.touch()
    run_limited("shutil.copyfile", places["song"], str(new), about="x", reads=[Path(places["song"])], writes=[new])

    assert new.read_text() == "song"


def test_confined_child__threads__may_be_started() -> None:
    run_limited("builtins.exec", "import threading as t; a = t.Thread(target=print); a.start(); a.join()", about="x")


def test_confined_child__limits__cannot_be_raised_and_processes_are_counted() -> None:
    running, _ = run_limited("resource.getrlimit", resource.RLIMIT_NPROC, about="x")
    assert 0 < running < 1_000_000
    with pytest.raises((PermissionError, UnexpectedError)):
        run_limited("resource.setrlimit", resource.RLIMIT_CPU, [500, 500], about="x")


def test_decoder__when_it_is_confined__has_one_thread() -> None:
    """Landlock holds the thread that asks for it and its children; imports may not have started others."""
    counting = (
        "import bachateo.moves.ingest.clip, bachateo.media.sound, os\n"
        "raise RuntimeError(f'threads: {len(os.listdir(\"/proc/self/task\"))}')"
    )
    with pytest.raises(UnexpectedError, match="threads: 1"):
        run_limited("builtins.exec", counting, about="x", reads=[Path("/proc")])


def test_code_folders__folder_of_an_application__is_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code_folders.cache_clear()
    monkeypatch.syspath_prepend(tmp_path)
    found = code_folders()
    code_folders.cache_clear()

    assert str(tmp_path) not in found
    assert str(Path(isolation.__file__).parents[1]) in found


def test_run_limited__kernel_without_both__says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    program = isolation.CHILD.read_text()
    lacks = 'importlib.import_module("bachateo.confinement.landlock").version = int'
    lacking = program.replace("missing = importlib", f"{lacks}\n        missing = importlib")
    (tmp_path / "lacking.py").write_text(lacking)
    monkeypatch.setattr(isolation, "CHILD", tmp_path / "lacking.py")
    isolation._tell_unconfined.cache_clear()

    with caplog.at_level(logging.WARNING, "bachateo"):
        for _ in range(2):
            assert run_limited("operator.add", 2, 3, about="two numbers") == 5

    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "This kernel offers no Landlock to limited children"
    ]


# The kernel's arithmetic, for processors that are not under this test.
def verdict(machine: seccomp.Machine, number: int, arguments: tuple[int, ...] = (), *, audit: int | None = None) -> int:
    data = {seccomp.CALL: number, seccomp.MACHINE: machine.audit if audit is None else audit}
    for place, argument in enumerate((*arguments, *[0] * (6 - len(arguments)))):
        data[seccomp.ARGUMENT + 8 * place] = argument & 0xFFFFFFFF
        data[seccomp.ARGUMENT + 8 * place + 4] = argument >> 32
    steps, at, loaded = seccomp.program(machine, pid=77), 0, 0
    while True:
        code, yes, no, k = steps[at]
        at += 1
        if code == seccomp.RETURN:
            return k
        if code == seccomp.LOAD:
            loaded = data[k]
            continue
        holds = {
            seccomp.JUMP_EQUAL: loaded == k,
            seccomp.JUMP_AT_LEAST: loaded >= k,
            seccomp.JUMP_BITS: bool(loaded & k),
        }[code]
        at += yes if holds else no


@pytest.mark.parametrize("name", seccomp.MACHINES)
def test_program__each_processor__refuses_every_call_of_the_list_and_allows_the_rest(name: str) -> None:
    machine = seccomp.MACHINES[name]
    refused = {entry[machine.column] for entry in REFUSED if entry[machine.column] is not None}
    special = {machine.clone, machine.clone3, machine.kill, machine.tgkill, machine.prlimit}

    found = {number: verdict(machine, number) & 0xFFFF0000 for number in range(500) if number not in special}

    assert {number for number, answer in found.items() if answer == seccomp.REFUSE} == refused
    assert set(found.values()) == {seccomp.REFUSE, seccomp.ALLOW}


@pytest.mark.parametrize("name", seccomp.MACHINES)
def test_program__calls_that_depend_on_their_arguments__are_told_apart(name: str) -> None:
    m = seccomp.MACHINES[name]
    refused = seccomp.REFUSE | 1

    assert verdict(m, m.clone, (0x11,)) == refused  # a process
    assert verdict(m, m.clone, (0x3D0F00,)) == seccomp.ALLOW  # a thread
    assert verdict(m, m.clone3) == seccomp.REFUSE | 38  # the C library falls back to clone
    assert verdict(m, m.kill, (77, 6)) == verdict(m, m.tgkill, (77, 77, 6)) == seccomp.ALLOW
    assert verdict(m, m.kill, (1, 9)) == verdict(m, m.tgkill, (1, 1, 9)) == refused
    assert verdict(m, m.prlimit, (0, 7, 0, 1)) == seccomp.ALLOW  # limits are read
    assert verdict(m, m.prlimit, (0, 7, 1 << 40)) == verdict(m, m.prlimit, (0, 7, 8)) == refused
    assert verdict(m, 0, audit=1) == seccomp.KILL
    assert verdict(m, seccomp.X32) == refused


def test_machines__this_one__is_known() -> None:
    assert os.uname().machine in seccomp.MACHINES
