"""Conditional requests: 304 for what the client has, 412 for a write that would lose another one."""

import threading
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.collections.selectors import choreography_of
from apps.generation.services import start_generation
from apps.jobs.models import Job, Turn
from apps.tokens.services import issue_token
from config.rendering import FiniteJSONRenderer
from tests.conftest import make_user
from tests.evolving import spelled
from tests.test_access import DECLARED, KEPT, LABEL, TASK, WEBHOOK, browser_of, house

__all__ = ["house"]

JSON = "application/json"
OWN = f"/api/collections/{KEPT}"
GUARDED = {
    OWN: {"title": "Sol"},
    f"{OWN}/share": {"visibility": "public"},
    "/api/auth/me": {"display_name": "Anita"},
    "/api/auth/me/preferences": {"colour": "red"},
    f"/api/webhooks/{WEBHOOK}": {"enabled": False},
}
NO_JSON = ("/video", "/thumbnail", "/events", "/captions", "/chapters", "/picture")


def json_addresses() -> list[str]:
    found = [
        address
        for address, methods in DECLARED.items()
        if address.startswith("/api/") and methods.get("GET", (0, 0))[1] == 200 and not address.endswith(NO_JSON)
    ]
    found.remove("/api/health")
    assert len(found) > 20
    return found


def test_every_get_of_json__has_a_strong_etag_and_is_304_to_who_has_it(house):
    client = browser_of("owner")
    for address in json_addresses():
        answer = client.get(address)
        tag = answer["ETag"]
        assert tag.startswith('"') and tag.endswith('"') and len(tag) > 20, address  # noqa: PT018 - one sentence
        assert {"Authorization", "Cookie"} <= set(answer["Vary"].split(", ")), address
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            again = client.get(address, headers={"If-None-Match": known})
            assert (again.status_code, again["ETag"], again.content) == (304, tag, b""), (address, known)
            assert again["Cache-Control"] == answer["Cache-Control"], address
            assert "Content-Type" not in again, address
        for unknown in ('"x"', 'W/"x"', tag.strip('"') + "x", ""):
            assert client.get(address, headers={"If-None-Match": unknown}).status_code == 200, (address, unknown)
        head = client.head(address)
        assert head["ETag"] == tag, address


def test_poll__that_is_304__is_not_rendered_by_the_client_and_follows_the_row(house):
    client = browser_of("owner")
    address = f"/api/choreography/tasks/{TASK}"
    tag = client.get(address)["ETag"]
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
    with connection.cursor() as cursor:  # as the original writes: nothing tells the backend
        cursor.execute("UPDATE choreography_tasks SET message = 'otra' WHERE user_id IS NOT NULL")
    answer = client.get(address, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["message"]) == (200, "otra")
    assert answer["ETag"] != tag


STATES = {
    "waits": {},
    "runs": {"token": uuid.UUID(int=1), "began_at": timezone.now(), "attempt": 1},
    "is over": {"outcome": "completed"},
}


