"""What every name server here must do: ours and bind9 pass the same tests."""

import socket
import subprocess
from collections.abc import Callable
from itertools import count

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.xfr
import pytest
from octodns.provider.plan import Plan
from octodns.record import Create, Delete, Record, Update
from octodns.zone import Zone
from octodns_bind import AxfrSource, AxfrSourceZoneTransferFailed, Rfc2136Provider

from sandbox.dns.authority import Authority
from sandbox.dns.errors import UpdateRefusedError
from sandbox.dns.key import Key
from sandbox.process import wait_for_exit

NUMBERS = count()


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"own{next(NUMBERS)}"


def add(server: Authority, name: str, *values: str, rdtype: str = "A", ttl: int = 30) -> None:
    update = server.new_update()
    for value in values:
        update.add(name, ttl, rdtype, value)
    server.send(update)


def test_query__record_that_is_there__is_answered_with_authority_and_its_ttl(authority: Authority) -> None:
    answer = authority.ask("www")

    assert answer.flags & dns.flags.AA
    assert answer.answer[0].to_text() == "www.compas.test. 30 IN A 127.0.0.2"
    assert authority.values("www", "AAAA") == ["::1"]
    assert authority.values("note", "TXT") == ['"one" "two words"']
    assert authority.values("compas.test.", "NS") == ["ns.compas.test."]


@pytest.mark.parametrize(
    ("name", "rcode"),
    [("missing", dns.rcode.NXDOMAIN), ("note", dns.rcode.NOERROR), ("b.deep", dns.rcode.NOERROR)],
)
def test_query__nothing_there__says_how_long_that_may_be_remembered(
    authority: Authority, name: str, rcode: dns.rcode.Rcode
) -> None:
    answer = authority.ask(name)

    assert (answer.rcode(), answer.answer) == (rcode, [])
    assert [rrset.rdtype for rrset in answer.authority] == [dns.rdatatype.SOA]


def test_query__alias__is_followed_within_the_zone(authority: Authority) -> None:
    assert [rrset.rdtype.name for rrset in authority.ask("alias").answer] == ["CNAME", "A"]
    assert [rrset.rdtype.name for rrset in authority.ask("alias", "CNAME").answer] == ["CNAME"]
    away = authority.ask("away")
    assert (away.rcode(), [rrset.rdtype.name for rrset in away.answer]) == (dns.rcode.NOERROR, ["CNAME"])
    dangling = authority.ask("dangling")
    assert dangling.rcode() == dns.rcode.NXDOMAIN
    assert [rrset.rdtype for rrset in dangling.authority] == [dns.rdatatype.SOA]


def test_query__another_zone__is_refused(authority: Authority) -> None:
    assert authority.ask("www.elsewhere.test.").rcode() == dns.rcode.REFUSED


def test_query__answer_too_large_for_udp__is_cut_short_there_and_whole_over_tcp(authority: Authority) -> None:
    query = dns.message.make_query("large.compas.test.", "TXT")

    short = dns.query.udp(query, authority.host, 5, authority.port)
    assert short.flags & dns.flags.TC
    assert len(authority.values("large", "TXT")) == 100  # which falls back on TCP


def test_query__malformed__is_told_so(authority: Authority) -> None:
    header = dns.message.make_query("www.compas.test.", "A").to_wire()[:12]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(header + b"\xff", (authority.host, authority.port))
        answer = client.recv(512)
    assert answer[:2] == header[:2]
    assert answer[3] & 0xF == dns.rcode.FORMERR


def test_update__signed__is_done_and_the_serial_grows(authority: Authority, name: str) -> None:
    before = authority.serial()
    add(authority, name, "127.0.0.2", "127.0.0.3")
    assert authority.values(name) == ["127.0.0.2", "127.0.0.3"]
    assert authority.serial() == before + 1


def test_update__replaces__all_values_and_the_ttl(authority: Authority, name: str) -> None:
    add(authority, name, "127.0.0.2")
    update = authority.new_update()
    update.replace(name, 5, "A", "127.0.0.3")
    authority.send(update)

    (rrset,) = authority.ask(name).answer
    assert rrset.to_text() == f"{name}.compas.test. 5 IN A 127.0.0.3"


