"""Both name servers on a zone, for all tests of a run."""

from collections.abc import Iterator

import pytest

from sandbox.dns import bind
from sandbox.dns.authority import Authority
from sandbox.dns.bind import Bind9
from sandbox.dns.nameserver import NameServer

RECORDS = """
www      30 IN A     127.0.0.2
www      30 IN AAAA  ::1
alias       IN CNAME www
away        IN CNAME www.elsewhere.test.
dangling    IN CNAME missing
note        IN TXT   "one" "two words"
a.b.deep    IN A     127.0.0.9
"""
# Larger than any UDP answer, and than one message of a transfer.
LARGE = "\n".join(f"large IN TXT {'x' * 200}{number:03}" for number in range(100))


@pytest.fixture(scope="session", params=["ours", "bind9"])
def authority(request: pytest.FixtureRequest) -> Iterator[Authority]:
    """A server of each kind; every test uses names of its own."""
    if request.param == "bind9" and not bind.is_installed():
        pytest.skip(bind.MISSING)
    make = Bind9 if request.param == "bind9" else NameServer
    with make("compas.test.", RECORDS + LARGE) as server:
        yield server


@pytest.fixture(scope="session")
def own() -> Iterator[NameServer]:
    """Our own server, for faults."""
    with NameServer("faulty.test.", "www 30 IN A 127.0.0.2") as server:
        yield server
