"""Every entry of the journal reaches the team's own tools, in order, signed, and without holding anything up."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from handover.journal.delivery import waiting
from handover.journal.journal import opened
from handover_testing.night import until

KEY = b"a secret of twenty-four!"
SECRET = {"HANDOVER_WEBHOOK_SECRET": "whsec_" + base64.b64encode(KEY).decode()}
DECLARED = '[events]\nfile = ".handover/events.jsonl"\nwebhook_env = "NIGHT_WEBHOOK"\ntimeout_s = 2\nlinger_s = 20\n'


class Receiver(ThreadingHTTPServer):
    """A webhook: refuses what is not signed rightly, and answers ``status`` otherwise."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiving)
        self.status, self.events, self.forged, self.asked = 200, [], 0, 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/secret-path"

    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]


class _Receiving(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        digest = base64.b64encode(hmac.new(KEY, said, hashlib.sha256).digest()).decode()
        status = self.server.status
        self.server.asked += 1
        if f"v1,{digest}" not in self.headers["webhook-signature"].split():
            self.server.forged += 1
            status = 401
        self.server.may_answer.wait()
        if status == 200:
            self.server.events.append(json.loads(body))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        threading.Thread(target=made.serve_forever, args=[0.01], daemon=True).start()
        yield made
        made.may_answer.set()
        made.shutdown()


@pytest.fixture
def told(story, receiver):
    story.declare(DECLARED)
    story.pair.patch.setenv("NIGHT_WEBHOOK", receiver.url)
    story.pair.patch.setenv(*next(iter(SECRET.items())))
    return story


def journal_ids(story) -> list[str]:
    with opened(story.config) as journal:
        return [entry.id for entry in journal.entries()]


def test_events__of_commands__reach_file_and_webhook_in_the_journals_order(told, receiver):
    told.done("init-journal", "--apply")
    told.done("cutover", "begin", "--apply")
    ids = journal_ids(told)
    assert len(ids) > 3
    assert receiver.ids() == ids
    lines = [json.loads(line) for line in (told.pair.folder / ".handover/events.jsonl").read_text().splitlines()]
    assert lines == receiver.events
    assert receiver.events[0].keys() >= {"schema", "seq", "at", "pair", "stream", "kind", "who", "machine", "body"}
    assert not [event for event in receiver.events if event["body"].keys() & {"seal", "copy", "late"}]
    assert {event["stream"] for event in receiver.events} == {"move"}
    printed = told.done("events").stdout.splitlines()
    assert [json.loads(line) for line in printed] == receiver.events
    assert len(told.done("events", "--since", "2").stdout.splitlines()) == len(ids) - 2


def test_events__webhook_is_down__holds_nothing_up_and_is_sent_all_later_once(told, receiver):
    told.file.write_text(told.file.read_text().replace("linger_s = 20", "linger_s = 0"))
    receiver.status = 503
    told.done("init-journal", "--apply")
    ids = journal_ids(told)
    failed = told.handover("events", "--send")
    assert failed.returncode == 1
    assert "the webhook answered 503" in failed.stderr
    assert receiver.url not in failed.stderr
    assert waiting(told.config)["webhook"] == len(ids)
    assert f"{len(ids)} events wait for the webhook" in told.done("status").stdout
    receiver.status = 200
    told.done("events", "--send")
    told.done("events", "--send")
    assert receiver.ids() == ids
    assert waiting(told.config) == {"file": 0, "webhook": 0}
    assert "wait for the webhook" not in told.done("status").stdout


def test_events__webhook_is_down_while_a_command_lingers__is_asked_now_and_then(told, receiver):
    told.file.write_text(told.file.read_text().replace("linger_s = 20", "linger_s = 2"))
    receiver.status = 503
    told.done("init-journal", "--apply")
    assert 1 <= receiver.asked <= 10  # a pause between two tries, also when the command is over


def test_events__webhook_does_not_answer__a_command_goes_on(told, receiver):
    receiver.may_answer.clear()
    told.file.write_text(told.file.read_text().replace("linger_s = 20", "linger_s = 0").replace("s = 2\n", "s = 60\n"))
    told.done("init-journal", "--apply")  # ends, although the receiver still holds the first event
    assert receiver.events == []
    receiver.may_answer.set()
    told.done("events", "--send")
    assert set(receiver.ids()) == set(journal_ids(told))


def test_events__secret_is_another__are_refused_and_wait(told, receiver):
    told.file.write_text(told.file.read_text().replace("linger_s = 20", "linger_s = 0"))
    other = base64.b64encode(b"another secret, as long!").decode()
    told.done("init-journal", "--apply", HANDOVER_WEBHOOK_SECRET=other)
    assert "401" in told.handover("events", "--send").stderr
    assert receiver.forged > 0
    assert receiver.events == []


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("NIGHT_WEBHOOK", "", "NIGHT_WEBHOOK is not set"),
        ("NIGHT_WEBHOOK", "ftp://elsewhere", "holds no address"),
        ("HANDOVER_WEBHOOK_SECRET", "short", "no base64 of 16 bytes or more"),
    ],
)
def test_send__declared_wrongly__says_what_is_wrong(told, variable, value, said):
    told.with_journal()
    ended = told.handover("events", "--send", **{variable: value})
    assert ended.returncode == 2
    assert said in ended.stderr


def test_send__nothing_is_declared__says_what_to_add(story):
    story.with_journal()
    ended = story.handover("events", "--send")
    assert ended.returncode == 2
    assert "Add [events]" in ended.stderr


def test_follow__another_process_adds_entries__prints_them_as_they_come(told, tmp_path):
    told.with_journal()
    out = tmp_path / "followed"
    with out.open("w") as file, told.pair.process("events", "--follow", stdout=file) as following:
        until(lambda: out.read_text().count("\n") == len(journal_ids(told)), "the journal was not printed")
        told.done("pause", "--because", "a trial")
        until(lambda: '"kind": "pause"' in out.read_text(), "the pause was not printed")
        following.terminate()
        assert following.wait(10) == 0


def test_send__as_a_service__delivers_what_another_machine_wrote(told, receiver, monkeypatch):
    told.with_journal()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("socket.gethostname", lambda: "elsewhere")
        told.file.write_text(told.file.read_text().replace("[events]", "[events]\n# elsewhere"))
        with opened(
            told.config.model_copy(
                update={"events": told.config.events.model_copy(update={"file": None, "webhook_env": None})}
            )
        ) as journal:
            entry = journal.add("evidence", {"evidence": "check", "folder": "somewhere"})
    told.done("events", "--send")
    assert entry.id not in receiver.ids()
    told.done("events", "--send", "--every-machine")
    assert entry.id in receiver.ids()
