"""An authoritative server as a child process: what the sandbox's own server and bind9 have in common."""

import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.update
import dns.zone

from sandbox import process
from sandbox.dns.errors import NameServerFailedError, UpdateRefusedError
from sandbox.dns.key import Key
from sandbox.dns.zone import zone_text
from sandbox.logs import open_log
from sandbox.ports import ATTEMPTS, free_port

HOST = "127.0.0.1"
READY_WITHIN_S = 30.0
STOPS_WITHIN_S = 5.0
ASKED_WITHIN_S = 5.0
POLL_S = 0.02


class Authority(ABC):
    """Answers for the zone ``origin`` on a free port of 127.0.0.1; it ends with this process.

    ``records`` are lines of a master file (``www 30 IN A 127.0.0.2``), without the SOA and the name server, which
    are added. Everyone may ask; who holds ``key`` may transfer and update the zone. What it keeps is gone at the end.
    """

    name: str

    def __init__(self, origin: str, records: str, *, key: Key | None = None) -> None:
        self.host = HOST
        self.port = 0
        self.origin = dns.name.from_text(origin).to_text()
        self.zone = zone_text(records)
        self.key = key or Key.new()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The server's pid while it runs."""
        return self._process.pid if self._process else None

    @property
    def folder(self) -> Path:
        """Where its files lie while it runs."""
        assert self._folder is not None  # noqa: S101 - for the types
        return Path(self._folder.name)

    @property
    def log(self) -> Path:
        """Where it writes."""
        return self.folder / "log"

    def start(self) -> None:
        """Start; return when it answers for its zone. Raises NameServerFailedError, SandboxError of the server."""
        self._folder = tempfile.TemporaryDirectory(prefix="sandbox-dns-")
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        for _ in range(ATTEMPTS):
            self.port = free_port()
            open_log(self.log).close()
            self._process = self._launch()
            if self._is_ready():
                return
            self._end()
        raise NameServerFailedError(self.name, f"ended {ATTEMPTS} times as soon as it was started", self.log)

    def stop(self) -> None:
        """End it and wait until it is gone. Its files go with it."""
        self._end()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _end(self) -> None:
        if self._process is not None:
            process.stop(self._process, STOPS_WITHIN_S)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
            self._process = None

    @abstractmethod
    def _launch(self) -> subprocess.Popen[bytes]:
        """Write what the server needs into its folder and start it."""

    def _is_ready(self) -> bool:
        """Return whether it answers for its zone, or False when it has ended."""
        assert self._process is not None  # noqa: S101 - for the types
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if process.wait_for_exit(self._process.pid, POLL_S):
                return False
            if time.monotonic() > deadline:
                raise NameServerFailedError(self.name, f"did not answer within {READY_WITHIN_S:.0f} s", self.log)
        return not process.wait_for_exit(self._process.pid, 0)

    def _answers(self) -> bool:
        try:
            return self.ask(self.origin, "SOA", timeout_s=1.0).rcode() == dns.rcode.NOERROR
        except (OSError, dns.exception.DNSException):
            return False

    def ask(self, name: str, rdtype: str = "A", *, timeout_s: float = ASKED_WITHIN_S) -> dns.message.Message:
        """Return what the server itself answers, over UDP and, when that is cut short, TCP."""
        query = dns.message.make_query(dns.name.from_text(name, dns.name.from_text(self.origin)), rdtype)
        answer, _ = dns.query.udp_with_fallback(query, self.host, timeout_s, self.port)
        return answer

    def values(self, name: str, rdtype: str = "A") -> list[str]:
        """Return the values that the server answers, sorted; none when there are none."""
        wanted = dns.rdatatype.from_text(rdtype)
        found = [value for rrset in self.ask(name, rdtype).answer if rrset.rdtype == wanted for value in rrset]
        return sorted(value.to_text() for value in found)

    def serial(self) -> int:
        """Return the serial of the zone."""
        return int(self.ask(self.origin, "SOA").answer[0][0].serial)

    def transfer(self, key: Key | None = None) -> dns.zone.Zone:
        """Return the whole zone, asked for with its key or another."""
        ring = (key or self.key).keyring()
        query = dns.query.xfr(self.host, self.origin, port=self.port, keyring=ring, relativize=False, lifetime=10)
        return dns.zone.from_xfr(query, relativize=False)

    def new_update(self, key: Key | None = None) -> dns.update.UpdateMessage:
        """Return an update to be filled, signed with the zone's key or another."""
        return dns.update.UpdateMessage(self.origin, keyring=(key or self.key).tsig())

    def send(self, update: dns.update.UpdateMessage) -> None:
        """Send an update. Raises UpdateRefusedError, and dns.tsig.PeerError when the key is not the zone's."""
        rcode = dns.query.tcp(update, self.host, ASKED_WITHIN_S, self.port).rcode()
        if rcode != dns.rcode.NOERROR:
            raise UpdateRefusedError(rcode, self.name)

    def octodns(self) -> dict[str, Any]:
        """Return the arguments of ``octodns_bind.Rfc2136Provider`` and ``AxfrSource``."""
        return {
            "host": self.host,
            "port": self.port,
            "key_name": self.key.name,
            "key_secret": self.key.secret,
            "key_algorithm": self.key.algorithm,
        }
