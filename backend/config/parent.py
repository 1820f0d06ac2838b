"""A process that ends with the one that started it."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Have SIGTERM sent to this process when ``parent`` ends, SIGKILL included.

    For the kernel the parent is the thread that started this process, so it must live as long as that process.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if os.getppid() != parent:  # it ended before it was asked for
        signal.raise_signal(signal.SIGTERM)
