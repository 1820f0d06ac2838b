"""A load balancer before both systems of a rehearsal, at an address of its own; people reach only it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.haproxy import Haproxy, haproxy_before
from sandbox.systems import ADDRESSES, BALANCER

STEPS = (1, 10, 50, 100)
ALL = 100
WINDOW_S = 2.0


@dataclass(frozen=True)
class PeopleBalancer:
    """The balancer that people reach."""

    haproxy: Haproxy

    def values(self, name: str) -> tuple[str, ...]:
        """Return the address of the system that all people reach, or of both while only a share was moved."""
        del name
        share = self.haproxy.weights()["backend"]
        return (ADDRESSES["original"],) if share == 0 else (ADDRESSES["backend"],) if share == ALL else (BALANCER,)

    def sections(self) -> dict[str, Any]:
        """Return what handover.toml declares of it. The gate of the TTL is about DNS, so there is none."""
        url = f"http://{self.haproxy.address}:{self.haproxy.port}"
        return {
            "switch": {
                "way": "haproxy",
                "url": url,
                "steps": list(STEPS),
                "windows": 2,
                "wait_s": 120.0,
                "drain_s": 20.0,
                "told_by": {"header": "X-Served-By", "original": "original", "backend": "backend"},
                "haproxy": {
                    "sockets": [str(self.haproxy.socket)],
                    "state_file": str(self.haproxy.folder / "pair.state"),
                },
            },
            # Window by window after each step; at 1 % of the people there is little traffic.
            "watch": {
                "interval_s": 0.5, "window_s": WINDOW_S, "min_requests": 1, "min_rows": 1, "min_tasks": 0,
                "newest": {"users": "date_joined"}, "limits": {"latency_p50_ms": 4000, "latency_p95_ms": 10000},
            },
        }  # fmt: skip


@contextmanager
def balancer_before(port: int) -> Iterator[PeopleBalancer]:
    """Run a balancer before both systems, on their port."""
    with tempfile.TemporaryDirectory(prefix="hap-") as folder:
        places = {name: f"{address}:{port}" for name, address in ADDRESSES.items()}
        with haproxy_before(Path(folder), **places, address=BALANCER, port=port) as made:
            yield PeopleBalancer(made)
