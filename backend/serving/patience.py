"""How long a client may take, and how much it may hold."""

from dataclasses import dataclass

KIB = 1024


@dataclass(frozen=True)
class Patience:
    """Limits of one connection. A client that takes longer is cut off; a player then asks for the rest by range."""

    head_s: float = 10.0  # for the whole header
    body_s: float = 20.0  # for each ``pace_bytes`` of a body
    send_s: float = 60.0  # for each ``pace_bytes`` of an answer
    linger_s: float = 2.0  # to read the end of an answer before the connection is closed
    pace_bytes: int = 64 * KIB
    head_bytes: int = 64 * KIB
    # Bodies of up to this size are received whole before a thread begins. Larger ones are songs, or are refused
    # unread: config.bodies decides that, on one of the threads for uploads.
    body_bytes: int = 2560 * KIB + 64 * KIB
    # What a client that follows may leave unread.
    feed_bytes: int = 64 * KIB
    uploads: int = 8
    # Threads that answer only these addresses.
    probes: int = 2
    probed: frozenset[str] = frozenset({"/health", "/ready", "/api/health", "/api/ready"})