def test_update__changes_nothing__keeps_the_serial(authority: Authority, name: str) -> None:
    add(authority, name, "127.0.0.2")
    before = authority.serial()
    add(authority, name, "127.0.0.2")
    assert authority.serial() == before


def test_update__deletes__a_value_a_type_and_a_name(authority: Authority, name: str) -> None:
    add(authority, name, "127.0.0.2", "127.0.0.3", "127.0.0.4")
    add(authority, name, '"x"', rdtype="TXT")
    for arguments, left in ((("A", "127.0.0.2"), 2), (("A",), 0)):
        update = authority.new_update()
        update.delete(name, *arguments)
        authority.send(update)
        assert len(authority.values(name)) == left
    assert authority.values(name, "TXT") == ['"x"']
    update = authority.new_update()
    update.delete(name)
    authority.send(update)
    assert authority.ask(name).rcode() == dns.rcode.NXDOMAIN


def test_update__would_take_the_zone_its_authority__leaves_that(authority: Authority) -> None:
    update = authority.new_update()
    update.delete("@")
    update.delete("@", "NS", "ns")
    authority.send(update)
    assert authority.values("compas.test.", "NS") == ["ns.compas.test."]
    assert authority.serial() > 0


def test_update__alias_beside_other_records__is_passed_over(authority: Authority, name: str) -> None:
    add(authority, name, "127.0.0.2")
    add(authority, name, "www", rdtype="CNAME")
    assert authority.values(name, "CNAME") == []
    assert authority.values(name) == ["127.0.0.2"]


Prepare = Callable[["dns.update.UpdateMessage", str], None]


@pytest.mark.parametrize(
    ("require", "rcode"),
    [
        (lambda update, _: update.present("missing"), dns.rcode.NXDOMAIN),
        (lambda update, name: update.present(name, "TXT"), dns.rcode.NXRRSET),
        (lambda update, name: update.present(name, "A", "127.0.0.9"), dns.rcode.NXRRSET),
        (lambda update, name: update.absent(name), dns.rcode.YXDOMAIN),
        (lambda update, name: update.absent(name, "A"), dns.rcode.YXRRSET),
    ],
    ids=["name missing", "type missing", "other value", "name there", "type there"],
)
def test_update__prerequisite_does_not_hold__changes_nothing(
    authority: Authority, name: str, require: Prepare, rcode: dns.rcode.Rcode
) -> None:
    add(authority, name, "127.0.0.2")
    before = authority.serial()
    update = authority.new_update()
    require(update, name)
    update.replace(name, 30, "A", "127.0.0.3")

    with pytest.raises(UpdateRefusedError, match=f"SB014  .*answered {rcode.name} to an update") as refused:
        authority.send(update)

    assert refused.value.rcode == rcode
    assert (authority.values(name), authority.serial()) == (["127.0.0.2"], before)


def test_update__every_prerequisite_holds__is_done(authority: Authority, name: str) -> None:
    add(authority, name, "127.0.0.2", "127.0.0.4")
    update = authority.new_update()
    update.present(name)
    update.present(name, "A")
    update.present(name, "A", "127.0.0.4")
    update.present(name, "A", "127.0.0.2")
    update.absent("missing")
    update.absent(name, "TXT")
    update.replace(name, 30, "A", "127.0.0.3")
    authority.send(update)
    assert authority.values(name) == ["127.0.0.3"]


def test_update__unsigned__is_refused(authority: Authority, name: str) -> None:
    update = dns.update.UpdateMessage(authority.origin)
    update.add(name, 30, "A", "127.0.0.2")
    with pytest.raises(UpdateRefusedError, match="answered REFUSED"):
        authority.send(update)
    assert authority.ask(name).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize(
    ("key", "error"),
    [
        (lambda right: Key.new(right.name), dns.tsig.PeerBadSignature),
        (lambda right: Key("stranger.", right.secret), dns.tsig.PeerBadKey),
    ],
    ids=["wrong secret", "unknown name"],
)
def test_update__wrong_key__is_refused(
    authority: Authority, name: str, key: Callable[[Key], Key], error: type[Exception]
) -> None:
    update = authority.new_update(key(authority.key))
    update.add(name, 30, "A", "127.0.0.2")
    with pytest.raises(error):
        authority.send(update)
    assert authority.ask(name).rcode() == dns.rcode.NXDOMAIN


