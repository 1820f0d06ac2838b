"""Our own name server: its faults on demand, its lifecycle and what it refuses."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.tsig
import pytest

from sandbox.dns import bind
from sandbox.dns.bind import Bind9
from sandbox.dns.errors import (
    FaultUnknownError,
    NameServerFailedError,
    NoBindError,
    UpdateRefusedError,
    ZoneRefusedError,
)
from sandbox.dns.faults import DnsFault
from sandbox.dns.key import Key
from sandbox.dns.nameserver import NameServer
from sandbox.ports import free_port


def move(server: NameServer, value: str) -> None:
    update = server.new_update()
    update.replace("www", 30, "A", value)
    server.send(update)


def test_fault__servfail__of_updates_only__still_answers(own: NameServer) -> None:
    with own.fault("servfail updates"):
        with pytest.raises(UpdateRefusedError, match="answered SERVFAIL to an update; expected NOERROR"):
            move(own, "127.0.0.9")
        assert own.values("www") == ["127.0.0.2"]
    with own.fault("servfail"):
        assert own.ask("www").rcode() == dns.rcode.SERVFAIL
    assert own.ask("www").rcode() == dns.rcode.NOERROR


def test_fault__unapplied__says_done_and_does_nothing(own: NameServer) -> None:
    before = own.serial()
    with own.fault("unapplied"):
        move(own, "127.0.0.9")
    assert (own.values("www"), own.serial()) == (["127.0.0.2"], before)
    update = own.new_update()
    update.add("other", 30, "A", "127.0.0.9")
    own.send(update)
    assert own.serial() == before + 1


def test_fault__silent__lets_clients_wait(own: NameServer) -> None:
    with own.fault("silent queries"), pytest.raises(dns.exception.Timeout):
        own.ask("www", timeout_s=0.05)
    assert own.values("www") == ["127.0.0.2"]


def test_fault__slow__answers_late_and_others_meanwhile(own: NameServer) -> None:
    with own.fault("slow 30 updates"):
        update = own.new_update()
        update.add("late", 30, "A", "127.0.0.9")
        with pytest.raises(dns.exception.Timeout):
            dns.query.tcp(update, own.host, 0.05, own.port)
        assert own.values("www") == ["127.0.0.2"]


@pytest.mark.parametrize("line", ["", "late", "slow", "slow nan", "slow -1", "servfail everything", "well 2"])
def test_fault__none_of_that_name__is_refused(own: NameServer, line: str) -> None:
    with pytest.raises(FaultUnknownError, match=f"SB013  no fault '{line}'; expected `well`, `servfail`"):
        own.set_fault(line)


def test_fault__as_typed__reads_and_writes_the_same() -> None:
    fault = DnsFault.parse("slow 2 updates queries")
    assert fault == DnsFault("slow", ("updates", "queries"), 2.0)
    assert DnsFault.parse(str(fault)) == fault


@pytest.mark.parametrize(
    ("records", "why"),
    [
        ("* IN A 127.0.0.2", r"\*.compas.test. is a wildcard"),
        ("sub IN NS ns", "sub.compas.test. is delegated"),
        ("www IN A 1.2.3", "Text input is malformed"),
        ("www IN", ""),
    ],
)
def test_zone__cannot_be_served__is_refused_before_anything_is_started(records: str, why: str) -> None:
    server = NameServer("compas.test.", records)
    with pytest.raises(ZoneRefusedError, match=f"SB012  the zone compas.test. cannot be served: .*{why}"):
        server.start()
    assert server.pid is None


def test_update__record_it_could_not_serve__is_refused(own: NameServer) -> None:
    for name, rdtype, value in (("*", "A", "127.0.0.2"), ("sub", "NS", "ns")):
        update = own.new_update()
        update.add(name, 30, rdtype, value)
        with pytest.raises(UpdateRefusedError, match="answered REFUSED"):
            own.send(update)


def test_start__server_that_ends_at_once__is_told_with_its_log(
    own: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.dns.authority.free_port", lambda: own.port)
    with pytest.raises(NameServerFailedError, match=r"SB011  .* ended 3 times(?s:.)*address already in use"):
        NameServer("compas.test.", "").start()


def test_start__server_that_does_not_answer__is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    server = NameServer("compas.test.", "")
    monkeypatch.setattr(server, "_answers", lambda: False)
    monkeypatch.setattr("sandbox.dns.authority.READY_WITHIN_S", 0.0)
    with pytest.raises(NameServerFailedError, match="did not answer within 0 s"):
        server.start()
    assert server.pid is None


def test_bind__not_installed__says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(bind, "ALSO_AT", Path("/no/such/named"))
    with pytest.raises(NoBindError, match=r"SB010  bind9 is not installed.*script/bootstrap --full"):
        Bind9("compas.test.", "").start()


def test_stop__leaves_no_process_and_no_file() -> None:
    with NameServer("compas.test.", "") as server:
        pid, folder = server.pid, server.folder
        assert oct((folder / "key").stat().st_mode)[-3:] == "600"
        assert str(server.key.secret) not in Path(f"/proc/{pid}/cmdline").read_text()
    assert not Path(f"/proc/{pid}").exists()
    assert not folder.exists()
    assert server.key.secret not in repr(server.key)


def test_command__serves_until_interrupted_and_takes_faults_by_hand(tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(
        "$TTL 60\n@ IN SOA ns hostmaster 7 3600 600 86400 60\n@ IN NS ns\nns IN A 127.0.0.1\n"
    )
    Key.new().write(tmp_path / "key")
    port = free_port()
    argv = [sys.executable, "-m", "sandbox.dns", "hand.test.", tmp_path / "zone", tmp_path / "key", "--port", str(port)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == f"127.0.0.1:{port}\n"
        for line, said in (("late", "SB013  no fault 'late"), ("servfail queries", "ok")):
            child.stdin.write(f"{line}\n")
            child.stdin.flush()
            assert child.stdout.readline().replace(" ", "").startswith(said.replace(" ", ""))
        answer = dns.query.udp(dns.message.make_query("hand.test.", "SOA"), "127.0.0.1", 5, port)
        assert answer.rcode() == dns.rcode.SERVFAIL
        os.kill(child.pid, signal.SIGINT)
        assert child.wait() == 0


def test_command__port_in_use__says_so(own: NameServer, tmp_path: Path) -> None:
    (tmp_path / "zone").write_text(own.zone)
    Key.new().write(tmp_path / "key")
    argv = [sys.executable, "-m", "sandbox.dns", own.origin, tmp_path / "zone", tmp_path / "key"]
    done = subprocess.run([*argv, "--port", str(own.port)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "address already in use" in done.stderr
