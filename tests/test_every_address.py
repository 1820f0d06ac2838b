"""Every address of the original, asked on both systems: programs get the same answer, people get to the right page."""

import re
from dataclasses import dataclass

import httpx
import psycopg

from tests.people import PASSWORD, Browser, share_cookies

NO_FILE = "output/x.mp4"
VIDEO_FIELDS = {"title": "Luna", "difficulty": "beginner", "duration": "12.5", "music_info": '{"source": "luna.mp3"}'}


@dataclass(frozen=True)
class Address:
    """One request, and what both systems answer to it.

    ``successor`` is where a page of the original leads to on the backend; without one both answer JSON or a file,
    with the same status and the same keys.
    """

    method: str
    path: str
    status: int = 200
    data: dict[str, str] | None = None
    successor: str | None = None
    who: str = "dancer"


ID = "00000000-0000-4000-8000-000000000000"
ADDRESSES = [
    Address("GET", "/health", who="visitor"),
    Address("GET", "/", 302, successor="/studio", who="visitor"),
    Address("GET", "/select-song/", successor="/studio"),
    Address("POST", "/create/", 401, {"song_selection": "Noche.mp3"}, who="visitor"),
    Address("POST", "/create/", 400, {"difficulty": "hard"}),
    Address("POST", "/create/", 404, {"song_selection": "gone.mp3", "difficulty": "beginner"}),
    Address("POST", "/create/", 200, {"song_selection": "Noche.mp3", "difficulty": "beginner", "auto_save": "false"}),
    Address("POST", "/task/{new_task}/cancel/"),
    Address("GET", "/task/{new_task}/", 404),
    Address("GET", "/create/", 405),
    Address("GET", "/task/{task}/"),
    Address("GET", "/task/{others_task}/", 403),
    Address("GET", "/task/no-such-task/", 404),
    Address("GET", "/task/{task}/", 302, who="visitor"),
    Address("POST", "/task/no-such-task/cancel/", 404),
    Address("POST", "/task/{others_task}/cancel/", 403),
    Address("GET", "/task/{task}/cancel/", 405),
    Address("GET", "/tasks/"),
    Address("GET", "/tasks/", 302, who="visitor"),
    Address("GET", "/video/{video}/"),
    Address("GET", "/video/gone.mp4/", 404),
    Address("GET", "/video/{others_video}/", 404),
    Address("GET", "/collections/?difficulty=beginner", successor="/collection?difficulty=beginner"),
    Address("GET", "/collections/{saved}/", successor="/collection/{saved}"),
    Address("GET", f"/collections/{ID}/", 404),
    Address("GET", "/collections/{others_saved}/", 404),
    Address("GET", "/collections/{saved}/edit/", successor="/collection/{saved}/edit"),
    Address("POST", "/collections/{saved}/edit/", 302, {"title": "Sol", "difficulty": "advanced"}),
    Address("POST", "/collections/{others_saved}/edit/", 404, {"title": "Sol", "difficulty": "advanced"}),
    Address("GET", "/collections/{saved}/delete/", successor="/collection/{saved}?delete=yes#delete"),
    Address("POST", "/collections/{others_saved}/delete/", 404),
    Address("POST", "/collections/{saved}/delete/", 302),
    Address("POST", "/collections/save/", 200, VIDEO_FIELDS | {"video_path": NO_FILE}),
    Address("POST", "/collections/save/", 400, VIDEO_FIELDS | {"duration": "-1"}),
    Address("GET", "/collections/stats/"),
    Address("GET", "/auth/login/", successor="/login", who="visitor"),
    Address("POST", "/auth/login/", 200, {"username": "unknown", "password": "wrong"}, who="visitor"),
    Address("POST", "/auth/login/", 302, {"username": "{name}", "password": PASSWORD}, who="visitor"),
    Address("GET", "/auth/register/", successor="/register", who="visitor"),
    Address("GET", "/auth/profile/", successor="/account#profile"),
    Address("POST", "/auth/logout/", 302),
    Address("GET", "/admin/", 302, who="visitor"),
]


@dataclass(frozen=True)
class Stage:
    """Two dancers and what they have, on one system."""

    dancer: Browser
    visitor: httpx.Client
    values: dict[str, str]