def test_update__another_zone__is_refused(authority: Authority) -> None:
    update = dns.update.UpdateMessage("elsewhere.test.", keyring=authority.key.tsig())
    update.add("www", 30, "A", "127.0.0.2")
    with pytest.raises(UpdateRefusedError, match="answered NOTAUTH"):
        authority.send(update)


def test_update__name_outside_the_zone__changes_nothing(authority: Authority, name: str) -> None:
    update = authority.new_update()
    update.add(name, 30, "A", "127.0.0.2")
    update.add(dns.name.from_text("www.elsewhere.test."), 30, "A", "127.0.0.2")
    with pytest.raises(UpdateRefusedError, match="answered NOTZONE"):
        authority.send(update)
    assert authority.ask(name).rcode() == dns.rcode.NXDOMAIN


def test_transfer__with_the_key__gives_every_record(authority: Authority) -> None:
    zone = authority.transfer()
    assert {"127.0.0.2"} == {value.to_text() for value in zone.find_rdataset("www.compas.test.", "A")}
    assert len(zone.find_rdataset("large.compas.test.", "TXT")) == 100
    assert zone.get_soa().serial == authority.serial()


def test_transfer__wrong_key_or_none__is_refused(authority: Authority) -> None:
    with pytest.raises(dns.tsig.PeerBadSignature):
        authority.transfer(Key.new(authority.key.name))
    with pytest.raises((dns.xfr.TransferError, dns.exception.FormError)):
        list(dns.query.xfr(authority.host, authority.origin, port=authority.port))


# octodns-bind calls what octoDNS is about to remove.
@pytest.mark.filterwarnings("ignore:`R.*` is DEPRECATED. Use :DeprecationWarning")
def test_octodns__creates_updates_and_deletes__and_reads_that_back(authority: Authority, name: str) -> None:
    provider = Rfc2136Provider("provider", **authority.octodns())

    def desired(*values: str) -> Record:
        return Record.new(zone, name, {"type": "A", "ttl": 30, "values": list(values)})

    for kind, old, new in (
        (Create, (), ("127.0.0.2",)),
        (Update, ("127.0.0.2",), ("127.0.0.3", "127.0.0.4")),
        (Delete, ("127.0.0.3", "127.0.0.4"), ()),
    ):
        zone = Zone(authority.origin, [])
        records = [desired(*values) for values in (old, new) if values]
        provider.apply(Plan(zone, zone, [kind(*records)], exists=True))
        assert authority.values(name) == sorted(new)
        read = Zone(authority.origin, [])
        AxfrSource("source", **authority.octodns()).populate(read)
        assert [sorted(record.values) for record in read.records if record.name == name] == ([sorted(new)] * bool(new))


def test_octodns__wrong_key__is_told(authority: Authority) -> None:
    source = AxfrSource("source", **authority.octodns() | {"key_secret": Key.new().secret})
    with pytest.raises(AxfrSourceZoneTransferFailed, match="Unable to Perform Zone Transfer"):
        source.populate(Zone(authority.origin, []))


def test_server__listens_on_this_machine_only(authority: Authority) -> None:
    listening = subprocess.run(["cat", "/proc/net/tcp"], capture_output=True, text=True, check=True).stdout
    port = f":{authority.port:04X}"
    addresses = {line.split()[1] for line in listening.splitlines() if line.split()[1].endswith(port)}
    assert addresses == {f"0100007F{port}"}


def test_server__its_process_is_killed__dies_with_it(
    authority: Authority, python: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    kind = type(authority)
    parent = python(
        f"import sys\nfrom {kind.__module__} import {kind.__name__} as Server\n"
        "with Server('compas.test.', '') as server:\n    print(server.pid, flush=True)\n    sys.stdin.read()"
    )
    pid = int(parent.stdout.readline())
    parent.kill()
    assert wait_for_exit(pid, 20)
