"""People who make choreographies on both systems, and try again until they know what became of each request."""

import random
import threading
import time
import uuid
from dataclasses import dataclass, field

import httpx

from tests.crashes.ledger import Entry, Ledger

PASSWORD = "salsa-no"
ASK_AGAIN_AFTER_S = 0.3
POLL_S = 0.4
GIVES_UP_AFTER_S = 60.0
ENDED = {"completed", "failed"}
OK, CREATED, NO_CONTENT, NOT_FOUND, CONFLICT, GONE, TOO_MANY = 200, 201, 204, 404, 409, 410, 429
MISSING = {NOT_FOUND, GONE}


class OverError(Exception):
    """The person was sent home before an answer came."""


@dataclass
class Dancer:
    """One account with a browser on each system, and a fate for each choreography, chosen by the seed."""

    name: str
    urls: dict[str, str]
    songs: tuple[str, ...]
    ledger: Ledger
    seed: str
    home: threading.Event  # set when nothing new shall begin
    over: threading.Event  # set when it must end at once
    user_id: int = 0
    made: int = 0
    known: set[str] = field(default_factory=set)
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - the same people every time
        self.http = {
            system: httpx.Client(base_url=url, timeout=30, trust_env=False) for system, url in self.urls.items()
        }
        self.thread = threading.Thread(target=self.dance, name=self.name)

    def register(self) -> None:
        """Make the account while all is calm; both systems know its session."""
        account = {"username": self.name, "email": f"{self.name}@example.org", "display_name": self.name}
        answer = self.http["backend"].post("/api/auth/register", json=account | {"password": PASSWORD})
        answer.raise_for_status()
        for cookie in ("sessionid", "csrftoken"):
            self.http["original"].cookies.set(cookie, self.http["backend"].cookies[cookie], domain="127.0.0.1")
        self.user_id = int(self.http["backend"].get("/api/auth/me").json()["id"])

    def dance(self) -> None:
        """Make one choreography after the other."""
        try:
            while not self.home.is_set():
                self.one_choreography()
        except OverError:
            return
        finally:
            self.leave()

    def leave(self) -> None:
        """Close the browsers."""
        for client in self.http.values():
            client.close()

    def again(self, urls: dict[str, str]) -> "Dancer":
        """Return the same person with new browsers, still logged in."""
        same = Dancer(self.name, urls, self.songs, self.ledger, self.seed, self.home, threading.Event(), self.user_id)
        for system, client in same.http.items():
            client.cookies = self.http[system].cookies
        return same

    def one_choreography(self) -> None:
        """Ask for one, and do with it what the seed says."""
        dice = self.random
        auto_save, song = dice.random() < 0.5, dice.choice(self.songs)
        cancels, keeps, deletes = dice.random() < 0.15, dice.random() < 0.5, dice.random() < 0.3
        patience = dice.choice([0, 1, 2, 4])
        how = dice.choices([self.ask_the_api, self.ask_the_original, self.ask_at_its_address], [6, 2, 2])[0]
        entry = how(song, auto_save)
        self.made += 1
        if cancels:
            for _ in range(patience):
                self.look(entry)
            self.cancel(entry)
            return
        self.follow(entry)
        if entry.ended != "completed":
            return
        if not auto_save and keeps and entry.made_by == "backend":
            self.keep(entry)
        if deletes and entry.is_sure_to_be_saved:
            self.delete(entry)

    # Asking for a choreography

    def ask_the_api(self, song: str, auto_save: bool) -> Entry:
        """Send it with an Idempotency-Key until it is acknowledged."""
        key = str(uuid.UUID(int=self.random.getrandbits(128)))
        wishes = {"song": song, "difficulty": "beginner", "auto_save": auto_save}
        while True:
            headers = {"Idempotency-Key": key}
            answer = self.ask("backend", "POST", "/api/choreography/generate", json=wishes, headers=headers)
            if answer is not None and answer.is_success:
                task_id = answer.json()["task_id"]
                self.ledger.keys.setdefault(key, set()).add(task_id)
                return self.acknowledged(task_id, "backend", auto_save)
            self.rest()

    def ask_the_original(self, song: str, auto_save: bool) -> Entry:
        """Send the original's form to the original."""
        return self._create("original", song, auto_save)

    def ask_at_its_address(self, song: str, auto_save: bool) -> Entry:
        """Send the original's form to the backend, which answers at the same address."""
        return self._create("backend", song, auto_save)

    def _create(self, system: str, song: str, auto_save: bool) -> Entry:
        self.known.update(self.unknown_tasks())
        form = {"song_selection": song, "difficulty": "beginner", "auto_save": str(auto_save).lower()}
        while True:
            answer = self.ask(system, "POST", "/create/", data=form)
            if answer is not None and answer.status_code == OK:
                return self.acknowledged(answer.json()["task_id"], system, auto_save)
            if answer is not None and answer.status_code == TOO_MANY:
                # Rows that a killed original left take its places until it fails them.
                return self.ask_the_api(song, auto_save)
            self.rest()
            # The answer was cut: perhaps the task was begun. The list of tasks says so.
            for task_id in self.unknown_tasks():
                return self.acknowledged(task_id, system, None)

    def unknown_tasks(self) -> list[str]:
        """Return this person's tasks that no answer named."""
        while True:
            answer = self.ask("backend", "GET", "/tasks/")
            if answer is not None and answer.status_code == OK:
                return [task["task_id"] for task in answer.json()["tasks"] if task["task_id"] not in self.known]
            self.rest()

    def acknowledged(self, task_id: str, system: str, auto_save: bool | None) -> Entry:
        """Write it down."""
        self.known.add(task_id)
        return self.ledger.add(Entry(task_id, self.user_id, system, auto_save))

    # Following it

    def look(self, entry: Entry) -> str:
        """Return the status that one of the systems shows, '' without an answer."""
        system = self.random.choice(["backend", "original"])
        path = f"/api/choreography/tasks/{entry.task_id}" if system == "backend" else f"/task/{entry.task_id}/"
        answer = self.ask(system, "GET", path)
        if answer is None or answer.status_code >= 500:
            return ""
        if answer.status_code in MISSING:
            self.ledger.note(f"task {entry.task_id} was acknowledged, and {system} answers {answer.status_code}")
            return "missing"
        return str(answer.json()["status"]) if answer.is_success else ""

    def follow(self, entry: Entry) -> None:
        """Watch until it has ended, or patience has."""
        until = time.monotonic() + GIVES_UP_AFTER_S
        while time.monotonic() < until and not self.home.is_set():
            status = self.look(entry)
            if status == "missing":
                return
            # The original shows a row that its housekeeping failed; the backend may take it back.
            if status == "completed" or (status == "failed" and self.is_failed_for_good(entry)):
                entry.ended = status
                return
            self.rest(POLL_S)

    def is_failed_for_good(self, entry: Entry) -> bool:
        """Ask the backend, which knows whether the job goes on."""
        answer = self.ask("backend", "GET", f"/api/choreography/tasks/{entry.task_id}")
        return answer is not None and answer.is_success and answer.json()["status"] == "failed"

    # What is done with it

    def cancel(self, entry: Entry) -> None:
        """Cancel it on either system until that is sure."""
        entry.cancel_asked = True
        system = self.random.choice(["backend", "original"])
        path = {"backend": "/api/choreography/tasks/{}/cancel", "original": "/task/{}/cancel/"}[system]
        while True:
            answer = self.ask(system, "POST", path.format(entry.task_id))
            if answer is not None and (answer.is_success or answer.status_code in MISSING):
                entry.cancelled = True
                return
            self.rest()

    def keep(self, entry: Entry) -> None:
        """Save it in the collection."""
        while True:
            answer = self.ask("backend", "POST", "/api/collections", json={"task_id": entry.task_id})
            if answer is not None and answer.status_code in {OK, CREATED}:
                entry.saved_id = answer.json()["id"]
                return
            if answer is not None and answer.status_code in MISSING | {CONFLICT}:
                self.ledger.note(f"task {entry.task_id} is completed, and saving it answers {answer.status_code}")
                return
            self.rest()

    def delete(self, entry: Entry) -> None:
        """Delete it from the collection, with its video."""
        for saved_id in self.saved_of(entry):
            entry.delete_asked = True
            while True:
                answer = self.ask("backend", "DELETE", f"/api/collections/{saved_id}")
                if answer is not None and answer.status_code in {NO_CONTENT, NOT_FOUND}:
                    entry.deleted = True
                    break
                self.rest()

    def saved_of(self, entry: Entry) -> list[str]:
        """Return the choreographies of the collection that came from this task."""
        while True:
            answer = self.ask("backend", "GET", "/api/collections?page_size=100")
            if answer is not None and answer.status_code == OK:
                found = answer.json()["results"]
                return [row["id"] for row in found if row["generation_parameters"]["task_id"] == entry.task_id]
            self.rest()

    # Requests

    def ask(self, system: str, method: str, path: str, **request: object) -> httpx.Response | None:
        """Send one request; None if no whole answer came."""
        if self.over.is_set():
            raise OverError
        client = self.http[system]
        headers = {"X-CSRFToken": client.cookies.get("csrftoken", ""), "Referer": str(client.base_url)}
        headers |= request.pop("headers", {})  # type: ignore[arg-type]
        try:
            answer = client.request(method, path, headers=headers, **request)  # type: ignore[arg-type]
        except httpx.TransportError:
            self.ledger.answered(whole=False)
            return None
        self.ledger.answered(whole=True)
        return answer

    def asks(self, system: str, method: str, path: str, **request: object) -> bool:
        """Return whether a request succeeded."""
        answer = self.ask(system, method, path, **request)
        return answer is not None and answer.is_success

    def rest(self, seconds: float = ASK_AGAIN_AFTER_S) -> None:
        """Wait a moment, as people and their browsers do."""
        self.over.wait(seconds)
