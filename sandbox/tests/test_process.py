import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from sandbox import process

# A parent that starts a child in the way of its first argument, says the child's pid, and waits.
PARENT = """
import subprocess, sys
from pathlib import Path
from sandbox import process
argv = ["/bin/sh", "-c", "echo ready; exec sleep 600"]
if sys.argv[1] == "plain":
    child = subprocess.Popen(argv, stdout=subprocess.PIPE)
else:
    child = process.spawn(argv, cwd=Path("/"), env={}, user=sys.argv[2] or None, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""
TIMEOUT_S = 30


def child_of_a_killed_parent(python, *arguments: str) -> int:
    parent = python(PARENT, *arguments)
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    return pid


def sh(script: str) -> "subprocess.Popen[bytes]":
    return process.spawn(["/bin/sh", "-c", script], cwd=Path("/"), env={}, stdout=subprocess.PIPE)


def first_line(child: "subprocess.Popen[bytes]") -> str:
    assert child.stdout is not None
    line = child.stdout.readline().decode().strip()
    child.stdout.close()
    return line


def test_spawn__parent_killed__child_dies(python) -> None:
    pid = child_of_a_killed_parent(python, "spawn", "")
    assert process.wait_for_exit(pid, TIMEOUT_S)


def test_spawn__parent_killed__child_of_another_user_dies_too(python, root: None) -> None:
    pid = child_of_a_killed_parent(python, "spawn", "nobody")
    assert process.wait_for_exit(pid, TIMEOUT_S)


def test_a_plain_child_outlives_its_killed_parent(python) -> None:
    """What the two tests above would see if `spawn` did nothing."""
    pid = child_of_a_killed_parent(python, "plain", "")
    assert not process.wait_for_exit(pid, 0.2)
    os.kill(pid, signal.SIGKILL)
    assert process.wait_for_exit(pid, TIMEOUT_S)


def test_spawn__user__is_that_user_without_our_groups(root: None) -> None:
    child = process.spawn(
        ["/bin/sh", "-c", "id -u; id -G"], cwd=Path("/"), env={}, user="nobody", stdout=subprocess.PIPE
    )
    output, _ = child.communicate()
    assert output.decode().split() == ["65534", "65534"]


def test_spawn__not_main_thread__refuses() -> None:
    caught: list[Exception] = []

    def run() -> None:
        try:
            sh("exit")
        except process.NotMainThreadError as error:
            caught.append(error)

    thread = threading.Thread(target=run, name="helper")
    thread.start()
    thread.join()
    assert str(caught[0]).startswith(
        "SB001  a child process was started from thread 'helper'; it must be the main thread"
    )


def test_spawn__no_such_program__says_so_and_starts_nothing() -> None:
    with pytest.raises(FileNotFoundError, match="/no/such/program"):
        process.spawn(["/no/such/program"], cwd=Path("/"), env={})


def test_spawn__not_linux__refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(process.NotLinuxError, match=r"SB002  this is darwin; .* need Linux"):
        sh("exit")


def test_stop__child_with_children__ends_them_all() -> None:
    child = sh("sleep 600 & echo $!; wait")
    grandchild = int(first_line(child))
    assert process.stop(child, TIMEOUT_S) == -signal.SIGTERM
    assert process.wait_for_exit(grandchild, TIMEOUT_S)


@pytest.mark.parametrize("reaped", [False, True])
def test_stop__child_gone_but_not_its_children__ends_them(reaped: bool) -> None:
    child = sh("sleep 600 & echo $!; exit 7")
    grandchild = int(first_line(child))
    assert process.wait_for_exit(child.pid, TIMEOUT_S)
    if reaped:
        child.wait()
    assert process.stop(child, TIMEOUT_S) == 7
    assert process.wait_for_exit(grandchild, TIMEOUT_S)


def test_stop__child_that_will_not__is_killed() -> None:
    child = sh("trap '' TERM; echo ready; while :; do sleep 600; done")
    assert first_line(child) == "ready"
    assert process.stop(child, timeout_s=0.2) == -signal.SIGKILL


def test_stop__twice__returns_the_same() -> None:
    child = sh("exit 3")
    first_line(child)
    assert process.wait_for_exit(child.pid, TIMEOUT_S)
    assert process.stop(child, TIMEOUT_S) == process.stop(child, TIMEOUT_S) == 3
