"""The fronts that deploy/ recommends, run with the real programs: their files, with places of this machine."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from handover_testing import certificates
from sandbox import house, process
from sandbox.ports import LOOPBACK, free_port

HOST = "compas.example"
DEPLOY = house.ROOT / "deploy"


@dataclass(frozen=True)
class Front:
    """A running front: the ports of HTTPS and HTTP, and the certificate to trust."""

    name: str
    port: int
    plain_port: int
    certificate: Path


def program(name: str) -> str | None:
    """Return where the front's program is; None where it is not installed."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def missing(name: str) -> str:
    """Return why a test is skipped."""
    return f"no {name}: script/bootstrap --full installs it"


def placed(text: str, places: dict[str, str]) -> str:
    """Return the file of a front with other places; each that is named must be there."""
    for recommended, here in places.items():
        assert recommended in text, recommended
        text = text.replace(recommended, here)
    return text


@contextmanager
def nginx(folder: Path, *, backend_port: int, media: Path, of_one_address: int = 100) -> Iterator[Front]:
    front = Front("nginx", free_port(), free_port(), _certificate(folder))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    places = {
        "include /etc/nginx/mime.types;": temporary,
        "/var/log/nginx/access.log": f"{folder}/access.log",
        "worker_processes auto;": "worker_processes 1; daemon off; error_log stderr;"
        + ("user root;" if os.geteuid() == 0 else ""),
        "/run/nginx.pid": f"{folder}/pid",
        "limit_conn address 100": f"limit_conn address {of_one_address}",
        "listen 80": f"listen {LOOPBACK}:{front.plain_port}",
        "listen 443": f"listen {LOOPBACK}:{front.port}",
        "/etc/ssl/compas/fullchain.pem": str(front.certificate),
        "/etc/ssl/compas/privkey.pem": str(front.certificate),
        "127.0.0.1:8000": f"{LOOPBACK}:{backend_port}",
        "/srv/compas/media/": f"{media}/",
    }
    (folder / "nginx.conf").write_text(placed((DEPLOY / "nginx.conf").read_text(), places))
    command = [program("nginx"), "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    with _running(front, command, folder):
        yield front


@contextmanager
def haproxy(folder: Path, *, backend_port: int) -> Iterator[Front]:
    front = Front("haproxy", free_port(), free_port(), _certificate(folder))
    places = {
        "bind :80": f"bind {LOOPBACK}:{front.plain_port}",
        "bind :443": f"bind {LOOPBACK}:{front.port}",
        "/etc/ssl/compas/compas.pem": str(front.certificate),
        "127.0.0.1:8000": f"{LOOPBACK}:{backend_port}",
    }
    (folder / "haproxy.cfg").write_text(placed((DEPLOY / "haproxy.cfg").read_text(), places))
    with _running(front, [program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")], folder):
        yield front


def _certificate(folder: Path) -> Path:
    """Write a certificate for the host, and its key, into one file."""
    certificate, key = certificates.certificate(HOST, days=2)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "both.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return file


@contextmanager
def _running(front: Front, command: list[str], folder: Path) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as output:
        running = process.spawn(command, cwd=folder, env=os.environ, stdout=output)
    try:
        while not _listens(front.port):
            assert not process.wait_for_exit(running.pid, 0.05), log.read_text()
        yield
    finally:
        process.stop(running, timeout_s=10)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((LOOPBACK, port)) == 0