@pytest.mark.parametrize("state", STATES)
def test_poll__that_is_304__costs_fewer_queries_than_its_answer(house, media_root, state):
    client, ana = browser_of("owner"), User.objects.get(username="ana")
    task = start_generation(user=ana, song="s.mp3", difficulty="beginner")
    words = ChoreographyTask.Status
    status = {"waits": words.STARTED, "runs": words.RUNNING, "is over": words.COMPLETED}[state]
    ChoreographyTask.objects.filter(pk=task.pk).update(status=status)
    Job.objects.filter(pk=task.pk).update(**STATES[state])
    address, counts = f"/api/choreography/tasks/{task.pk}", []
    tag = client.get(address)["ETag"]
    for headers, wanted in (({}, 200), ({"If-None-Match": tag}, 304)):
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address, headers=headers)
        assert (answer.status_code, answer["ETag"]) == (wanted, tag)
        counts.append(len(captured))
    assert counts[1] < counts[0], counts


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE jobs SET relaxed = '[\"style\"]'",
        "UPDATE jobs SET request = request || '{\"seed\": 7}'",
        "UPDATE choreography_tasks SET stage = 'analyzing' WHERE task_id = %s",
        "UPDATE jobs SET outcome = 'failed'",
        "another user's turn comes first",  # in the rows of this task nothing changes
    ],
)
def test_poll__after_any_change_of_what_is_told__is_answered(house, media_root, change):
    client, ana = browser_of("owner"), User.objects.get(username="ana")
    task = start_generation(user=ana, song="s.mp3", difficulty="beginner")
    address = f"/api/choreography/tasks/{task.pk}"
    before = client.get(address)
    if "turn" in change:
        other = make_user("dan")
        start_generation(user=other, song="s.mp3", difficulty="beginner")
        Turn.objects.filter(user_id=other.pk).update(id=-1)
    else:
        with connection.cursor() as cursor:
            cursor.execute(change, [spelled(task.pk)] if "%s" in change else None)
    answer = client.get(address, headers={"If-None-Match": before["ETag"]})
    assert (answer.status_code, answer["ETag"] != before["ETag"]) == (200, True)
    assert answer.json() != before.json()


def test_poll__of_another_users_task__is_404_with_its_etag_too(house, media_root):
    task = start_generation(user=User.objects.get(username="ana"), song="s.mp3", difficulty="beginner")
    address = f"/api/choreography/tasks/{task.pk}"
    tag = browser_of("owner").get(address)["ETag"]
    for known in (tag, "*"):
        assert browser_of("other").get(address, headers={"If-None-Match": known}).status_code == 404
        User.objects.filter(username="other").delete()


def test_errors_and_secrets__have_no_etag(house):
    client = browser_of("owner")
    assert "ETag" not in client.get("/api/moves/none")
    made = client.post("/api/auth/tokens", {"name": "x", "scopes": ["read"]}, content_type=JSON)
    assert (made.status_code, "ETag" in made, made["Cache-Control"]) == (201, False, "private, no-store")


@pytest.mark.parametrize("address", GUARDED)
def test_if_match__stale_is_412_and_writes_nothing__fresh_writes_and_tells_the_new_etag(house, address):
    client, body = browser_of("owner"), GUARDED[address]
    before = client.get(address)
    for stale in ('"x"', f"W/{before['ETag']}", '"x", "y"'):
        refused = client.patch(address, body, content_type=JSON, headers={"If-Match": stale})
        assert (refused.status_code, refused["Content-Type"]) == (412, "application/problem+json"), stale
        assert refused.json()["type"] == "urn:compas:problem:stale"
        assert client.get(address)["ETag"] == before["ETag"]
    wanted = f'"x", {before["ETag"]}'
    changed = client.patch(address, body, content_type=JSON, headers={"If-Match": wanted})
    assert changed.status_code == 200, changed.content
    assert changed["ETag"] == client.get(address)["ETag"] != before["ETag"]
    assert client.patch(address, body, content_type=JSON, headers={"If-Match": before["ETag"]}).status_code == 412
    assert client.patch(address, body, content_type=JSON, headers={"If-Match": "*"}).status_code == 200
    assert client.patch(address, body, content_type=JSON).status_code == 200, "without it as before"


def test_task__that_waits_or_runs__says_when_to_look_again__and_can_be_cancelled_as_it_was_seen(house, media_root):
    client, ana = browser_of("owner"), User.objects.get(username="ana")
    for status, after_s in ((ChoreographyTask.Status.STARTED, "5"), (ChoreographyTask.Status.RUNNING, "2")):
        task = start_generation(user=ana, song="s.mp3", difficulty="beginner")
        ChoreographyTask.objects.filter(pk=task.pk).update(status=status)
        address = f"/api/choreography/tasks/{task.pk}"
        answer = client.get(address)
        assert answer["Retry-After"] == after_s
        again = client.get(address, headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again["Retry-After"]) == (304, after_s)
        assert client.delete(address, headers={"If-Match": '"x"'}).status_code == 412
        assert client.delete(address, headers={"If-Match": answer["ETag"]}).status_code == 200
    assert "Retry-After" not in client.get(f"/api/choreography/tasks/{TASK}")


