"""Dynamic updates: RFC 2136, section 3."""

from collections.abc import Iterable

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.transaction
import dns.update

from sandbox.dns.zone import ANY, CNAME, NS, SOA, Zone

NONE_CLASS, ANY_CLASS = dns.rdataclass.NONE, dns.rdataclass.ANY


class NotUpdatedError(Exception):
    """An update that is answered with an error and changes nothing."""

    def __init__(self, rcode: dns.rcode.Rcode) -> None:
        super().__init__(rcode.name)
        self.rcode = rcode


def apply(zone: Zone, update: dns.update.UpdateMessage) -> None:
    """Do all of an update or, raising NotUpdatedError, nothing; the serial grows when something changed."""
    if [rrset.name for rrset in update.zone] != [zone.origin]:
        raise NotUpdatedError(dns.rcode.NOTAUTH)
    _check_names(zone, [*update.prerequisite, *update.update])
    with zone.records.writer() as transaction:
        check_prerequisites(transaction, update.prerequisite)
        _prescan(zone, update.update)
        serial = transaction.get(zone.origin, SOA)
        changes = [_change(zone, transaction, rrset) for rrset in update.update]
        if any(changes) and transaction.get(zone.origin, SOA) == serial:
            transaction.update_serial(name=zone.origin)


def check_prerequisites(transaction: dns.transaction.Transaction, prerequisites: Iterable[dns.rrset.RRset]) -> None:
    """Raise NotUpdatedError for the first one that does not hold (RFC 2136, 3.2)."""
    exact: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], set[dns.rdata.Rdata]] = {}
    for wanted in prerequisites:
        if wanted.ttl:
            raise NotUpdatedError(dns.rcode.FORMERR)
        if wanted.deleting is None:
            exact.setdefault((wanted.name, wanted.rdtype), set()).update(wanted)
        elif wanted.rdtype == ANY:
            _require_name(transaction, wanted)
        else:
            _require_rrset(transaction, wanted)
    for (name, rdtype), values in exact.items():
        if set(transaction.get(name, rdtype) or ()) != values:
            raise NotUpdatedError(dns.rcode.NXRRSET)


def _require_name(transaction: dns.transaction.Transaction, wanted: dns.rrset.RRset) -> None:
    in_use = transaction.get_node(wanted.name) is not None
    if wanted.deleting == ANY_CLASS and not in_use:
        raise NotUpdatedError(dns.rcode.NXDOMAIN)
    if wanted.deleting == NONE_CLASS and in_use:
        raise NotUpdatedError(dns.rcode.YXDOMAIN)


def _require_rrset(transaction: dns.transaction.Transaction, wanted: dns.rrset.RRset) -> None:
    exists = transaction.get(wanted.name, wanted.rdtype) is not None
    if wanted.deleting == ANY_CLASS and not exists:
        raise NotUpdatedError(dns.rcode.NXRRSET)
    if wanted.deleting == NONE_CLASS and exists:
        raise NotUpdatedError(dns.rcode.YXRRSET)


def _check_names(zone: Zone, rrsets: Iterable[dns.rrset.RRset]) -> None:
    if not all(rrset.name.is_subdomain(zone.origin) for rrset in rrsets):
        raise NotUpdatedError(dns.rcode.NOTZONE)


def _prescan(zone: Zone, changes: Iterable[dns.rrset.RRset]) -> None:
    for change in changes:
        whole_name = change.deleting == ANY_CLASS and change.rdtype == ANY
        if (dns.rdatatype.is_metatype(change.rdtype) and not whole_name) or (change.deleting and change.ttl):
            raise NotUpdatedError(dns.rcode.FORMERR)
        if change.deleting is None and zone.unfit(change.name, change.rdtype):
            raise NotUpdatedError(dns.rcode.REFUSED)


def _change(zone: Zone, transaction: dns.transaction.Transaction, change: dns.rrset.RRset) -> bool:
    """Make one change (RFC 2136, 3.4.2); return whether it changed anything."""
    if change.deleting is None:
        return _add(zone, transaction, change)
    if change.deleting == NONE_CLASS:
        return _delete_values(zone, transaction, change)
    node = transaction.get_node(change.name)
    types = [part.rdtype for part in node or () if change.rdtype in {part.rdtype, ANY}]
    kept = {SOA, NS} if change.name == zone.origin else set()
    gone = [rdtype for rdtype in types if rdtype not in kept]
    for rdtype in gone:
        transaction.delete(change.name, rdtype)
    return bool(gone)


def _add(zone: Zone, transaction: dns.transaction.Transaction, change: dns.rrset.RRset) -> bool:
    present = {part.rdtype for part in transaction.get_node(change.name) or ()}
    # An alias stands alone; a change that would break this is ignored (RFC 2136, 3.4.2.2).
    if (change.rdtype == CNAME and present - {CNAME}) or (change.rdtype != CNAME and CNAME in present):
        return False
    before = transaction.get(change.name, change.rdtype)
    if change.rdtype == SOA and (change.name != zone.origin or not _is_newer(change, before)):
        return False
    after = dns.rdataset.from_rdata_list(change.ttl, [*change])
    if before is not None and change.rdtype not in {SOA, CNAME}:
        after = dns.rdataset.from_rdata_list(change.ttl, [*before, *change])
    if before is not None and before == after and before.ttl == after.ttl:
        return False
    transaction.replace(change.name, after)
    return True


def _delete_values(zone: Zone, transaction: dns.transaction.Transaction, change: dns.rrset.RRset) -> bool:
    before = transaction.get(change.name, change.rdtype)
    if before is None or change.rdtype == SOA:
        return False
    left = [value for value in before if value not in change]
    if len(left) == len(before) or (not left and change.rdtype == NS and change.name == zone.origin):
        return False
    if left:
        transaction.replace(change.name, dns.rdataset.from_rdata_list(before.ttl, left))
    else:
        transaction.delete(change.name, change.rdtype)
    return True


def _is_newer(change: dns.rrset.RRset, before: dns.rdataset.Rdataset | None) -> bool:
    return before is None or bool(0 < (change[0].serial - before[0].serial) % 2**32 < 2**31)
