"""Balancers before the night's small systems, as the examples of the documentation configure them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from handover.parallel.rule import MetricVerdict
from handover_testing.night import Story, keep
from sandbox import haproxy
from sandbox.haproxy import Haproxy
from sandbox.ports import LOOPBACK

# A long list of steps makes a long test; the first is small enough to be a share, the second is all.
STEPS = "[10, 100]"


def netloc(story: Story, side: str) -> str:
    return urlsplit(story.systems[side].url).netloc


@contextmanager
def haproxy_before(story: Story, more: str = "") -> Iterator[Haproxy]:
    """Run HAProxy before the systems of a story, and declare it; ``more`` is added to ``[switch]``."""
    with (
        tempfile.TemporaryDirectory(prefix="hap-") as place,
        haproxy.haproxy_before(
            Path(place), original=netloc(story, "original"), backend=netloc(story, "backend")
        ) as made,
    ):
        story.declare(declared("haproxy", made.port, more))
        story.declare(
            f'[switch.haproxy]\nsockets = ["{made.socket}"]\nstate_file = "{made.folder}/pair.state"\n'
            f'rehearsal_section = "pair_rehearsal"\nrehearsal_url = "http://{LOOPBACK}:{made.second_port}"\n'
        )
        yield made


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
