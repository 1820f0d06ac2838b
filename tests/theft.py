"""A user who saves rows that name the file of another user."""

import secrets

from sandbox.systems import Systems
from tests.people import Browser

CONTENT = b"moving pictures"


def upload_of(systems: Systems, owner: Browser) -> tuple[str, str]:
    """Store an upload, as the staff does, and its row in the original; return its name and the row's id."""
    name = f"choreographies/2023/05/boda-{secrets.token_hex(4)}.mp4"
    if systems.place.bucket:
        systems.place.bucket.put(f"media/{name}", CONTENT)
    else:
        path = systems.place.media / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(CONTENT)
    return name, save(owner, "original", name)


def save(browser: Browser, system: str, video_path: str) -> str:
    """Save a row over HTTP, in either system; return its id."""
    form = {"title": "Boda", "difficulty": "beginner", "video_path": video_path, "duration": "9"}
    answer = browser.post(getattr(browser, system), "/collections/save/", data=form)
    assert answer.json()["success"], answer.text
    return answer.json()["choreography_id"]


def steal_through(system: str, thief: Browser, name: str) -> list[str]:
    """Save rows that name the file, read it wherever a video is served, delete them; return what was served."""
    served = []
    for spelling in (name, f"./{name}", f"choreographies/../{name}", f"{name}/."):
        row = save(thief, system, spelling)
        base = name.rpartition("/")[2]
        places = [(thief.backend, f"/api/collections/{row}/video"), (thief.backend, f"/video/{base}/")]
        for client, address in [*places, (thief.original, f"/video/{base}/")]:
            answer = client.get(address)
            assert answer.status_code in {200, 404}, answer.text
            served += [f"{spelling} at {address}"] if answer.status_code == 200 else []
        _delete(thief, system, row)
    return served


def _delete(thief: Browser, saved_in: str, row: str) -> None:
    # Saved in one system and deleted in the other, or in the backend through either of its addresses.
    if saved_in == "original":
        headers = {"X-CSRFToken": thief.backend.cookies["csrftoken"], "Referer": str(thief.backend.base_url)}
        assert thief.backend.delete(f"/api/collections/{row}", headers=headers).status_code == 204
    else:
        assert thief.post(thief.backend, f"/collections/{row}/delete/").status_code == 302
