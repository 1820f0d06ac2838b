"""One call of a webhook: POST, with a limit for everything."""

import http.client
import socket
import ssl
import threading
from dataclasses import dataclass

from apps.webhooks.addresses import ForbiddenTargetError, Target, address_of, target_of

CONNECT_S = 5.0
# For the whole call, the last byte of the answer's header included: a receiver that sends a byte now and then gains
# nothing.
LONGEST_S = 15.0
REDIRECTS = range(300, 400)
TAKEN = range(200, 300)
AGENT = "Compas-Webhooks/1"


@dataclass(frozen=True)
class Outcome:
    """How a call went. ``error`` is for the webhook's owner, and empty if the message was taken."""

    status: int | None
    error: str


class _Plain(http.client.HTTPConnection):
    """A connection to an address that was looked at, whatever the name leads to by now."""

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(target.host, target.port, timeout=CONNECT_S)
        self.address = address

    def connect(self) -> None:
        """Connect to the address, not to the name."""
        self.sock = socket.create_connection((self.address, self.port), CONNECT_S)
        self.sock.settimeout(LONGEST_S)


class _Tls(_Plain):
    def connect(self) -> None:
        """Connect, and check that the certificate is the name's."""
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def call(url: str, body: bytes, headers: dict[str, str]) -> Outcome:
    """Send a message and return what came of it. Nothing is raised: whatever goes wrong is the receiver's."""
    try:
        target = target_of(url)
        connection = (_Tls if target.is_https else _Plain)(target, address_of(target))
    except ForbiddenTargetError as error:
        return Outcome(None, str(error))
    return _call(connection, target, body, headers)


def _call(connection: _Plain, target: Target, body: bytes, headers: dict[str, str]) -> Outcome:
    late = threading.Event()
    watchdog = threading.Timer(LONGEST_S, _cut_off, args=(connection, late))
    watchdog.daemon = True
    watchdog.start()
    try:
        told = {"User-Agent": AGENT, "Content-Type": "application/json", "Connection": "close"}
        connection.request("POST", target.path, body, headers | told)
        # The body of the answer is not read: nothing depends on it, and it could be endless.
        status = connection.getresponse().status
    except (TimeoutError, OSError, http.client.HTTPException) as error:
        return Outcome(None, _told(error, is_late=late.is_set()))
    else:
        # A header that was cut off looks like a whole one.
        return Outcome(None, _too_late()) if late.is_set() else _judged(status)
    finally:
        watchdog.cancel()
        connection.close()


def _cut_off(connection: _Plain, late: threading.Event) -> None:
    late.set()
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it was closed meanwhile


def _judged(status: int) -> Outcome:
    if status in TAKEN:
        return Outcome(status, "")
    if status in REDIRECTS:
        return Outcome(status, f"It answered {status}, a redirect; these are not followed. Change the webhook's URL.")
    return Outcome(status, f"It answered {status}; a message counts as taken at 200 to 299.")


def _too_late() -> str:
    return f"It did not answer within {LONGEST_S:g} s."


def _told(error: Exception, *, is_late: bool) -> str:
    if is_late or isinstance(error, TimeoutError):
        return _too_late()
    if isinstance(error, ssl.SSLError):
        return "Its certificate is not valid for this host, or it speaks no TLS."
    if isinstance(error, http.client.HTTPException):
        return "It answered with something that is no HTTP."
    return "No connection could be made."
