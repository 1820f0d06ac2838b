"""A real HAProxy before a pair, with the configuration that the documentation shows."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox import process
from sandbox.house import ROOT
from sandbox.logs import open_log
from sandbox.ports import LOOPBACK, free_port

EXAMPLE = ROOT / "docs/examples/load-balancer/haproxy.cfg"
MISSING = "no haproxy: script/bootstrap --full installs it"
STARTS_WITHIN_S = 30.0
READ_BYTES = 65536


def program() -> str | None:
    """Return where HAProxy is; None where it is not installed."""
    return shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")


def placed(example: Path, places: Mapping[str, str]) -> str:
    """Return an example's configuration with other places; each that is named must be there."""
    text = example.read_text()
    for recommended, here in places.items():
        if recommended not in text:
            raise LookupError(f"{example} does not name {recommended}")
        text = text.replace(recommended, here)
    return text


@dataclass
class Haproxy:
    """HAProxy at ``address:port``, its second place at ``second_port``; ``folder`` has its socket and state file."""

    folder: Path
    address: str
    port: int
    second_port: int
    running: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Its runtime socket."""
        return self.folder / "admin.sock"

    def ask(self, command: str) -> str:
        """Send a command to its runtime socket; return what it answers."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.socket))
            client.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: client.recv(READ_BYTES), b"")).decode()

    def weights(self, section: str = "pair") -> dict[str, int]:
        """Return the weight of each server of a section."""
        header, *rows = [
            line.removeprefix("# ").split() for line in self.ask(f"show servers state {section}").splitlines()[1:]
        ]
        found = [dict(zip(header, row, strict=False)) for row in rows if row]
        return {row["srv_name"]: int(row["srv_uweight"]) for row in found}

    def start(self) -> None:
        """Start it, and wait until it listens."""
        argv = [str(program()), "-db", "-f", str(self.folder / "haproxy.cfg")]
        with open_log(self.folder / "log") as log:
            self.running = process.spawn(argv, cwd=self.folder, env=dict(os.environ), stdout=log)
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not (self.socket.exists() and self._listens()):
            if process.wait_for_exit(self.running.pid, 0.05) or time.monotonic() > deadline:
                raise OSError((self.folder / "log").read_text())

    def stop(self) -> None:
        """End it."""
        if self.running:
            process.stop(self.running, timeout_s=10)
        self.running = None
        self.socket.unlink(missing_ok=True)

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex((self.address, self.port)) == 0


@contextmanager
def haproxy_before(
    folder: Path, *, original: str, backend: str, address: str = LOOPBACK, port: int = 0
) -> Iterator[Haproxy]:
    """Run HAProxy before two systems, each ``address:port``.

    The folder's name must be short, as that of every socket.
    """
    made = Haproxy(folder, address, port or free_port(), free_port())
    places = {
        "/run/haproxy/admin.sock": str(made.socket),
        "/var/lib/haproxy": str(folder),
        "bind :80": f"bind {address}:{made.port}",
        "127.0.0.1:8090": f"{LOOPBACK}:{made.second_port}",
        "127.0.0.1:8001": original,
        "127.0.0.1:8000": backend,
    }
    (folder / "haproxy.cfg").write_text(placed(EXAMPLE, places))
    made.start()
    try:
        yield made
    finally:
        made.stop()
