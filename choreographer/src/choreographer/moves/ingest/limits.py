"""Work on files of strangers, done in a process of its own that cannot hang, grow or fill the disk."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from choreographer.errors import ChoreographerError

PR_SET_PDEATHSIG = 1
# -P: a module in the working folder is not taken for one of the library's.
COMMAND = (sys.executable, "-P", "-c", "from choreographer.moves.ingest.limits import serve; serve()")


@dataclass(frozen=True)
class Limits:
    """What the work may use.

    Attributes
    ----------
    wall_s, cpu_s
        Seconds on the clock, and of processor time.
    memory_bytes
        Address space beyond that of the idle interpreter.
    file_bytes
        Size of each file it writes.
    """

    wall_s: float = 600
    cpu_s: int = 300
    memory_bytes: int = 2 << 30
    file_bytes: int = 256 << 20


class LimitError(Exception):
    """The work was stopped, crashed, or failed in a way nobody foresaw. The text says which."""


def run_limited(work: Callable[..., Any], limits: Limits, /, **arguments: Any) -> Any:
    """Call a function in a process of its own and return its result.

    Parameters
    ----------
    work
        A public function of an importable module.
    limits
        What the child may use.
    arguments
        What JSON can carry. So must be what the function returns: nothing that the child sends is ever executed.

    Raises
    ------
    ChoreographerError
        As ``work`` raised it: the code and the message.
    LimitError
        It used more than it may, crashed, or raised something else.
    """
    name = f"{work.__module__}:{work.__qualname__}"
    request = json.dumps([name, arguments, asdict(limits), os.getpid()])
    # One thread for linear algebra: each reserves memory, and the other cores have clips of their own.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        try:
            answer, _ = child.communicate(request.encode(), timeout=limits.wall_s)
        except subprocess.TimeoutExpired:
            raise LimitError(f"was stopped after {limits.wall_s:g} s") from None
        finally:
            child.kill()
    if child.returncode:
        raise LimitError(_fate(child.returncode, limits))
    outcome = json.loads(answer)
    if "code" in outcome:
        raise ChoreographerError(outcome["code"], outcome["message"])
    if "failure" in outcome:
        raise LimitError(outcome["failure"])
    return outcome["value"]


def _fate(status: int, limits: Limits) -> str:
    if -status in {signal.SIGXCPU, signal.SIGKILL}:
        return f"was stopped after {limits.cpu_s} s of processor time"
    ended = signal.Signals(-status).name if status < 0 else f"status {status}"
    return f"crashed the decoder ({ended})"


def serve() -> None:
    """Do the work that standard input asks for; the other end of :func:`run_limited`."""
    name, arguments, limits, parent = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w")
    # Whatever a codec prints is no answer.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _obey(Limits(**limits), parent)
    with answers:
        json.dump(_outcome(name, arguments, Limits(**limits)), answers)


def _outcome(name: str, arguments: dict[str, Any], limits: Limits) -> dict[str, Any]:
    module, function = name.split(":")
    try:
        return {"value": getattr(import_module(module), function)(**arguments)}
    except ChoreographerError as error:
        return {"code": error.code, "message": error.message}
    except MemoryError:
        return {"failure": f"needs more than {limits.memory_bytes >> 20} MB of memory"}
    except Exception as error:  # noqa: BLE001  # the caller decides; here it could only be lost
        return {"failure": f"failed ({type(error).__name__}: {error})"}


def _obey(limits: Limits, parent: int) -> None:
    # Nobody would read the result once the parent is gone, and nobody would stop the work.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    for kind, most in (
        (resource.RLIMIT_AS, used + limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    # One second later the kernel kills what ignored the first warning.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
