"""Hosts of their own on one machine: network namespaces, each behind a cable that can be cut.

Only the network is apart. A host finds this machine's servers at 127.0.0.1, as their addresses say: what listens there
is passed on through its cable.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox import process
from sandbox.errors import SandboxError
from sandbox.logs import open_log
from sandbox.ports import LOOPBACK

MISSING = "network namespaces need root and the program ip"
STOPS_WITHIN_S = 5.0


class HostFailedError(SandboxError):
    """A command that makes or changes a host failed."""

    code = "SB026"


def can_be_made() -> bool:
    """Return whether this process may make hosts."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"try-{secrets.token_hex(4)}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    if made.returncode == 0:
        subprocess.run(["ip", "netns", "delete", name], check=True)
    return made.returncode == 0


@dataclass(frozen=True)
class Host:
    """A host: the name of its namespace, and this machine's end of its cable."""

    name: str
    cable: str

    def spawn(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
        """Start a process on it."""
        with open_log(log, empty=True) as output:
            return process.spawn(["ip", "netns", "exec", self.name, *argv], cwd=cwd, env=dict(env), stdout=output)

    def cut_off(self) -> None:
        """Cut its cable: packets are lost, and no connection is closed."""
        _ip("link", "set", self.cable, "down")

    def join(self) -> None:
        """Mend its cable."""
        _ip("link", "set", self.cable, "up")


@contextmanager
def hosts(number: int, ports: Sequence[int]) -> Iterator[list[Host]]:
    """Make hosts that reach these ports of 127.0.0.1; they are gone afterwards. Raises HostFailedError."""
    with ExitStack() as stack:
        yield [stack.enter_context(_host(ports)) for _ in range(number)]


@contextmanager
def _host(ports: Sequence[int]) -> Iterator[Host]:
    mark = secrets.token_hex(3)
    host = Host(f"host-{mark}", f"cable-{mark}")
    net = f"10.213.{secrets.randbelow(256)}"
    mine, its = f"{net}.1", f"{net}.2"
    with ExitStack() as stack:
        _ip("netns", "add", host.name)
        stack.callback(_ip, "netns", "delete", host.name)
        _ip("link", "add", host.cable, "type", "veth", "peer", "name", "eth0", "netns", host.name)
        # The kernel takes the namespace's end away later than its name.
        stack.callback(_ip, "link", "delete", host.cable)
        _ip("address", "add", f"{mine}/24", "dev", host.cable)
        _ip("link", "set", host.cable, "up")
        for words in (f"address add {its}/24 dev eth0", "link set eth0 up", "link set lo up"):
            _ip("-netns", host.name, *words.split())
        forward = [sys.executable, "-m", "sandbox.forward"]
        numbers = [str(port) for port in ports]
        for argv in (
            [*forward, mine, LOOPBACK, *numbers],
            ["ip", "netns", "exec", host.name, *forward, LOOPBACK, mine, *numbers],
        ):
            stack.enter_context(_forwarding(argv))
        yield host


@contextmanager
def _forwarding(argv: list[str]) -> Iterator[None]:
    forwarding = process.spawn(argv, cwd=Path("/"), env=dict(os.environ), stdout=subprocess.PIPE)
    try:
        if forwarding.stdout is None or forwarding.stdout.readline() != b"ready\n":
            raise HostFailedError(f"{' '.join(argv)} did not start")
        yield
    finally:
        process.stop(forwarding, STOPS_WITHIN_S)
        if forwarding.stdout is not None:
            forwarding.stdout.close()


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise HostFailedError(f"ip {' '.join(words)}: {done.stderr.strip()}; it must succeed for root")
