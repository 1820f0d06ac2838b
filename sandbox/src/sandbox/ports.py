"""Ports of this machine: one that is free, and the refusal of one that is in use."""

import secrets
import socket

from sandbox.errors import SandboxError

LOOPBACK = "127.0.0.1"
# Another program may take a free port before the server does; hardly three times in a row.
ATTEMPTS = 3


class PortInUseError(SandboxError):
    """Another program listens where a system was to listen."""

    code = "SB004"

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} is in use; a system was to listen there. Stop what does, or choose another port."
        )


def free_port(*addresses: str) -> int:
    """Return a port that no program listens on, at any of these addresses or at 127.0.0.1.

    Below the range that the kernel gives to outgoing connections, or one of those could take it before it is used.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        if all(_is_free(port, address) for address in addresses or (LOOPBACK,)):
            return port


def require_free(*ports: int, address: str = LOOPBACK) -> None:
    """Raise PortInUseError unless all ports are free."""
    for port in ports:
        if not _is_free(port, address):
            raise PortInUseError(port)


def _is_free(port: int, address: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
