"""The sandbox's own name server as a child process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sandbox import process
from sandbox.dns.authority import Authority
from sandbox.dns.errors import NameServerFailedError
from sandbox.dns.faults import DnsFault
from sandbox.dns.zone import Zone


class NameServer(Authority):
    """The sandbox's own server; it can be made to fail."""

    name = "the sandbox's name server"

    def _launch(self) -> subprocess.Popen[bytes]:
        Zone(self.origin, self.zone)  # refused here rather than by a process that ends at once
        zone, key = self.folder / "zone", self.folder / "key"
        zone.write_text(self.zone)
        if not key.exists():
            self.key.write(key)
        argv = [sys.executable, "-m", "sandbox.dns", self.origin, str(zone), str(key)]
        argv += ["--port", str(self.port), "--log", str(self.log)]
        pipe = subprocess.PIPE
        return process.spawn(argv, cwd=self.folder, env=dict(os.environ), stdin=pipe, stdout=pipe)

    def _is_ready(self) -> bool:
        # Wait for its own word first: another program that took the port may answer DNS, too.
        return self._read_line() == f"{self.host}:{self.port}" and super()._is_ready()

    def set_fault(self, fault: str) -> None:
        """Have a fault from now on, as ``servfail updates``; ``well`` ends it. Raises FaultUnknownError."""
        line = str(DnsFault.parse(fault))
        assert self._process is not None  # noqa: S101 - for the types
        assert self._process.stdin is not None  # noqa: S101 - for the types
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()
        if (said := self._read_line()) != "ok":
            raise NameServerFailedError(self.name, f"said {said!r} to the fault {line!r}", self.log)

    @contextmanager
    def fault(self, fault: str) -> Iterator[None]:
        """Have a fault for a while."""
        self.set_fault(fault)
        try:
            yield
        finally:
            self.set_fault("well")

    def _read_line(self) -> str:
        assert self._process is not None  # noqa: S101 - for the types
        assert self._process.stdout is not None  # noqa: S101 - for the types
        return self._process.stdout.readline().decode().rstrip("\n")
