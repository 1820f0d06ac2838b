"""A switch by a real nginx: the file that is ours, the reload, and old workers with open connections."""

import os
import shutil
import socket
from contextlib import contextmanager

import pytest

from handover_testing.balanced import declared, netloc, watched
from handover_testing.crashes import crash, go_on, run
from handover_testing.night import WITHIN_S, until
from sandbox import haproxy, process
from sandbox.ports import LOOPBACK, free_port

EXAMPLE = haproxy.EXAMPLE.with_name("nginx.conf")
PROGRAM = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
FIRST = 'split_clients "{key}" $pair_side {{ * original; }}\nmap "" $pair_backend_pct {{ default "0"; }}\n'
KEY = "${cookie_seat}${pair_new_seat}"

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no nginx: script/bootstrap --full installs it")


@pytest.fixture
def nginx(story, tmp_path):
    port, told = free_port(), free_port()
    folder = tmp_path / "nginx"
    folder.mkdir()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in kinds)
    places = {
        "worker_processes auto;": "worker_processes 2; daemon off;" + ("user root;" if os.geteuid() == 0 else ""),
        "/run/nginx.pid": f"{folder}/pid",
        "http {": f"http {{ access_log off; {temporary}",
        "/etc/nginx/handover-pair.conf": f"{folder}/pair.conf",
        "listen 80": f"listen {LOOPBACK}:{port}",
        "127.0.0.1:8091": f"{LOOPBACK}:{told}",
        "127.0.0.1:8001": netloc(story, "original"),
        "127.0.0.1:8000": netloc(story, "backend"),
    }
    (folder / "nginx.conf").write_text(haproxy.placed(EXAMPLE, places))
    (folder / "pair.conf").write_text(FIRST.format(key=KEY))
    words = [PROGRAM, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    with (folder / "log").open("wb") as log:
        running = process.spawn(words, cwd=folder, env=dict(os.environ), stdout=log)
    until(lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip(), (folder / "log").read_text())
    story.declare(declared("nginx", port))
    story.declare(
        f'[switch.nginx]\nfile = "{folder}/pair.conf"\nkey = "{KEY}"\nshows = "http://{LOOPBACK}:{told}/backend-pct"\n'
        f'test = {[*words, "-t"]!r}\nreload = {[*words, "-s", "reload"]!r}\npid_file = "{folder}/pid"\n'
    )
    story.with_journal()
    run(story, "begin")
    watched(story)
    yield folder
    process.stop(running, timeout_s=10)


def reached(story) -> tuple[str, str]:
    found = story.status()
    return found.position.state, found.people


def test_cutover__by_nginx__there_and_back(story, nginx):
    run(story, "cutover")
    assert reached(story) == ("switched", "backend")
    assert "* backend;" in (nginx / "pair.conf").read_text()
    run(story, "rollback")
    assert reached(story) == ("rolled_back", "original")


def test_cutover__file_is_changed_and_not_loaded__is_done_by_resume(story, nginx):
    crash(story, "cutover", "in the middle of the balancers")
    found = check_explained_by_journal(story)
    assert found.people == "original"
    assert "the file says something else, and nginx would load it at its next reload" in "\n".join(found.answers)
    assert go_on(story).state == "switched"


def check_explained_by_journal(story):
    found = story.status()
    assert found.agrees is True
    return found


def test_cutover__nginx_does_not_accept_its_configuration__keeps_the_file_as_it_was(story, nginx):
    before = (nginx / "pair.conf").read_text()
    conf = nginx / "nginx.conf"
    whole = conf.read_text()
    conf.write_text(whole + "nonsense;\n")
    ended = story.handover("cutover", "--apply", story.plan())
    assert "HO621  nginx would not load it: " in ended.stderr
    assert 'unknown directive "nonsense"' in ended.stderr
    assert (nginx / "pair.conf").read_text() == before
    assert reached(story) == ("switching", "original")
    conf.write_text(whole)
    assert go_on(story).state == "switched"


@contextmanager
def long_request(story, port):
    original = story.systems["original"]
    original.release.clear()
    with socket.create_connection((LOOPBACK, port)) as client:
        client.sendall(b"GET /slow HTTP/1.1\r\nHost: www\r\n\r\n")
        until(lambda: original.held, "the original has no long request")
        try:
            yield client
        finally:
            original.release.set()
    until(lambda: not original.held, "the original holds the long request")


def test_cutover__original_holds_a_long_connection__old_workers_are_counted(story, nginx):
    said = []
    with long_request(story, int(str(story.config.switch.url).rpartition(":")[2])) as client:
        ended = story.done("cutover", "--apply", story.plan())
        said.append(ended.stderr)
        story.systems["original"].release.set()
        client.settimeout(WITHIN_S)
        assert b"200 OK" in client.recv(1000)  # it was left to come to its end
    assert "of the original is still open after" in said[0]
