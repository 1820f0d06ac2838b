"""A core for each video: of the workers of one machine that are more than its cores, the others wait and slow none.

`manage.py worker` gives them a file for each core. Who holds its lock has the core; the lock of a worker that dies
is free again. What waits for a network, as the song and the video in a bucket do, needs no core.

The files lie in memory and have no name: none can be removed under the workers, and none is left behind.
"""

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

from django.conf import settings

from bachateo import machine


def share() -> list[int]:
    """Return descriptors of a file for each core; each worker needs them under the same numbers."""
    return [os.memfd_create(f"core {core}") for core in range(machine.number_of_cores())]


@contextmanager
def one() -> Iterator[None]:
    """Wait for a core, if they are shared, and have it meanwhile."""
    if not settings.WORKER_CORES:
        yield
        return
    # Opened anew, a file has locks that are this worker's own.
    held = _first_free([Path(f"/proc/self/fd/{number}") for number in settings.WORKER_CORES.split(",")])
    try:
        yield
    finally:
        os.close(held)


def _first_free(files: Sequence[Path]) -> int:
    """Return a descriptor that holds the lock of the file that is free first."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return descriptor
    first: SimpleQueue[int] = SimpleQueue()
    others = threading.Lock()
    for file in files:
        threading.Thread(target=_wait, args=(file, first, others), daemon=True).start()
    return first.get()


def _wait(file: Path, first: SimpleQueue[int], others: threading.Lock) -> None:
    """Wait for one lock, and tell its descriptor; those that come after the first are let go."""
    descriptor = os.open(file, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    if others.acquire(blocking=False):
        first.put(descriptor)
    else:
        os.close(descriptor)
