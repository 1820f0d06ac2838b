"""The stand-in as a process of its own, with what tests ask of it besides Google's interface."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox import process
from sandbox.cloud_run.interface import CONTAINERS, FAULTS
from sandbox.errors import SandboxError
from sandbox.logs import log_folder, open_log
from sandbox.ports import ATTEMPTS, LOOPBACK, free_port

JOB = "projects/sandbox/locations/europe-west1/jobs/generate"
READY_WITHIN_S = 60.0
STOPS_WITHIN_S = 10.0
POLL_S = 0.05


class CloudRunFailedError(SandboxError):
    """The stand-in ended, or did not answer in time."""

    code = "SB025"

    def __init__(self, what: str, log: Path) -> None:
        super().__init__(f"the stand-in of Cloud Run {what}. The end of {log}:\n{log.read_text()[-2000:]}")


class CloudRun:
    """One job at ``url`` from its start until it is closed; its containers end with it.

    Parameters
    ----------
    folder
        Where logs of the stand-in and of each task are written.
    command
        What a container runs; an execution's arguments follow it.
    cwd, environment
        Where, and with what, besides the variables that Cloud Run sets.
    retries
        How often a task is started again after it failed.
    """

    name = JOB

    def __init__(
        self, folder: Path, command: list[str], *, cwd: Path, environment: Mapping[str, str], retries: int = 1
    ) -> None:
        self.folder = log_folder(folder)
        self._command = command
        self._cwd = cwd
        self._environment = environment
        self._retries = retries
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """The process of the stand-in while it runs."""
        assert self._process is not None  # noqa: S101 - for the types
        return self._process.pid

    def environment(self) -> dict[str, str]:
        """Return the settings that lead the backend here."""
        return {"JOBS": "cloud-run", "RUN_JOB": self.name, "RUN_API_ENDPOINT": self.url}

    def __enter__(self) -> Self:
        for _ in range(ATTEMPTS):
            if self._is_started():
                return self
            self.port = free_port()
        raise CloudRunFailedError("does not start", self._log)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self.folder / "cloud-run.log"

    def _is_started(self) -> bool:
        argv = [sys.executable, "-m", "sandbox.cloud_run", str(self.port), self.name, str(self._retries)]
        env = {**self._environment, **self.environment()}
        with open_log(self._log, empty=True) as log:
            self._process = process.spawn([*argv, str(self.folder), *self._command], cwd=self._cwd, env=env, stdout=log)
        try:
            return process.answers_while_it_runs(self._process, self._answers, within_s=READY_WITHIN_S, poll_s=POLL_S)
        except TimeoutError as error:
            self.stop()
            raise CloudRunFailedError("does not answer", self._log) from error

    def stop(self) -> None:
        """End it with all of its containers."""
        if self._process is not None:
            process.stop(self._process, STOPS_WITHIN_S)
            self._process = None

    def fail(self, **faults: int) -> None:
        """Let so many of the next requests fail (``RunFaults``)."""
        self._call("PUT", FAULTS, faults)

    def executions(self) -> list[dict[str, Any]]:
        """Return all executions as the interface shows them, the newest first."""
        found: list[dict[str, Any]] = self._call("GET", f"/v2/{self.name}/executions")["executions"]
        return found

    def delete(self, execution: str) -> None:
        """Delete an execution; what runs is killed."""
        self._call("DELETE", f"/v2/{execution}")

    def containers(self, execution: str) -> list[int]:
        """Return the processes of an execution that run."""
        found: list[int] = self._call("GET", CONTAINERS).get(execution, [])
        return found

    def log_of(self, execution: str) -> str:
        """Return what the first task of an execution wrote."""
        path = self.folder / f"{execution.rpartition('/')[2]}-task0.log"
        return path.read_text() if path.exists() else ""

    def _answers(self) -> bool:
        try:
            return bool(self._call("GET", f"/v2/{self.name}"))
        except OSError:
            return False

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", content, method=method)  # noqa: S310 - our own address
        with urllib.request.urlopen(request, timeout=READY_WITHIN_S) as answer:  # noqa: S310 - our own address
            found: dict[str, Any] = json.loads(answer.read())
        return found
