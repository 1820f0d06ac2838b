"""A child process that ends with its parent and runs as a chosen user."""

import ctypes
import os
import pwd
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from sandbox.errors import SandboxError

NOT_FOR_OTHERS = 0o027
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
STDIO = int | IO[Any] | None


class NotMainThreadError(SandboxError):
    """A child was to be started from a thread that may end before the process does."""

    code = "SB001"

    def __init__(self, thread: str) -> None:
        self.thread = thread
        super().__init__(
            f"a child process was started from thread {thread!r}; it must be the main thread,\n"
            "       because Linux ends the child when the *thread* that started it ends.\n"
            "       Start it before the threads, or from the main thread."
        )


class NotLinuxError(SandboxError):
    """This system has no parent-death signal."""

    code = "SB002"

    def __init__(self, platform: str) -> None:
        self.platform = platform
        super().__init__(
            f"this is {platform}; children that die with their parent need Linux (prctl, pidfd).\n"
            "       Run it in a Linux container or virtual machine."
        )


def require_main_thread() -> None:
    """Refuse any thread but the main one. Ask this before the first change to the disk."""
    if threading.current_thread() is not threading.main_thread():
        raise NotMainThreadError(threading.current_thread().name)


def spawn(
    argv: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str],
    user: str | None = None,
    stdin: STDIO = subprocess.DEVNULL,
    stdout: STDIO = None,
    on_parent_death: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start ``argv`` in a session of its own; errors go where ``stdout`` goes. Others read no file that it makes.

    When this process ends for whatever reason, SIGKILL included, the kernel sends ``on_parent_death``
    to the child. Only to the child: its own children are its own business then (postgres and gunicorn
    see to theirs), while `stop` ends the whole session.

    Raises NotMainThreadError, NotLinuxError, and OSError when the program cannot be run as ``user``.
    """
    require_main_thread()
    account = pwd.getpwnam(user) if user else None
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env=env,
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.STDOUT if stdout is not None else None,
        # Away from the terminal: Ctrl-C is for the parent, which then stops its children in order.
        start_new_session=True,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        # Runs after the change of user, which would clear the parent-death signal.
        preexec_fn=_prepared(on_parent_death),  # noqa: PLW1509 - the main thread forks, and only it
    )


def stop(process: subprocess.Popen[bytes], timeout_s: float, *, ask: signal.Signals = signal.SIGTERM) -> int:
    """End the child and everything in its session; return the child's exit status.

    Asks with the signal ``ask`` and kills what is left when the child is gone or ``timeout_s`` are over.
    """
    if process.returncode is None:
        os.kill(process.pid, ask)
        wait_for_exit(process.pid, timeout_s)
    # The number stays reserved for the session while any process of it is left.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def wait_for_exit(pid: int, timeout_s: float) -> bool:
    """Return whether the process is gone within ``timeout_s``; it need not be a child, nor is it reaped."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))
    finally:
        os.close(pidfd)


def answers_while_it_runs(
    child: subprocess.Popen[bytes], answers: Callable[[], bool], *, within_s: float, poll_s: float
) -> bool:
    """Wait until a server that was just started answers; return False when it has ended. Raises TimeoutError."""
    deadline = time.monotonic() + within_s
    while not answers():
        if wait_for_exit(child.pid, poll_s):
            return False
        if time.monotonic() > deadline:
            raise TimeoutError
    # The process still runs and its port answers, so the answer is its own.
    return not wait_for_exit(child.pid, 0)


def _prepared(number: signal.Signals) -> Callable[[], None]:
    if sys.platform != "linux":
        raise NotLinuxError(sys.platform)
    # Everything is looked up before the fork: the child may do next to nothing safely.
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def in_child() -> None:
        os.umask(os.umask(0) | NOT_FOR_OTHERS)
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died before the line above
            os.kill(os.getpid(), signal.SIGKILL)

    return in_child
