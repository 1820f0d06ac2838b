"""Work on untrusted files: in a child process, held to limits.

Decoders are large and written in C; a file made to harm them, or only damaged, may crash them, let them run for
ever, or eat the memory. So they run in a fresh interpreter that this one only waits for. A file that takes a decoder
over finds itself in a process that can read nothing but this file, write nothing but its output, and reach no one.
"""

from __future__ import annotations

import json
import logging
import math
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Self

from bachateo.confinement.grants import code_folders, readable
from bachateo.errors import BachateoError, ClipError, LibraryError, SearchError, SongError, VideoError

FAMILY = {error.__name__: error for error in (ClipError, LibraryError, SearchError, SongError, VideoError)}
CHILD = Path(__file__).with_name("limited_child.py")
# Nothing else of the environment: it may hold passwords.
ENVIRONMENT = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH", "TMPDIR")
LARGEST_ANSWER = 1_000_000
# The child ends itself at the same time; this is for one that prevents that.
GRACE_S = 1.0
MB = 1024 * 1024
# What `bachateo.confinement.confine` may say is missing.
MECHANISMS = ("Landlock", "seccomp")
log = logging.getLogger("bachateo")
# Arithmetic on one core: the other one has another child.
ONE_CORE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Limits:
    """What a child may use.

    Attributes
    ----------
    seconds
        Of wall time. It is generous: other work on the machine counts against it.
    cpu_seconds
        Of computing time.
    memory_mb
        Address space; an interpreter with FFmpeg loaded takes 130 of it.
    file_mb
        The largest file it may write.
    processes
        Processes and threads beyond those that run already, where the kernel has no seccomp to refuse them.
    """

    seconds: int = 60
    cpu_seconds: int = 60
    memory_mb: int = 1024
    file_mb: int = 300
    processes: int = 32

    def in_proportion(self, path: Path, *, least_s: float, s_per_mb: float) -> Limits:
        """Return these limits with no more computing time than a file of this size needs.

        Parameters
        ----------
        path
            The file that is worked on.
        least_s
            Seconds for a file of any size.
        s_per_mb
            More seconds for each megabyte of it.
        """
        allowed = math.ceil(least_s + s_per_mb * path.stat().st_size / MB)
        return replace(self, cpu_seconds=min(self.cpu_seconds, allowed))


class UnexpectedError(RuntimeError):
    """The function raised an error that is no ``BachateoError``; the message is its traceback in the child."""