def prepare(system: str, dancer: Browser, visitor: httpx.Client, song: str) -> Stage:
    """Let the systems themselves write rows and files: one choreography each of two dancers."""
    values = {"name": dancer.name}
    form = {"song_selection": song, "difficulty": "beginner", "auto_save": "true"}
    for prefix, name in (("others_", f"{dancer.name}-{system}"), ("", dancer.name)):
        dancer.backend.cookies.clear()
        new = {"username": name, "email": f"{name}@example.org", "display_name": "B", "password": PASSWORD}
        known = {"login": name, "password": PASSWORD}
        address, body = ("/api/auth/register", new) if prefix else ("/api/auth/login", known)
        assert dancer.backend.post(address, json=body).is_success
        task_id = dancer.post(dancer.backend, "/create/", data=form).json()["task_id"]
        task = dancer.until_ended(task_id)
        assert task["status"] == "completed", task["error"]
        values[f"{prefix}task"] = task_id
        values[f"{prefix}video"] = task["result"]["video_filename"]
        values[f"{prefix}saved"] = task["result"]["saved_choreography_id"]
    dancer.original.cookies.clear()
    share_cookies(dancer.backend, dancer.original)
    return Stage(dancer, visitor, values)


def test_address__on_both_systems__answers_as_the_table_says_and_programs_read_the_same_keys(
    systems, dancer: Browser, song_in_the_house: str
):
    wrong: list[str] = []
    shapes: dict[str, dict[str, object]] = {"original": {}, "backend": {}}
    for system, url in (("original", systems.original_url), ("backend", systems.backend_url)):
        with httpx.Client(base_url=url) as visitor:
            stage = prepare(system, dancer, visitor, song_in_the_house)
            for address in ADDRESSES:
                answer = ask(stage, system, address)
                shapes[system][shape_key(address)] = shape(answer)
                if problem := difference(address, answer, stage, system):
                    wrong.append(f"{system} {address.method} {address.path} as {address.who}: {problem}")
    with psycopg.connect(systems.database.url("original_app")) as connection:  # others look for the file of every row
        connection.execute("DELETE FROM saved_choreographies WHERE video_path = %s", [NO_FILE])
    assert not wrong, "\n".join(wrong)
    assert shapes["backend"] == shapes["original"]


def ask(stage: Stage, system: str, address: Address) -> httpx.Response:
    path = address.path.format(**stage.values)
    data = {
        key: value.format(**stage.values) if key == "username" else value for key, value in (address.data or {}).items()
    }
    if address.who == "visitor":
        client = stage.visitor
        client.cookies.clear()
        client.get("/auth/login/", follow_redirects=True)
    else:
        client = getattr(stage.dancer, system)
        if not client.cookies.get("csrftoken"):
            client.get("/login" if system == "backend" else "/auth/login/")
    headers = {"X-CSRFToken": client.cookies.get("csrftoken", ""), "Referer": str(client.base_url)}
    answer = client.request(address.method, path, data=data if address.method == "POST" else None, headers=headers)
    if address.path == "/create/" and answer.status_code == 200:
        stage.values["new_task"] = answer.json()["task_id"]
    return answer


def difference(address: Address, answer: httpx.Response, stage: Stage, system: str) -> str:
    expected = 302 if system == "backend" and address.successor else address.status
    if answer.status_code != expected:
        return f"{answer.status_code} instead of {expected}"
    if system == "backend" and address.successor:
        wanted = address.successor.format(**stage.values)
        if answer.headers["location"] != wanted:
            return f"leads to {answer.headers['location']} instead of {wanted}"
    return ""


def shape_key(address: Address) -> str:
    return f"{address.method} {address.path} {address.status} {address.who}"


def shape(answer: httpx.Response) -> object:
    """Return what a program relies on: the keys of JSON, or nothing for a page."""
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return None
    return keys(answer.json())


def keys(value: object) -> object:
    if isinstance(value, dict):
        return {re.sub(r"\d+", "N", key): keys(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return [keys(item) for item in value[:1]]
    return type(value).__name__ if not isinstance(value, int | float) else "number"


def test_difference__other_status_or_other_page__is_told():
    stage = Stage(None, None, {})
    assert difference(Address("GET", "/tasks/"), httpx.Response(500), stage, "backend") == "500 instead of 200"
    elsewhere = httpx.Response(302, headers={"location": "/elsewhere"})
    moved = Address("GET", "/select-song/", successor="/studio")
    assert difference(moved, elsewhere, stage, "backend") == "leads to /elsewhere instead of /studio"
    assert keys({"task_id": "x"}) != keys({"task_id": "x", "more": 1})
