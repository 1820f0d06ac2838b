"""A real Elasticsearch node, where ``script/bootstrap --full`` has put one, with a lifecycle of our own.

It is the server's own code without its scripts and its security: ``/`` is not answered, ``/_cluster/health`` is.
"""

import os
import subprocess
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox import process
from sandbox.errors import SandboxError
from sandbox.logs import open_log
from sandbox.ports import ATTEMPTS, LOOPBACK, free_port

HOME = Path(__file__).resolve().parents[4] / ".local/elasticsearch"
MISSING = "no Elasticsearch node: script/bootstrap --full installs it"
# Its start takes eight seconds of two cores' time.
READY_WITHIN_S = 180.0
STOPS_WITHIN_S = 30.0
POLL_S = 0.1
HEAP = "512m"


class NoSearchNodeError(SandboxError):
    """There is no such server on this machine, or it did not start."""

    code = "SB024"

    def __init__(self, what: str) -> None:
        super().__init__(f"Elasticsearch {what}")


def installed() -> bool:
    """Return whether a node can be started."""
    return (HOME / "stamp").is_file()


class SearchNode:
    """A node at ``url`` from its start until it is closed; its data lie in a folder. It ends with this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it; return when it answers. Raises NoSearchNodeError."""
        if not installed():
            raise NoSearchNodeError("is not installed here. Run script/bootstrap --full.")
        for _ in range(ATTEMPTS):
            port = free_port()
            self.url = f"http://{LOOPBACK}:{port}"
            with open_log(self._folder / "log", empty=True) as log:
                argv = _command(self._folder, port, free_port())
                self._process = process.spawn(argv, cwd=self._folder, env=dict(os.environ), stdout=log)
            if self._is_ready():
                return
            self.stop()
        raise NoSearchNodeError(f"does not start:\n{(self._folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it and wait until it is gone. Its data stay in the folder."""
        if self._process is not None:
            process.stop(self._process, STOPS_WITHIN_S)
            self._process = None

    def _is_ready(self) -> bool:
        """Return whether it answers; False when it has ended."""
        assert self._process is not None  # noqa: S101 - for the types
        address = f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=1s"
        try:
            return process.answers_while_it_runs(
                self._process, lambda: _answers(address), within_s=READY_WITHIN_S, poll_s=POLL_S
            )
        except TimeoutError as error:
            self.stop()
            what = f"does not answer within {READY_WITHIN_S:.0f} s. Its log: {self._folder}/log"
            raise NoSearchNodeError(what) from error


def _command(folder: Path, port: int, transport_port: int) -> list[str]:
    return [
        str(HOME / "jdk/bin/java"),
        *(f"-Xm{kind}{HEAP}" for kind in "sx"),
        "-XX:+UseSerialGC",
        "--add-modules=jdk.incubator.vector",
        "--enable-native-access=ALL-UNNAMED",
        f"-Des.nativelibs.path={HOME / 'native'}",
        # The jars bring no library of its own for vectors; Java's compares them alike.
        "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
        "-cp",
        f"{HOME / 'classes'}:{HOME / 'lib'}/*",
        "Node",
        str(HOME),
        str(folder),
        str(port),
        str(transport_port),
    ]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - of this machine
            return bool(answer.status == 200)  # noqa: PLR2004
    except OSError:
        return False
