"""The crowd as a child process."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Self

from sandbox import process
from sandbox.clients.diary import DiaryEntry, read
from sandbox.clients.settings import CrowdSettings
from sandbox.errors import SandboxError
from sandbox.logs import open_log


class CrowdFailedError(SandboxError):
    """The crowd ended, or said something unexpected."""

    code = "SB020"

    def __init__(self, expected: str, said: str, log: Path) -> None:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        super().__init__(f"the crowd of clients said {said!r}; expected {expected!r}. The end of {log}:\n{last}")


class CrowdProcess:
    """People in a process of their own; what happens to them stands in ``diary``."""

    def __init__(self, settings: CrowdSettings, diary: Path) -> None:
        self.settings = settings
        self.diary = diary
        self.log = diary.with_suffix(".log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        argv = [sys.executable, "-m", "sandbox.clients", str(self.diary), str(self.log)]
        pipe = subprocess.PIPE
        open_log(self.log).close()
        self._process = process.spawn(argv, cwd=self.diary.parent, env=dict(os.environ), stdin=pipe, stdout=pipe)
        self._write(json.dumps(asdict(self.settings)))
        self._expect("ready")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None  # noqa: S101 - for the types
        process.stop(self._process, 0)
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        self._process = None

    def make(self, *songs: str) -> int:
        """Have a choreography made of each of these songs; return how many people have begun one."""
        self._write(" ".join(["make", *songs]))
        return int(self._expect("begun").split()[1])

    def stop(self) -> None:
        """Let all people finish what they do; return when the last task has ended. Raises CrowdFailedError."""
        self._write("stop")
        self._expect("ended")

    def entries(self) -> list[DiaryEntry]:
        """Return what has happened so far. Raises CrowdFailedError when the crowd's process has ended."""
        if self._process is not None and self._process.poll():
            raise CrowdFailedError("to go on", f"status {self._process.returncode}", self.log)
        return list(read(self.diary))

    def _write(self, line: str) -> None:
        assert self._process is not None  # noqa: S101 - for the types
        assert self._process.stdin is not None  # noqa: S101 - for the types
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def _expect(self, word: str) -> str:
        assert self._process is not None  # noqa: S101 - for the types
        assert self._process.stdout is not None  # noqa: S101 - for the types
        said = self._process.stdout.readline().decode().strip()
        if said.split()[:1] != [word]:
            raise CrowdFailedError(word, said, self.log)
        return said
