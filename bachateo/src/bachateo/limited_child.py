"""The program of a limited child: reads what to call from its standard input, writes the result to its output.

Run as a file, never imported. It imports little of ours: each import costs time that a short decode does not take.
"""

import ctypes
import errno
import importlib
import json
import os
import resource
import signal
import sys
import traceback
from typing import Any

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
MB = 1024 * 1024
# Not EIO: FFmpeg says that of many a file that ends too soon.
OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE)


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    _die_with(request["parent"])
    _limit(**request["limits"])
    sys.path[:] = request["path"]
    # Whatever a library prints goes nowhere; the answer has an output of its own.
    answer = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with os.fdopen(answer, "w") as out:
        json.dump(_answer(request), out)
    # Without taking the interpreter down: that takes time and, after damage, may crash.
    os._exit(0)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _limit(seconds: int, cpu_seconds: int, memory_mb: int, file_mb: int, processes: int) -> None:
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, memory_mb * MB),
        (resource.RLIMIT_FSIZE, file_mb * MB),
        # The kernel counts all processes of the user against it, so it stands above what runs now. seccomp refuses
        # new processes altogether; this is for a kernel without it.
        (resource.RLIMIT_NPROC, _running() + processes),
    ):
        _, before = resource.getrlimit(what)
        allowed = most if before == resource.RLIM_INFINITY else min(most, before)
        resource.setrlimit(what, (allowed, allowed))
    # The second number ends it without saying why.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    # No handler is set, so it ends the process even where the interpreter is stuck in a library.
    signal.alarm(seconds)


def _running() -> int:
    """Return how many processes and threads the machine runs: at least those of this user."""
    try:
        with open("/proc/loadavg") as file:  # noqa: PTH123 - an import of pathlib takes longer than all of this
            return int(file.read().split()[3].partition("/")[2])
    except OSError:
        return 0


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    module, _, name = request["function"].rpartition(".")
    try:
        # The code is ours; what it reads from now on is not.
        function = getattr(importlib.import_module(module), name)
        missing = importlib.import_module("bachateo.confinement").confine(request["reads"], request["writes"])
        return {"result": function(*request["arguments"]), "unconfined": missing}
    except MemoryError:
        return {"limit": "memory"}
    except Exception as error:  # noqa: BLE001 - the parent raises it again
        return _told(error)


def _told(error: Exception) -> dict[str, Any]:
    # The family is known by its shape: importing it here is for those who raise it.
    if hasattr(error, "code") and hasattr(error, "message"):
        return {"refused": [type(error).__name__, error.code, error.message]}
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return {"limit": "file"}
    if _is_of_the_file(error):
        return {"undecodable": getattr(error, "strerror", None) or str(error)}
    if isinstance(error, OSError) and error.errno is not None:
        return {"system": [error.errno, error.strerror, error.filename]}
    return {"unexpected": "".join(traceback.format_exception(error))}


def _is_of_the_file(error: Exception) -> bool:
    """Say whether FFmpeg cannot work with the file: its errors are OSErrors, too, as those of a full disk are."""
    return type(error).__module__.partition(".")[0] == "av" and getattr(error, "errno", None) not in OF_THE_MACHINE


if __name__ == "__main__":
    main()
