"""The hook that tells the team speaks as each receiver asks for, and a failure of one keeps the others informed."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography.hazmat.primitives import serialization

from handover_testing.certificates import certificate, server_tls
from sandbox.ports import free_port

FACTS = {"point": "page", "record": "www", "zone": "compas.test", "said": "error_rate is <0.4> & rising"}


class Desk(ThreadingHTTPServer):
    """Slack, Teams and PagerDuty on one address; each refuses what it would refuse."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _AtDesk)
        self.got: list[tuple[str, dict]] = []
        self.down: set[str] = set()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}?secret=hush"


class _AtDesk(BaseHTTPRequestHandler):
    server: Desk

    def do_POST(self) -> None:
        name = self.path.partition("?")[0].strip("/")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        wrong = name in self.server.down or self.headers["Content-Type"] != "application/json" or not RULES[name](body)
        if not wrong:
            self.server.got.append((name, body))
        self.send_response(500 if wrong else {"pagerduty": 202, "teams": 202}.get(name, 200))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def card(body: dict) -> bool:
    [attachment] = body["attachments"]
    content = attachment["content"]
    return (
        body["type"] == "message"
        and attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        and content["type"] == "AdaptiveCard"
        and all(block["type"] == "TextBlock" and block["text"] for block in content["body"])
    )


def incident(body: dict) -> bool:
    payload = body["payload"]
    return (
        body["routing_key"] == "0123456789abcdef"
        and body["event_action"] == "trigger"
        and len(body["dedup_key"]) <= 255
        and payload["severity"] in ("critical", "error", "warning", "info")
        and bool(payload["source"])
        and 0 < len(payload["summary"]) <= 1024
    )


RULES = {"slack": lambda body: bool(body["text"]) and "<0" not in body["text"], "teams": card, "pagerduty": incident}


class Box:
    """A mailbox: keeps what it got."""

    def __init__(self) -> None:
        self.got: list = []

    async def handle_DATA(self, _server, _session, envelope) -> str:  # noqa: N802 - aiosmtpd calls it so
        self.got.append((envelope.mail_from, envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 taken"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as made:
        threading.Thread(target=made.serve_forever, args=[0.01], daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def mail(tmp_path, monkeypatch) -> Iterator[tuple[Box, str]]:
    """A mail server that wants STARTTLS and a password."""
    box, port, (leaf, key) = Box(), free_port(), certificate("localhost", 30)
    (tmp_path / "root.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))

    def right(_server, _session, _envelope, _mechanism, data) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"ana", b"p@ss"), handled=False)

    controller = Controller(
        box,
        hostname="localhost",
        port=port,
        authenticator=right,
        auth_required=True,
        tls_context=server_tls(tmp_path, leaf, key),
        require_starttls=True,
    )
    controller.start()
    yield box, f"smtp://ana:p%40ss@localhost:{port}"
    controller.stop()


@pytest.fixture
def told(story, desk, mail):
    """A pair whose hook is the one that is shipped."""
    for name, value in {
        "TELL_SLACK_URL": desk.url("slack"),
        "TELL_TEAMS_URL": desk.url("teams"),
        "TELL_PAGERDUTY_URL": desk.url("pagerduty"),
        "TELL_PAGERDUTY_KEY": "0123456789abcdef",
        "TELL_MAIL_SERVER": mail[1],
        "TELL_MAIL_FROM": "handover@compas.test",
        "TELL_MAIL_TO": "ana@compas.test, bo@compas.test",
    }.items():
        story.pair.patch.setenv(name, value)
    story.done("hooks", "add")
    story.declare('[hooks.at]\npage = ["tell", "slack", "teams", "pagerduty", "email"]')
    return story


def test_tell__every_channel__gets_what_it_asks_for(told, desk, mail):
    shown = told.done("hooks", "try", "page").stdout
    assert "told slack\ntold teams\ntold pagerduty\ntold email" in shown
    assert [name for name, _ in desk.got] == ["slack", "teams", "pagerduty"]
    for _, body in desk.got:
        assert "a trial, nothing is wrong" in json.dumps(body)
        assert "www.compas.test" in json.dumps(body)
    [(sender, receivers, message)] = mail[0].got
    assert (sender, receivers) == ("handover@compas.test", ["ana@compas.test", "bo@compas.test"])
    assert "Look at it now" in message["Subject"]


def test_tell__one_channel_is_down__the_others_are_told_and_no_secret_is_shown(told, desk):
    desk.down = {"slack"}
    ended = told.handover("hooks", "try", "page")
    assert ended.returncode == 1
    assert "slack was not told: it answered 500" in ended.stderr
    assert "hush" not in ended.stderr
    assert [name for name, _ in desk.got] == ["teams", "pagerduty"]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TELL_SLACK_URL", "", "slack was not told: ValueError"),
        ("TELL_MAIL_SERVER", "smtp://ana:wrong@localhost:{port}", "email was not told: the server answered 535"),
        ("TELL_MAIL_SERVER", "http://elsewhere", "email was not told: ValueError"),
        ("TELL_TEAMS_URL", "http://127.0.0.1:1/x", "teams was not told: ConnectionRefusedError"),
    ],
)
def test_tell__set_wrongly__says_which_channel(told, mail, variable, value, said):
    ended = told.handover("hooks", "try", "page", **{variable: value.format(port=mail[1].rpartition(":")[2])})
    assert said in ended.stderr


def test_tell__words_of_a_system__do_not_act_in_slack(told, desk):
    ran = subprocess.run(
        [sys.executable, told.pair.folder / "hooks/tell", "slack"],
        input=json.dumps(FACTS),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "told slack\n"
    assert "&lt;0.4&gt; &amp; rising" in desk.got[0][1]["text"]


def test_tell__no_channel__says_which_there_are(told):
    ran = subprocess.run(
        [sys.executable, told.pair.folder / "hooks/tell", "pigeon"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (
        1,
        "tell needs channels: slack, teams, pagerduty, email. Not known: pigeon\n",
    )


def test_hooks__list__shows_each_point_and_what_cannot_run(told):
    assert "page: tell slack teams pagerduty email" in told.done("hooks", "list").stdout
    (told.pair.folder / "hooks/tell").chmod(0o644)
    ended = told.handover("hooks", "list")
    assert ended.returncode == 1
    assert "not there or not executable; chmod +x" in ended.stdout


def test_hooks__add__keeps_a_hook_of_the_team(told):
    path = told.pair.folder / "hooks/tell"
    path.write_text("ours")
    assert "is there already, and is another" in told.refused("hooks", "add")
    assert path.read_text() == "ours"


@pytest.mark.parametrize(
    ("point", "said"), [("before-switch", "may act, so it is not tried"), ("traffic", "no hook is declared")]
)
def test_hooks__try__of_what_acts_or_is_not_there__is_refused(told, point, said):
    assert said in told.refused("hooks", "try", point)


def test_report__mail__sends_the_page(told, mail, tmp_path):
    told.with_journal()
    told.done("report", "--out", str(tmp_path / "page.html"), "--mail")
    [(_, receivers, message)] = mail[0].got
    text, page = message.get_payload()
    assert len(receivers) == 2
    assert "The state is preparing" in text.get_payload()
    assert page.get_filename() == "handover-report.html"
    assert page.get_payload(decode=True) == (tmp_path / "page.html").read_bytes().replace(b"\r\n", b"\n")
    ended = told.handover(
        "report", "--out", str(tmp_path / "page.html"), "--mail", TELL_MAIL_SERVER="smtp://127.0.0.1:1"
    )
    assert (ended.returncode, "was written and not sent" in ended.stderr) == (1, True)
