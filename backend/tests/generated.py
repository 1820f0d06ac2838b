"""Requests that a program makes of the OpenAPI document (schemathesis), sent to a real server as two users.

``tests/test_generated_requests.py`` looks at what they find, and ``script/bench contract`` prints the figures.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from django.test import Client

from apps.authentication.models import User
from apps.tokens.scopes import SCOPES
from apps.tokens.services import issue_token
from tests.conftest import make_user
from tests.generating import start
from tests.openapi import document
from tests.sharing import shared
from tests.test_access import HOOK
from tests.test_generation import work

CHECKS = Path(__file__).with_name("generated_checks.py")
# These end the session that asks. A token asks for them, too, and is refused.
ENDS_A_SESSION = ("logout", "delete_session")
# What a schema cannot say: that a cursor is one of ours, that an order does not go with a search, that an e-mail is
# taken, that a URL leads to a public address; and the states of things.
RULES = """
hooks = "{checks}"
# A stream of a task that waits would go on for minutes.
max-stream-events = 1

[checks]
# A precondition is looked at before the body (RFC 9110, 13.2.1).
negative_data_rejection.expected-statuses = [
    "400", "401", "403", "404", "405", "406", "409", "412", "414", "415", "429"
]
positive_data_acceptance.expected-statuses = ["2xx", "304", "400", "401", "403", "404", "409", "410", "412", "429"]

[auth.wfc]
path = "people.json"
peers = ["ana", "ben"]
user = "{user}"
"""
# Half of the requests are about something that is there, one's own or the other's.
PLACES = {
    "path.task_id": "tasks",
    "body.task_id": "tasks",
    "path.choreography_id": "choreographies",
    "path.song_id": "songs",
    "body.song": "songs",
    "path.label_id": "labels",
    "path.webhook_id": "webhooks",
    "body.url": "urls",
    "path.clip_id": "clips",
    "path.link": "links",
}


@dataclass(frozen=True)
class Person:
    """One who asks: the headers of a login, and a word that is in all that is this user's alone."""

    name: str
    word: str
    headers: dict[str, str]
    things: dict[str, list[str | int]]

    @property
    def words(self) -> list[str]:
        """Return what is in no answer to others: the word, and the ids of what is not shared."""
        return [self.word, *map(str, [*self.things["tasks"], *self.things["songs"], self.things["choreographies"][0]])]


@dataclass(frozen=True)
class Findings:
    """What a run of schemathesis said."""

    report: dict[str, Any]
    said: str

    @property
    def number(self) -> int:
        """Return how many different things were wrong; a run that could not go on is one, too."""
        return self.report["test_cases"]["unique_failures"] + len(self.report["errors"])

    @property
    def cases(self) -> int:
        generated: int = self.report["test_cases"]["generated"]
        return generated

    @property
    def operations(self) -> int:
        tested: int = self.report["operations"]["tested"]
        return tested


def people(song: Path) -> Iterator[Person]:
    """Make two users who have one of everything: Ana asks with a token, Ben with a session."""
    ana, ben = make_user("ana"), make_user("ben")
    of_ana, of_ben = _things_of(ana, "canela", song), _things_of(ben, "jengibre", song)
    for user, things in ((ana, of_ana), (ben, of_ben)):
        things["tasks"].append(start(user, song=things["songs"][0]).pk)  # it waits
    _, token = issue_token(user=ana, name="x", scopes=list(SCOPES))
    yield Person("ana", "canela", {"Authorization": f"Bearer {token}"}, of_ana)
    browser = Client()
    browser.force_login(ben)
    browser.get("/account")  # for the token against forged requests
    crumbs = {name: browser.cookies[name].value for name in ("sessionid", "csrftoken")}
    cookie = "; ".join(f"{name}={value}" for name, value in crumbs.items())
    headers = {"Cookie": cookie, "X-CSRFToken": crumbs["csrftoken"]}
    yield Person("ben", "jengibre", headers, of_ben)


