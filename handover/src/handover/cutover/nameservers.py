"""What the name servers answer: the authoritative ones, and resolvers that people use.

dnspython comes with the extra ``[dns]``, so it is imported where it is used: all other commands run without it.
"""

# ruff: noqa: PLC0415 - see above

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handover.config.config import Dns
from handover.cutover.dns_record import DnsRecord, dns_record
from handover.errors import HandoverError

if TYPE_CHECKING:
    import dns.resolver

ANSWER_WITHIN_S = 2.0
BETWEEN_S = 0.2
DNS_PORT = 53


class DiffersError(HandoverError):
    """Name servers do not answer what was written."""

    code = "HO575"


@dataclass(frozen=True)
class DnsAnswer:
    """What a server said; ``trouble`` says why its answer does not count."""

    server: str
    record: DnsRecord | None
    trouble: str = ""

    def __str__(self) -> str:
        return f"{self.server}: {self.trouble or self.record or 'no such record'}"


def authoritative(dns_: Dns) -> tuple[str, ...]:
    """Return the zone's name servers, ``address:port``.

    Raises
    ------
    DiffersError
        No name server is declared, and none was found.
    """
    if dns_.authoritative:
        return dns_.authoritative
    import dns.exception

    resolver = _resolver(dns_)
    try:
        names = [str(item.target) for item in resolver.resolve(f"{dns_.zone.rstrip('.')}.", "NS")]
        return tuple(str(item) for name in sorted(names) for item in resolver.resolve(name, "A"))
    except dns.exception.DNSException as error:
        message = f"the name servers of {dns_.zone} were not found: {error}."
        raise DiffersError(f"{message} Declare them: [dns] authoritative") from error


def _resolver(dns_: Dns) -> "dns.resolver.Resolver":
    import dns.resolver

    if not dns_.resolvers:
        return dns.resolver.Resolver()
    resolver = dns.resolver.Resolver(configure=False)
    places = [_place(server) for server in dns_.resolvers]
    resolver.nameservers = [host for host, _ in places]
    resolver.nameserver_ports = dict(places)
    return resolver


def ask(server: str, dns_: Dns, name: str, *, recursive: bool = False) -> DnsAnswer:
    """Ask one server for a record of the zone.

    Parameters
    ----------
    server
        Its address, with or without a port.
    dns_, name
        The zone, and the record relative to it.
    recursive
        Whether the server may ask others; otherwise its answer must be authoritative.
    """
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode
    import dns.rdatatype

    host, port = _place(server)
    full = dns.name.from_text(name or "@", origin=dns.name.from_text(dns_.zone))
    query = dns.message.make_query(full, dns_.type, flags=dns.flags.RD if recursive else 0)
    try:
        reply, _ = dns.query.udp_with_fallback(query, host, timeout=ANSWER_WITHIN_S, port=port)
    except (dns.exception.DNSException, OSError) as error:
        return DnsAnswer(server, None, f"no answer: {type(error).__name__} {error}".strip())
    if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return DnsAnswer(server, None, f"it answers {dns.rcode.to_text(reply.rcode())}")
    if not recursive and not reply.flags & dns.flags.AA:
        return DnsAnswer(server, None, "its answer is not authoritative")
    for found in reply.answer:
        if found.name == full and dns.rdatatype.to_text(found.rdtype) == dns_.type:
            return DnsAnswer(server, dns_record(dns_.type, found.ttl, (item.to_text() for item in found)))
    return DnsAnswer(server, None)


def wait_for(
    servers: tuple[str, ...],
    ask_server: Callable[[str], DnsAnswer],
    values: tuple[str, ...],
    *,
    limit_s: float,
) -> tuple[list[DnsAnswer], float]:
    """Ask until all servers answer the values; return their answers and how long that took, in seconds.

    Parameters
    ----------
    servers
        The servers, ``address:port``.
    ask_server
        Asks one of them.
    values
        The values that all must answer.
    limit_s
        How long to wait, in seconds.

    Raises
    ------
    DiffersError
        A server does not within the limit, or there is no server to ask.
    """
    began = time.monotonic()  # a clock that is set meanwhile must not end the waiting
    if not servers:
        raise DiffersError("there is no name server to ask, so it is not known what people get. Declare them in [dns].")
    while True:
        answers = [ask_server(server) for server in servers]
        took = time.monotonic() - began
        if all(a.record is not None and a.record.values == values for a in answers):
            return answers, took
        if took > limit_s:
            said = "\n       ".join(str(a) for a in answers)
            message = f"after {took:.0f} s not every name server answers {', '.join(values)}:\n       {said}"
            todo = "It is not switched. Look again: handover status. Go on or back: handover resume [--back]"
            raise DiffersError(f"{message}\n       {todo}")
        time.sleep(BETWEEN_S)


def _place(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    # An IPv6 address has colons of its own; with a port it stands in brackets.
    if host and (host.count(":") == 0 or host.startswith("[")):
        return host.strip("[]"), int(port)
    return server.strip("[]"), DNS_PORT