@pytest.mark.parametrize("address", [OWN, f"/api/webhooks/{WEBHOOK}"])
def test_delete_with_if_match__of_a_stale_etag__deletes_nothing(house, address):
    client = browser_of("owner")
    tag = client.get(address)["ETag"]
    assert client.delete(address, headers={"If-Match": '"x"'}).status_code == 412
    assert client.delete(address, headers={"If-Match": tag}).status_code == 204
    assert client.delete(address, headers={"If-Match": tag}).status_code == 404


def test_if_match__of_another_users__is_404_as_without_it(house):
    for headers in ({"If-Match": "*"}, {"If-Match": '"x"'}, {}):
        answer = browser_of("other").patch(OWN, {"title": "x"}, content_type=JSON, headers=headers)
        assert answer.status_code == 404
        User.objects.filter(username="other").delete()


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("POST", "/api/collections"),
        ("PATCH", f"/api/collections/labels/{LABEL}"),
        ("POST", "/api/choreography/generate"),
        ("DELETE", "/api/auth/sessions"),
    ],
)
def test_if_match__where_it_is_not_compared__is_refused(house, method, address):
    answer = browser_of("owner").generic(method, address, b"{}", content_type=JSON, headers={"If-Match": "*"})
    assert answer.status_code == 412
    assert "does not take If-Match" in answer.json()["detail"]


def test_two_changes_of_the_same_version__one_wins(own_database):
    ana = make_user("ana")
    row = {"title": "Noche", "video_path": "", "difficulty": "beginner", "duration": 1}
    SavedChoreography.objects.create(pk=KEPT, user=ana, **row)
    _, secret = issue_token(user=ana, name="x", scopes=["read", "choreographies:write"])
    headers = {"Authorization": f"Bearer {secret}"}
    for turn in range(3):
        tag = Client().get(OWN, headers=headers)["ETag"]
        started, answers = threading.Barrier(4), []

        def change(number: int, turn: int = turn, tag: str = tag, started=started, answers=answers) -> None:
            started.wait()
            body = {"title": f"{turn} {number}", "tags": [f"t{number}"]}
            answer = Client().patch(OWN, body, content_type=JSON, headers=headers | {"If-Match": tag})
            answers.append((answer.status_code, body["title"]))
            connection.close()

        threads = [threading.Thread(target=change, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(status for status, _ in answers) == [200, 412, 412, 412]
        (winner,) = [title for status, title in answers if status == 200]
        assert SavedChoreography.objects.get(pk=KEPT).title == winner


def test_planted__compared_before_the_lock__loses_a_change(own_database, monkeypatch):
    """The negative control: without the lock the same requests overwrite each other."""
    ana = make_user("ana")
    row = {"title": "Noche", "video_path": "", "difficulty": "beginner", "duration": 1}
    SavedChoreography.objects.create(pk=KEPT, user=ana, **row)
    met = threading.Barrier(2)
    rendered = FiniteJSONRenderer.render

    def slowly(self, data, *more, **named):
        if data and data.get("title") == "Noche":
            met.wait(timeout=30)  # both have compared before either writes
        return rendered(self, data, *more, **named)

    client = Client()
    client.force_login(ana)
    tag = client.get(OWN)["ETag"]
    monkeypatch.setattr(FiniteJSONRenderer, "render", slowly)
    monkeypatch.setattr("apps.collections.services.choreography_of", lambda *of, **_: choreography_of(*of))
    monkeypatch.setattr("apps.collections.services.one_at_a_time", lambda _: None)
    statuses = []

    def change(title: str) -> None:
        browser = Client()
        browser.force_login(ana)
        statuses.append(browser.patch(OWN, {"title": title}, content_type=JSON, headers={"If-Match": tag}).status_code)
        connection.close()

    threads = [threading.Thread(target=change, args=(title,)) for title in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200, 200]
