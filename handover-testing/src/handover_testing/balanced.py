"""Real balancers before the night's small systems, as the examples of the documentation configure them."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from handover.parallel.rule import MetricVerdict
from handover_testing.night import Story, keep, until
from sandbox import process
from sandbox.ports import LOOPBACK, free_port

EXAMPLES = Path(__file__).parents[3] / "docs/examples/load-balancer"
# A long list of steps makes a long test; the first is small enough to be a share, the second is all.
STEPS = "[10, 100]"


def program(name: str) -> str | None:
    """Return where a balancer's program is; None where it is not installed."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def missing(name: str) -> str:
    """Return why a test is skipped."""
    return f"no {name}: script/bootstrap --full installs it"


def placed(name: str, places: dict[str, str]) -> str:
    """Return an example with other places; each that is named must be there."""
    text = (EXAMPLES / name).read_text()
    for recommended, here in places.items():
        assert recommended in text, recommended
        text = text.replace(recommended, here)
    return text


def netloc(story: Story, side: str) -> str:
    return urlsplit(story.systems[side].url).netloc


@dataclass
class Haproxy:
    """A real HAProxy before both systems. ``folder`` holds its socket and its state file."""

    folder: Path
    port: int
    second_port: int
    running: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folder / "admin.sock"

    def ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.socket))
            client.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()

    def weights(self, section: str = "pair") -> dict[str, int]:
        rows = [line.split() for line in self.ask(f"show servers state {section}").splitlines()]
        return {row[3]: int(row[7]) for row in rows if len(row) > 7 and row[1] == section}

    def start(self) -> None:
        argv = [program("haproxy"), "-db", "-f", str(self.folder / "haproxy.cfg")]
        with (self.folder / "log").open("ab") as log:
            self.running = process.spawn(argv, cwd=self.folder, env=dict(os.environ), stdout=log)
        until(lambda: listens(self.port) and self.socket.exists(), (self.folder / "log").read_text())

    def stop(self) -> None:
        if self.running:
            process.stop(self.running, timeout_s=10)
        self.running = None
        self.socket.unlink(missing_ok=True)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0


@contextmanager
def haproxy_before(story: Story, more: str = "") -> Iterator[Haproxy]:
    """Run HAProxy before the systems of a story, and declare it; ``more`` is added to ``[switch]``."""
    with tempfile.TemporaryDirectory(prefix="hap-") as place:
        made = Haproxy(Path(place), free_port(), free_port())
        places = {
            "/run/haproxy/admin.sock": str(made.socket),
            "/var/lib/haproxy": place,
            "bind :80": f"bind {LOOPBACK}:{made.port}",
            "127.0.0.1:8090": f"{LOOPBACK}:{made.second_port}",
            "127.0.0.1:8001": netloc(story, "original"),
            "127.0.0.1:8000": netloc(story, "backend"),
        }
        (made.folder / "haproxy.cfg").write_text(placed("haproxy.cfg", places))
        story.declare(declared("haproxy", made.port, more))
        story.declare(
            f'[switch.haproxy]\nsockets = ["{made.socket}"]\nstate_file = "{made.folder}/pair.state"\n'
            f'rehearsal_section = "pair_rehearsal"\nrehearsal_url = "http://{LOOPBACK}:{made.second_port}"\n'
        )
        made.start()
        try:
            yield made
        finally:
            made.stop()


def declared(way: str, port: int, more: str = "") -> str:
    """Return ``[switch]`` for a balancer at a port of this machine."""
    return f"""
[switch]
way = "{way}"
url = "http://{LOOPBACK}:{port}"
steps = {STEPS}
samples = 40
verify_s = 5
timeout_s = 5
windows = 1
wait_s = 1
drain_s = 0.2
{more}
[switch.told_by]
header = "X-Served-By"
original = "original"
backend = "backend"
"""


def watched(story: Story, verdict: str = "green") -> None:
    """Keep a window that begins after every step of the test, as a watch that goes on would."""
    later = datetime.now(UTC) + timedelta(hours=1)
    keep(story, MetricVerdict("backend", "error_rate", 0.0, verdict, "by the test"), end=later)
