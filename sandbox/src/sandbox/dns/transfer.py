"""Transfer of a whole zone to clients that hold the key: RFC 5936."""

import io
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rrset

from sandbox.dns.zone import Zone

MESSAGE_BYTES = 16_000


def transfer(zone: Zone, query: dns.message.Message) -> Iterator[bytes]:
    """Yield the messages of a transfer, each signed after the one before."""
    context = None
    for batch in _batches(zone):
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        response.answer.extend(batch)
        yield response.to_wire(max_size=65_535, multi=True, tsig_ctx=context)
        context = response.tsig_ctx


def _batches(zone: Zone) -> Iterator[list[dns.rrset.RRset]]:
    batch: list[dns.rrset.RRset] = []
    size = 0
    for rrset in (zone.soa(), *zone.rrsets(), zone.soa()):
        length = _length(rrset)
        if batch and size + length > MESSAGE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(rrset)
        size += length
    yield batch


def _length(rrset: dns.rrset.RRset) -> int:
    wire = io.BytesIO()
    rrset.to_wire(wire)
    return len(wire.getvalue())
