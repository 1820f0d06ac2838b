"""The processes of the toolkit on this machine, so that a pause can stop them at once.

A process locks a file of its own while it runs; a file without a lock was left by a killed process.
"""

import fcntl
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from uuid import uuid4

from handover.errors import HandoverError
from handover.journal.entry import operator
from handover.private_files import open_private

PLACE = Path(".handover/processes")
LOOK_EVERY_S = 0.05


class StoppedError(HandoverError):
    """A pause, or a signal, ended this process; the journal holds what it had begun."""

    code = "HO504"
    exit_code = 3


@dataclass(frozen=True)
class RunningProcess:
    """A process that runs; one that does not act goes on during a pause."""

    pid: int
    command: str
    who: str
    acts: bool = True


@contextmanager
def registered(root: Path, command: str, *, acts: bool = True) -> Iterator[None]:
    """Name this process while the block runs; SIGTERM then raises :class:`StoppedError` in it.

    Parameters
    ----------
    root, command
        The folder of ``handover.toml``, and what runs, for people to read.
    acts
        Whether it changes anything; a pause stops only what does.
    """
    path = root / PLACE / f"{uuid4()}.json"
    main = threading.current_thread() is threading.main_thread()
    with open_private(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        json.dump({"pid": os.getpid(), "command": command, "who": operator(), "acts": acts}, file)
        file.flush()
        before = signal.signal(signal.SIGTERM, _stop) if main else None
        try:
            yield
        finally:
            if main:
                signal.signal(signal.SIGTERM, before)
            path.unlink(missing_ok=True)


def running(root: Path) -> list[RunningProcess]:
    """Return the processes that run."""
    found = []
    for path in sorted((root / PLACE).glob("*.json")):
        with open_private(path, "r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read()
                if text:  # else it is just being written
                    found.append(RunningProcess(**json.loads(text)))
            else:
                path.unlink(missing_ok=True)
    return found


def others(root: Path) -> list[RunningProcess]:
    """Return the processes that run and act, without this one."""
    return [process for process in running(root) if process.acts and process.pid != os.getpid()]


def stop(root: Path) -> list[RunningProcess]:
    """Signal every process that acts, but this one; return them."""
    found = others(root)
    for process in found:
        with suppress(ProcessLookupError):  # it ended meanwhile
            os.kill(process.pid, signal.SIGTERM)
    return found


def wait_until_gone(root: Path, within_s: float) -> list[RunningProcess]:
    """Wait until no process but this one runs; signal those that began meanwhile; return those that do not end."""
    signalled: set[int] = {process.pid for process in others(root)}
    deadline = time.monotonic() + within_s
    while left := others(root):
        for process in left:
            if process.pid not in signalled:
                signalled.add(process.pid)
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)
        if time.monotonic() > deadline:
            return left
        time.sleep(LOOK_EVERY_S)
    return []


def _stop(_: int, __: FrameType | None) -> None:
    message = "this process was stopped by a pause or a signal; what it had begun stands in the journal."
    raise StoppedError(f"{message} See where it is: handover status. Go on or back: handover resume")
