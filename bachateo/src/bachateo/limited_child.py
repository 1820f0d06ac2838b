"""The program of a limited child: reads what to call from its standard input, writes the result to its output.

Run as a file, never imported: each import of a package of ours would cost time that a short decode does not take.
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
OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE)


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
        json.dump(_answer(request["function"], request["arguments"]), out)
    # Without taking the interpreter down: that takes time and, after damage, may crash.
    os._exit(0)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _limit(seconds: int, memory_mb: int, file_mb: int) -> None:
    for what, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, memory_mb * MB),
        (resource.RLIMIT_FSIZE, file_mb * MB),
    ):
        resource.setrlimit(what, (most, most))
    # The second number ends it without saying why.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    # No handler is set, so it ends the process even where the interpreter is stuck in a library.
    signal.alarm(seconds)


def _answer(function: str, arguments: list[Any]) -> dict[str, Any]:
    module, _, name = function.rpartition(".")
    try:
        return {"result": getattr(importlib.import_module(module), name)(*arguments)}
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
