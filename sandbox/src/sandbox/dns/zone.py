"""The records of one zone, and what they answer."""

from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone

from sandbox.dns.errors import ZoneRefusedError

MOST_ALIASES = 8
IN = dns.rdataclass.IN
SOA, NS, CNAME, ANY = dns.rdatatype.SOA, dns.rdatatype.NS, dns.rdatatype.CNAME, dns.rdatatype.ANY


def zone_text(records: str, *, ttl: int = 60) -> str:
    """Return a whole zone from its records in master-file format: an SOA, a name server and those."""
    return f"$TTL {ttl}\n@ IN SOA ns hostmaster 1 3600 600 86400 {ttl}\n@ IN NS ns\nns IN A 127.0.0.1\n{records}\n"


class Zone:
    """A zone without wildcards and delegations; those are refused, since this server would answer them wrongly."""

    def __init__(self, origin: str, text: str) -> None:
        try:
            self.records = dns.zone.from_text(text, origin, relativize=False)
        except (dns.exception.DNSException, ValueError) as error:
            raise ZoneRefusedError(origin, str(error) or type(error).__name__) from error
        assert self.records.origin is not None  # noqa: S101 - for the types
        self.origin = self.records.origin
        for name, rdataset in self.records.iterate_rdatasets():
            if why := self.unfit(name, rdataset.rdtype):
                raise ZoneRefusedError(origin, why)

    def unfit(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> str:
        """Return why this server could not serve such a record, or nothing."""
        if name.is_wild():
            return f"{name} is a wildcard, which this server does not know"
        if rdtype == NS and name != self.origin:
            return f"{name} is delegated, which this server does not know"
        return ""

    def soa(self) -> dns.rrset.RRset:
        """Return the start of authority."""
        return self.records.find_rrset(self.origin, SOA)

    def rrsets(self) -> Iterator[dns.rrset.RRset]:
        """Yield all records but the start of authority."""
        for name, rdataset in self.records.iterate_rdatasets():
            if rdataset.rdtype != SOA:
                yield _rrset(name, rdataset)

    def answer(self, query: dns.message.Message, response: dns.message.Message) -> None:
        """Write the zone's answer to a query of one question into ``response``."""
        (question,) = query.question
        if question.rdclass != IN or not question.name.is_subdomain(self.origin):
            response.set_rcode(dns.rcode.REFUSED)
            return
        response.flags |= dns.flags.AA
        response.set_rcode(self._follow(question.name, question.rdtype, response.answer))
        if not response.answer or self._leads_nowhere(question, response.answer[-1]):
            response.authority.append(self._negative())

    def _follow(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, found: list[dns.rrset.RRset]
    ) -> dns.rcode.Rcode:
        """Put the records into ``found``, aliases first."""
        for _ in range(MOST_ALIASES):
            if not name.is_subdomain(self.origin):
                return dns.rcode.NOERROR  # another server answers for the rest
            node = self.records.get_node(name)
            if node is None:
                return dns.rcode.NOERROR if self._has_names_below(name) else dns.rcode.NXDOMAIN
            if parts := [part for part in node if rdtype in {part.rdtype, ANY}]:
                found.extend(_rrset(name, part) for part in parts)
                return dns.rcode.NOERROR
            alias = node.get_rdataset(IN, CNAME)
            if alias is None:
                return dns.rcode.NOERROR
            found.append(_rrset(name, alias))
            name = alias[0].target
        return dns.rcode.SERVFAIL

    def _leads_nowhere(self, question: dns.rrset.RRset, last: dns.rrset.RRset) -> bool:
        """Whether an alias was followed to a name of this zone that does not have what was asked for."""
        return last.rdtype == CNAME and question.rdtype not in {CNAME, ANY} and last[0].target.is_subdomain(self.origin)

    def _has_names_below(self, name: dns.name.Name) -> bool:
        return any(other.is_subdomain(name) for other in self.records)

    def _negative(self) -> dns.rrset.RRset:
        soa = self.soa()
        soa.ttl = min(soa.ttl, soa[0].minimum)  # how long a "no" may be remembered, RFC 2308
        return soa


def _rrset(name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))
