"""From the bytes of a request to the bytes of its answers."""

import struct
import time
from collections.abc import Iterator

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update

from sandbox.dns.faults import DnsFault
from sandbox.dns.key import Key
from sandbox.dns.transfer import transfer
from sandbox.dns.updates import NotUpdatedError, apply
from sandbox.dns.zone import Zone

PLAIN_UDP_BYTES = 512
EDNS_UDP_BYTES = 1232
TCP_BYTES = 65_535
HEADER_BYTES = 12
TRANSFERS = (dns.rdatatype.AXFR, dns.rdatatype.IXFR)


class Responder:
    """One zone, the key that may change it, and the fault of the moment."""

    def __init__(self, zone: Zone, key: Key) -> None:
        self.zone = zone
        self.keyring = key.keyring()
        self.fault = DnsFault()

    def kind(self, wire: bytes) -> str:
        """Return what is asked for: queries, updates or transfers."""
        try:
            message = dns.message.from_wire(wire, keyring=False, question_only=True)
        except dns.exception.DNSException:
            return "queries"
        if message.opcode() == dns.opcode.UPDATE:
            return "updates"
        return "transfers" if any(part.rdtype in TRANSFERS for part in message.question) else "queries"

    def answers(self, wire: bytes, *, over_tcp: bool) -> Iterator[bytes]:
        """Yield the answers to one request: usually one, none when it is no request."""
        try:
            query = dns.message.from_wire(wire, keyring=self.keyring)
        except (dns.tsig.BadSignature, dns.tsig.BadAlgorithm, dns.tsig.BadTime, dns.message.UnknownTSIGKey) as error:
            yield _unsigned_refusal(wire, error)
            return
        except dns.exception.DNSException:
            yield from _malformed(wire)
            return
        if query.flags & dns.flags.QR:
            return
        if self.fault.hits("servfail", self.kind(wire)):
            yield _failed(query, dns.rcode.SERVFAIL)
        elif query.opcode() == dns.opcode.UPDATE:
            yield self._update(query)
        elif query.opcode() != dns.opcode.QUERY:
            yield _failed(query, dns.rcode.NOTIMP)
        elif len(query.question) != 1:
            yield _failed(query, dns.rcode.FORMERR)
        elif query.question[0].rdtype in TRANSFERS:
            yield from self._transfer(query, over_tcp=over_tcp)
        else:
            response = dns.message.make_response(query, our_payload=EDNS_UDP_BYTES)
            self.zone.answer(query, response)
            yield response.to_wire(max_size=_room(query, over_tcp=over_tcp), prefer_truncation=True)

    def _update(self, query: dns.message.Message) -> bytes:
        assert isinstance(query, dns.update.UpdateMessage)  # noqa: S101 - for the types
        if not query.had_tsig:
            return _failed(query, dns.rcode.REFUSED)
        if self.fault.hits("unapplied", "updates"):
            return _failed(query, dns.rcode.NOERROR)
        try:
            apply(self.zone, query)
        except NotUpdatedError as refusal:
            return _failed(query, refusal.rcode)
        return _failed(query, dns.rcode.NOERROR)

    def _transfer(self, query: dns.message.Message, *, over_tcp: bool) -> Iterator[bytes]:
        question = query.question[0]
        if not query.had_tsig:
            yield _failed(query, dns.rcode.REFUSED)
        elif question.name != self.zone.origin:
            yield _failed(query, dns.rcode.NOTAUTH)
        elif question.rdtype != dns.rdatatype.AXFR:
            yield _failed(query, dns.rcode.NOTIMP)
        elif not over_tcp:
            yield _failed(query, dns.rcode.FORMERR)
        else:
            yield from transfer(self.zone, query)


def _room(query: dns.message.Message, *, over_tcp: bool) -> int:
    if over_tcp:
        return TCP_BYTES
    return min(max(query.payload, PLAIN_UDP_BYTES), EDNS_UDP_BYTES) if query.edns >= 0 else PLAIN_UDP_BYTES


def _failed(query: dns.message.Message, rcode: dns.rcode.Rcode) -> bytes:
    """Return an answer that holds nothing but its code."""
    response = dns.message.make_response(query)
    response.set_rcode(rcode)
    return response.to_wire(max_size=TCP_BYTES)


def _unsigned_refusal(wire: bytes, error: Exception) -> bytes:
    """Return NOTAUTH with the reason in the signature's place, unsigned (RFC 8945, 5.2)."""
    query = dns.message.from_wire(wire, keyring=False)
    reasons: dict[type[Exception], dns.rcode.Rcode] = {
        dns.tsig.BadSignature: dns.rcode.BADSIG,
        dns.tsig.BadTime: dns.rcode.BADTIME,
    }
    response = dns.message.make_response(query)
    response.set_rcode(dns.rcode.NOTAUTH)
    reason = reasons.get(type(error), dns.rcode.BADKEY)
    assert query.tsig is not None  # noqa: S101 - or there was nothing to refuse
    tsig = query.tsig[0].replace(time_signed=int(time.time()), mac=b"", error=reason, other=b"")
    response.tsig = dns.rrset.from_rdata(query.tsig.name, 0, tsig)
    return response.to_wire(max_size=TCP_BYTES)


def _malformed(wire: bytes) -> Iterator[bytes]:
    """Yield FORMERR where the bytes hold at least the header of a request."""
    if len(wire) < HEADER_BYTES:
        return
    number, flags = struct.unpack("!HH", wire[:4])
    if not flags & dns.flags.QR:
        opcode_and_rd = flags & (0x7800 | dns.flags.RD)
        yield struct.pack("!HH8x", number, dns.flags.QR | opcode_and_rd | dns.rcode.FORMERR)