class LimitedChild:
    """A function at work in a child process of its own.

    Parameters
    ----------
    function
        Where it is, as ``package.module.name``. The child imports that module and nothing else of ours.
    arguments
        Numbers, words, and lists and dictionaries of them; so is the result.
    about
        The file that is worked on, for messages.
    limits
        What the child may use.
    pass_fds
        Open files that the child shall have under the same numbers.
    reads, writes
        The files that it may read, and those that it may write, which exist already. It can open no others but its
        own code, no socket, and start no process, where the kernel has Landlock and seccomp.

    Notes
    -----
    Leaving the ``with`` block ends the child, whatever it is doing. It also ends when the thread that started it
    does, SIGKILL included, so start and wait for it in the same thread.
    """

    def __init__(
        self,
        function: str,
        *arguments: object,
        about: str,
        limits: Limits | None = None,
        pass_fds: Sequence[int] = (),
        reads: Sequence[Path] = (),
        writes: Sequence[Path] = (),
    ) -> None:
        self._about, self._limits = about, limits or Limits()
        request = {
            "function": function,
            "arguments": arguments,
            "limits": asdict(self._limits),
            "path": code_folders(),
            "reads": [*readable(), *map(str, reads)],
            "writes": [*map(str, writes)],
            "parent": os.getpid(),
        }
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        self._began = time.monotonic()
        self._process = subprocess.Popen(
            # Isolated (-I) and without site (-S): the modules are found where this interpreter finds them.
            [sys.executable, "-I", "-S", str(CHILD)],
            env=environment | ONE_CORE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=pass_fds,
            # Away from the terminal: Ctrl-C is for this process, which then ends the child.
            start_new_session=True,
        )
        self._ask(json.dumps(request).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def end(self) -> None:
        """End the child, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def result(self) -> Any:
        """Wait for the function and return what it returned.

        Raises
        ------
        BachateoError
            What the function raised; a SongError when FFmpeg failed on the file, or the child crashed or went beyond
            a limit.
        OSError
            The function could not read or write a file.
        UnexpectedError
            The function raised anything else.
        """
        answer = self._read_answer()
        self._process.kill()
        status = self._process.wait()
        if answer is None:
            raise self._beyond("time", f"{self._limits.seconds} s")
        try:
            return self._unpacked(dict(json.loads(answer)))
        except (ValueError, TypeError, KeyError, RecursionError):
            # What stands there was not written by our program, or not to its end.
            raise self._crash(status) from None

    def _ask(self, request: bytes) -> None:
        assert self._process.stdin  # noqa: S101 - it is a pipe
        try:
            self._process.stdin.write(request)
            self._process.stdin.close()
        except BrokenPipeError:
            return  # it is gone already, which `result` explains

    def _read_answer(self) -> bytes | None:
        """Return what the child wrote until it ended, or None when its time was over first."""
        assert self._process.stdout  # noqa: S101 - it is a pipe
        pipe, answer = self._process.stdout.fileno(), b""
        while len(answer) <= LARGEST_ANSWER:
            left_s = self._began + self._limits.seconds + GRACE_S - time.monotonic()
            if not select.select([pipe], [], [], max(0.0, left_s))[0]:
                return None
            block = os.read(pipe, 65_536)
            if not block:
                break
            answer += block
        return answer

    def _unpacked(self, document: Mapping[str, Any]) -> Any:
        if "result" in document:
            _tell_unconfined(*(name for name in MECHANISMS if name in document["unconfined"]))
            return document["result"]
        if document.get("limit") == "memory":
            raise self._beyond("memory", f"{self._limits.memory_mb} MB")
        if document.get("limit") == "file":
            raise self._beyond("room on the disk", f"{self._limits.file_mb} MB")
        if "refused" in document:
            name, code, message = map(str, document["refused"])
            raise FAMILY.get(name, BachateoError)(code, message)
        if "undecodable" in document:
            raise SongError(
                "CH018",
                f"{self._about} cannot be decoded ({document['undecodable']}). It is damaged, or of a kind that is not "
                "read. Copy or upload the file again, or choose another.",
            )
        if "system" in document:
            number, reason, file = document["system"]
            raise OSError(int(number), str(reason), file)
        raise UnexpectedError(f"working on {self._about}:\n{document['unexpected']}")

    def _crash(self, status: int) -> BachateoError:
        if -status == signal.SIGALRM:
            return self._beyond("time", f"{self._limits.seconds} s")
        if -status == signal.SIGXCPU:
            return self._beyond("computing time", f"{self._limits.cpu_seconds} s for a file of its size")
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        return SongError(
            "CH018",
            f"{self._about} crashed the decoder ({how}). It is damaged, or made to do harm. "
            "Copy or upload the file again, or choose another.",
        )

    def _beyond(self, what: str, allowed: str) -> BachateoError:
        return SongError(
            "CH019",
            f"reading {self._about} took more {what} than it may ({allowed}). "
            "It is damaged, or no ordinary recording. Choose another file, or convert it first.",
        )


@cache
def _tell_unconfined(*missing: str) -> None:
    """Say once what the kernel lacks."""
    if missing:
        log.warning(
            "This kernel offers no %s to limited children: a file that takes over a decoder could read what this "
            "user may read, or open connections. Use Linux 5.13 or later and a container that allows it, or run this "
            "service as a user who owns nothing else.",
            " and no ".join(missing),
        )


def run_limited(
    function: str,
    *arguments: object,
    about: str,
    limits: Limits | None = None,
    pass_fds: Sequence[int] = (),
    reads: Sequence[Path] = (),
    writes: Sequence[Path] = (),
) -> Any:
    """Call a function in a child process that is held to limits, and return what it returns.

    See :class:`LimitedChild` for the parameters and :meth:`LimitedChild.result` for the errors.

    Parameters
    ----------
    function
        Where it is, as ``module.name``.
    *arguments
        What to call it with; numbers, texts and what else JSON holds.
    about
        What it works on, for messages.
    limits
        What the child may use; the usual limits where it is ``None``.
    pass_fds
        Open files that the child keeps.
    reads, writes
        Files that it may read, and files that it may write.

    Examples
    --------
    >>> run_limited("operator.add", 2, 3, about="two numbers")
    5
    """
    with LimitedChild(
        function, *arguments, about=about, limits=limits, pass_fds=pass_fds, reads=reads, writes=writes
    ) as child:
        return child.result()
