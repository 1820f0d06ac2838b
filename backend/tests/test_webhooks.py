"""Webhooks: signed, sent until they are taken, and only to public addresses."""

import base64
import hashlib
import hmac
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from apps.choreography.models import ChoreographyTask
from apps.generation.services import cancel_generation
from apps.jobs.models import Job
from apps.webhooks import addresses, calls, sending
from apps.webhooks.addresses import ForbiddenTargetError, address_of, is_allowed, target_of
from apps.webhooks.models import Delivery, Webhook
from apps.webhooks.services import add_webhook, rotate_secret
from tests.conftest import make_user

JSON = "application/json"
LOOPBACK_ALLOWED = ["127.0.0.1/32"]


@dataclass
class Receiver:
    """A real server that notes what it is sent, and answers with what the test wants."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    location: str = ""


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    settings.WEBHOOK_PLAIN_HTTP, settings.WEBHOOK_PRIVATE_NETWORKS = True, LOOPBACK_ALLOWED
    with serving() as made:
        yield made


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made.answers.pop(0) if made.answers else 204)
            if made.location:
                self.send_header("Location", made.location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    made.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_port}/hook?a=b"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def is_signed(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Check as the specification tells receivers to."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return wanted in headers["webhook-signature"].split(" ")


def end_a_job(user, outcome: str = "completed", task_id: str = "t") -> None:
    Job.objects.create(task_id=task_id, user=user, request={}, created_at=Now())
    Job.objects.filter(pk=task_id).update(outcome=outcome, ended_at=Now())


def due_now() -> None:
    Delivery.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=Now())


def test_ended_task__is_told_once__signed_as_standard_webhooks_says(ana, ben, receiver):
    _, secret = add_webhook(user=ana, url=receiver.url, events=["task.completed"])
    end_a_job(ben, task_id="of-ben")
    end_a_job(ana, "failed", task_id="f")
    assert not sending.send_next(), "another's task, and an event that was not asked for"
    end_a_job(ana)
    Job.objects.filter(pk="t").update(error="x")
    assert sending.send_next()
    assert not sending.send_next()
    ((headers, body),) = receiver.got
    assert is_signed(secret, headers, body)
    assert not is_signed(secret, headers, body + b" "), "negative control"
    assert headers["webhook-id"].startswith("msg_")
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
    assert headers["content-type"] == JSON
    told = json.loads(body)
    assert (told["type"], told["data"]["task_id"]) == ("task.completed", "t")
    delivery = Delivery.objects.get()
    assert (delivery.attempts, delivery.last_status, delivery.next_attempt_at) == (1, 204, None)
    assert secret not in str(Webhook.objects.values()), "the database holds no secret"


def test_cancelled_task_of_the_original__is_told(ana, receiver):
    add_webhook(user=ana, url=receiver.url)
    ChoreographyTask.objects.create(task_id="old", user=ana, status="running")
    cancel_generation(user=ana, task_id="old")
    assert [(one.event, one.task_id) for one in Delivery.objects.all()] == [("task.cancelled", "old")]


def test_rolled_back_end__is_told_to_none(ana, receiver):
    add_webhook(user=ana, url=receiver.url)
    with transaction.atomic():
        end_a_job(ana)
        transaction.set_rollback(True)
    assert not sending.send_next()


def test_rotation__signs_with_both_for_a_day_and_then_with_the_new_alone(ana, receiver):
    webhook, old = add_webhook(user=ana, url=receiver.url)
    _, new = rotate_secret(user=ana, webhook_id=webhook.pk)
    assert old != new
    end_a_job(ana)
    sending.send_next()
    Webhook.objects.update(previous_until=Now())
    end_a_job(ana, task_id="u")
    sending.send_next()
    (both, first), (one, second) = receiver.got
    assert (is_signed(old, both, first), is_signed(new, both, first)) == (True, True)
    assert (is_signed(old, one, second), is_signed(new, one, second)) == (False, True)


def test_failure__is_tried_again_with_longer_waits_for_about_a_day_and_then_given_up(ana, receiver):
    webhook, _ = add_webhook(user=ana, url=receiver.url)
    end_a_job(ana)
    receiver.answers = [500] * 9
    waits = []
    for attempt in range(1, 10):
        assert sending.send_next(), attempt
        assert not sending.send_next(), "it waits"
        delivery = Delivery.objects.get()
        assert (delivery.attempts, delivery.last_status) == (attempt, 500)
        if delivery.next_attempt_at:
            with connection.cursor() as cursor:
                cursor.execute("SELECT statement_timestamp()")
                waits.append(delivery.next_attempt_at - cursor.fetchone()[0])
        due_now()
    assert delivery.next_attempt_at is None
    assert all(0.89 < wait / planned < 1.11 for wait, planned in zip(waits, sending.WAITS, strict=True))
    assert sorted(sending.WAITS) == sending.WAITS
    assert timedelta(hours=20) < sum(waits, timedelta()) < timedelta(hours=27)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1, "one message has one id"
    assert len({body for _, body in receiver.got}) == 1
    webhook.refresh_from_db()
    assert webhook.failing_since is not None
    assert webhook.disabled_at is None


def test_webhook_that_takes_nothing_for_long__is_disabled_with_the_reason_and_can_be_enabled(api, ana, receiver):
    webhook, _ = add_webhook(user=ana, url=receiver.url)
    end_a_job(ana)
    receiver.answers = [503]
    sending.send_next()
    Webhook.objects.update(failing_since=Now() - timedelta(hours=21))
    receiver.answers = [503]
    due_now()
    sending.send_next()
    told = api.get(f"/api/webhooks/{webhook.pk}").json()
    assert told["enabled"] is False
    assert told["disabled_reason"].startswith("It has taken no message for 20 hours. The last time: It answered 503")
    end_a_job(ana, task_id="u")
    due_now()
    assert not sending.send_next(), "a disabled one gets nothing"
    assert Delivery.objects.count() == 1
    assert api.patch(f"/api/webhooks/{webhook.pk}", {"enabled": True}, content_type=JSON).json()["enabled"] is True
    assert sending.send_next(), "what waited is sent"
    webhook.refresh_from_db()
    assert webhook.failing_since is None


def test_410__disables_at_once(ana, receiver):
    webhook, _ = add_webhook(user=ana, url=receiver.url)
    receiver.answers = [410]
    end_a_job(ana)
    sending.send_next()
    webhook.refresh_from_db()
    assert webhook.disabled_reason == "It answered 410: it wants no more messages."


def test_sender_that_was_killed__leaves_the_message_to_another(ana, receiver):
    add_webhook(user=ana, url=receiver.url)
    end_a_job(ana)
    taken = sending._take(frozenset())
    assert not sending.send_next(), "the first has it"
    due_now()
    assert sending.send_next(), "after its time another sends"
    sending.note(taken, calls.Outcome(500, "late"))
    delivery = Delivery.objects.get()
    assert (delivery.delivered_at is not None, delivery.last_status) == (True, 204), "the late one writes nothing"


def test_redirect__is_not_followed(ana, receiver):
    with serving() as elsewhere:
        receiver.answers, receiver.location = [307], elsewhere.url
        add_webhook(user=ana, url=receiver.url)
        end_a_job(ana)
        sending.send_next()
        assert elsewhere.got == []
    assert "a redirect; these are not followed" in Delivery.objects.get().last_error


FORBIDDEN = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",  # noqa: S104
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "168.63.129.16",
    "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:1::1", "fec0::1", "2001:db8::1",
]  # fmt: skip
PUBLIC = ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_address_that_is_not_public__is_refused(address):
    assert not is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_address_that_is_public__is_taken(address):
    assert is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.215.14/",
        "ftp://93.184.215.14/",
        "https://93.184.215.14:22/",
        "https://93.184.215.14:0/",
        "https://93.184.215.14:99999/",
        "https://u:p@93.184.215.14/",
        "https://93.184.215.14@127.0.0.1/",
        "https://93.184.215.14\\@127.0.0.1/",
        "https://93.184.215.14/a b",
        "https://93.184.215.14/\r\nHost: x",
        "https://",
        "nonsense",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://0/",
        "https://[::ffff:7f00:1]/",
        "https://[::1]/",
        "https://localhost/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_url_that_leads_to_no_public_address__is_refused_by_the_api(api, url):
    answer = api.post("/api/webhooks", {"url": url}, content_type=JSON)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["url"])
    assert not Webhook.objects.exists()


def resolver(monkeypatch, *answers: list[str]) -> list[str]:
    """Let names lead to these addresses, another list at each look-up; return the names that were looked up."""
    asked, left = [], list(answers)

    def look_up(host: str, port: int, **_: object):
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in found]

    names = SimpleNamespace(getaddrinfo=look_up, SOCK_STREAM=socket.SOCK_STREAM)
    monkeypatch.setattr(addresses, "socket", names)
    return asked


def test_name__with_one_address_that_is_not_public__is_refused(monkeypatch, settings):
    resolver(monkeypatch, ["93.184.215.14", "10.0.0.1"])
    with pytest.raises(ForbiddenTargetError, match="leads to an address that is not public"):
        address_of(target_of("https://hook.example/"))


def test_name_that_changes_its_answer__is_looked_up_once_and_the_call_goes_where_it_was_looked_at(
    ana, receiver, monkeypatch
):
    port = target_of(receiver.url).port
    asked = resolver(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    outcome = calls.call(f"http://hook.example:{port}/", b"{}", {})
    assert (outcome.status, asked) == (204, ["hook.example"])
    assert receiver.got[0][0]["host"] == f"hook.example:{port}"
    again = calls.call(f"http://hook.example:{port}/", b"{}", {})
    assert (again.status, again.error) == (None, "hook.example leads to an address that is not public.")


def test_webhook_whose_name_leads_inside_later__is_not_called(ana, receiver, monkeypatch):
    port = target_of(receiver.url).port
    resolver(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
    add_webhook(user=ana, url=f"http://hook.example:{port}/")
    end_a_job(ana)
    sending.send_next()
    assert receiver.got == []
    assert "not public" in Delivery.objects.get().last_error


def test_receiver_that_never_ends_its_header__is_cut_off(monkeypatch, settings):
    settings.WEBHOOK_PLAIN_HTTP, settings.WEBHOOK_PRIVATE_NETWORKS = True, LOOPBACK_ALLOWED
    monkeypatch.setattr(calls, "LONGEST_S", 0.5)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def trickle() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"HTTP/1.1 200 OK\r\nA: ")
                while not over.wait(0.1):
                    try:
                        peer.sendall(b"a")
                    except OSError:
                        return

        thread = threading.Thread(target=trickle)
        thread.start()
        outcome = calls.call(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"{}", {})
        over.set()
        thread.join()
    assert (outcome.status, outcome.error.startswith("It did not answer within")) == (None, True)


def test_https__needs_a_certificate_of_the_name(tmp_path, monkeypatch, settings):
    settings.WEBHOOK_PRIVATE_NETWORKS = LOOPBACK_ALLOWED
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=hook"]
    names = ["-addext", "subjectAltName=DNS:hook.example", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run([*command, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as receiver:
        port = target_of(receiver.url).port
        resolver(monkeypatch, ["127.0.0.1"])
        unknown = calls.call(f"https://hook.example:{port}/", b"{}", {})
        monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(certificate))
        assert calls.call(f"https://hook.example:{port}/", b"{}", {}).status == 204
        other = calls.call(f"https://other.example:{port}/", b"{}", {})
    wrong = "Its certificate is not valid for this host, or it speaks no TLS."
    assert (unknown.error, other.error) == (wrong, wrong)
    assert len(receiver.got) == 1


def test_api__adds_shows_rotates_tests_and_deletes(api, ana, receiver, settings):
    made = api.post("/api/webhooks", {"url": receiver.url, "events": ["task.failed"]}, content_type=JSON)
    assert made.status_code == 201
    secret, place = made.json()["secret"], made["Location"]
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    shown = api.get(place).json()
    assert "secret" not in shown
    assert (shown["url"], shown["events"], shown["enabled"]) == (receiver.url, ["task.failed"], True)
    assert api.get("/api/webhooks").json()["results"] == [shown]
    tested = api.post(f"{place}/test")
    assert (tested.status_code, tested.json()["state"]) == (202, "waiting")
    assert sending.send_next()
    assert json.loads(receiver.got[0][1])["type"] == "webhook.test"
    (logged,) = api.get(tested["Location"]).json()["results"]
    assert (logged["state"], logged["last_status"], logged["attempts"]) == ("delivered", 204, 1)
    rotated = api.post(f"{place}/secret")
    assert (rotated.status_code, rotated.json()["secret"] != secret) == (201, True)
    assert rotated.json()["previous_until"] is not None
    settings.USER_WEBHOOKS_LIMIT = 1
    full = api.post("/api/webhooks", {"url": receiver.url}, content_type=JSON)
    assert (full.status_code, full.json()["type"], full.json()["limit"]) == (
        409,
        "urn:compas:problem:quota-webhooks",
        1,
    )
    api.patch(place, {"enabled": False}, content_type=JSON)
    assert api.post(f"{place}/test").status_code == 409
    assert api.delete(place).status_code == 204
    assert (Webhook.objects.count(), Delivery.objects.count()) == (0, 0)


def test_slow_receiver__does_not_delay_the_messages_of_others(own_database, settings):
    settings.WEBHOOK_PLAIN_HTTP, settings.WEBHOOK_PRIVATE_NETWORKS = True, LOOPBACK_ALLOWED
    ana = make_user("ana")
    with socket.create_server(("127.0.0.1", 0)) as silent, serving() as receiver:
        add_webhook(user=ana, url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        for number in range(6):
            end_a_job(ana, task_id=f"slow-{number}")
        ben = make_user("ben")
        add_webhook(user=ben, url=receiver.url)
        end_a_job(ben, task_id="quick")
        with sending.sending():
            for _ in range(200):
                if receiver.got:
                    break
                threading.Event().wait(0.1)
            peer, _ = silent.accept()
            peer.close()
        assert [json.loads(body)["data"]["task_id"] for _, body in receiver.got] == ["quick"]
        assert Delivery.objects.filter(attempts__gt=0, webhook__user=ana).count() == 1


def test_old_deliveries__are_forgotten(ana, receiver):
    webhook, _ = add_webhook(user=ana, url=receiver.url)
    for task_id in ("old", "new"):
        end_a_job(ana, task_id=task_id)
        sending.send_next()
    Delivery.objects.filter(task_id="old").update(created_at=Now() - timedelta(days=31))
    sending.forget_old_deliveries()
    assert [one.task_id for one in webhook.deliveries.all()] == ["new"]
