"""A user who saves rows that name the file of another user."""

import secrets

from sandbox.systems import Systems
from tests.people import Browser, shell

# As an upload field of the original does it: the file, then the row.
UPLOAD = """
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from choreography.models import SavedChoreography
user = get_user_model().objects.get(username="USER")
row = SavedChoreography(user=user, title="Boda", difficulty="beginner", duration=9)
row.video_path.save("NAME.mp4", ContentFile(b"moving pictures"))
print(row.video_path.name)
"""


def upload_of(systems: Systems, owner: Browser) -> str:
    """Upload a video for this user through the original's model; return its name below the media root."""
    code = UPLOAD.replace("USER", owner.name).replace("NAME", f"boda-{secrets.token_hex(4)}")
    name = shell(systems, "original", code).strip()
    assert name.startswith("choreographies/20")
    return name


def save(thief: Browser, system: str, video_path: str) -> str:
    """Save a row over HTTP, in either system; return its id."""
    form = {"title": "Mine", "difficulty": "beginner", "video_path": video_path, "duration": "9"}
    answer = thief.post(getattr(thief, system), "/collections/save/", data=form)
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