def _things_of(user: User, word: str, song: Path) -> dict[str, list[str | int]]:
    """Make one of everything with the word in it; return the ids."""
    client = Client()
    client.force_login(user)

    def send(method: str, address: str, **body: object) -> Any:
        answer = client.generic(method, address, json.dumps(body), content_type="application/json")
        assert answer.status_code < 300, answer.content
        return answer.json()

    with song.open("rb") as file:
        own = client.post("/api/songs", {"file": file}).json()["id"]
    send("PATCH", f"/api/songs/{own}", title=word)
    send("PATCH", "/api/auth/me/preferences", word=word)
    made = start(user, song=own, auto_save=False).pk
    work()
    kept = send("POST", "/api/collections", task_id=made, title=word)["id"]
    send("PATCH", f"/api/collections/{kept}", tags=[word], category=word)
    unlisted = shared(user, "unlisted", title="Sol", video="u.mp4").pk
    hook = send("POST", "/api/webhooks", url=f"{HOOK}/{word}")["id"]
    labels = client.get("/api/collections/labels").json()
    return {
        "tasks": [made],
        "choreographies": [str(one) for one in (kept, shared(user, title="Luz").pk, unlisted)],
        "songs": [own],
        "labels": [label["id"] for kind in labels.values() for label in kind],
        "webhooks": [hook],
        "urls": [HOOK],
        "clips": [client.get("/api/moves").json()["results"][0]["clip_id"]],
        "links": [send("GET", f"/api/collections/{unlisted}/share")["link"].rpartition("/")[2]],
    }


def ask(url: str, asker: Person, everyone: list[Person], folder: Path, *more: str, seed: int) -> Findings:
    """Let schemathesis ask a server as one of them."""
    folder.mkdir()
    (folder / "openapi.json").write_text(json.dumps(document(), default=str))
    (folder / "schemathesis.toml").write_text("".join(_settings(asker, everyone)))
    auth = [
        {"name": one.name, "fixedHeaders": [{"name": name, "value": value} for name, value in one.headers.items()]}
        for one in everyone
    ]
    (folder / "people.json").write_text(json.dumps({"auth": auth}))
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", "openapi.json", "--url", url]
    command += ["--checks", "all", "--seed", str(seed), "--workers", "1", "--suppress-health-check", "all"]
    command += ["--no-shrink", "--continue-on-failure", "--request-timeout", "30"]
    command += ["--report-json-path", "report.json", *more]
    words = {"WORDS_OF_OTHERS": " ".join(word for one in everyone if one != asker for word in one.words)}
    with (folder / "said").open("wb") as said_to:
        done = subprocess.run(
            command, cwd=folder, env=os.environ | words, stdout=said_to, stderr=subprocess.STDOUT, check=False
        )
    said = (folder / "said").read_text()
    assert (folder / "report.json").exists(), f"{said}\nschemathesis ended with {done.returncode}"
    return Findings(json.loads((folder / "report.json").read_text()), said)


def _settings(asker: Person, everyone: list[Person]) -> Iterator[str]:
    yield RULES.format(checks=CHECKS, user=asker.name)
    kinds: dict[str, list[str | int]] = {}
    for one in everyone:
        for kind, ids in one.things.items():
            kinds.setdefault(kind, []).extend(ids)
    for kind, ids in kinds.items():
        yield f"[dictionaries.{kind}]\nvalues = {json.dumps(ids)}\n"
    yield "[parameters]\n"
    for place, kind in PLACES.items():
        yield f'"{place}" = {{dictionary = "{kind}", probability = 0.5}}\n'
    if "Cookie" in asker.headers:
        yield f"[[operations]]\ninclude-operation-id = {json.dumps(ENDS_A_SESSION)}\nenabled = false\n"


def everything_of(person: Person, client: httpx.Client) -> dict[str, Any]:
    """Return what a user's own addresses answer; but nothing that is for others to change.

    That is likes, places in the queue, and favourites that are another user's: who shares one may end that.
    """
    addresses = ["/api/auth/me", "/api/auth/me/preferences", "/api/songs", "/api/webhooks", "/api/collections/labels"]
    addresses += ["/api/collections"]
    addresses += [f"/api/webhooks/{one}/deliveries" for one in person.things["webhooks"]]
    found = {address: client.get(address, headers=person.headers).json() for address in addresses}
    favourites = client.get("/api/favourites", headers=person.headers).json()["results"]
    found["favourites"] = [one for one in favourites if one["is_yours"]]
    for one in person.things["choreographies"]:
        share = client.get(f"/api/collections/{one}/share", headers=person.headers).json()
        found[f"share of {one}"] = {name: value for name, value in share.items() if name != "likes"}
    tasks = client.get("/api/choreography/tasks?page_size=100", headers=person.headers).json()["results"]
    return found | {"tasks": [(task["task_id"], task["status"], task["inputs"], task["result"]) for task in tasks]}
