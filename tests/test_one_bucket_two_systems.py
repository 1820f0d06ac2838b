"""Files in one bucket, saved by either system and seen by both."""

import json
import re
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.bucket import Bucket
from sandbox.systems import Systems
from tests.people import Browser, shell
from tests.theft import CONTENT, steal_through, upload_of

MANY = 12
SAVE_MANY = f"""
import json
from concurrent.futures import ThreadPoolExecutor
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
def save(number):
    content = "WHO " + str(number)
    return default_storage.save("NAME", ContentFile(content.encode())), content
with ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(save, range({MANY})))))
"""
# A system that is set up as django-storages is by default.
OVERWRITING = """
from django.core.files.storage import default_storage
from storages.backends.gcloud import GoogleCloudStorage
default_storage.file_overwrite = True
type(default_storage._wrapped)._save = GoogleCloudStorage._save
"""
WRONG_PREFIX = "from django.core.files.storage import default_storage; default_storage.location = ''"
SAVE = """
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
print(default_storage.save("NAME", ContentFile(b"moving pictures")))
"""
URLS = """
from django.core.files.storage import default_storage, storages
print(default_storage.url("output/user_1/v 1.mp4"), storages["songs"].url("Dime & quédate #1.mp3"))
"""


@pytest.fixture(scope="session")
def systems(systems_on_a_bucket: Systems) -> Systems:
    """Both, with their files in a bucket."""
    return systems_on_a_bucket


@pytest.fixture
def bucket(systems: Systems) -> Bucket:
    """That bucket."""
    assert systems.place.bucket
    return systems.place.bucket


def user_id(systems: Systems, dancer: Browser) -> int:
    with systems.database.server.connect(systems.database.name) as session:
        row = session.execute("SELECT id FROM public.users WHERE username = %s", [dancer.name]).fetchone()
    assert row
    return row[0]


def save_row(dancer: Browser, video_path: str) -> str:
    """Save a choreography in the original; return its id."""
    form = {"title": "T", "difficulty": "beginner", "video_path": video_path, "duration": "9"}
    answer = dancer.post(dancer.original, "/collections/save/", data=form)
    assert answer.json()["success"], answer.text
    return answer.json()["choreography_id"]


@pytest.mark.parametrize("system", ["original", "backend"])
@pytest.mark.thinned(to_one_in=2)
def test_file_saved_by_one__is_played_by_both_and_deleted_by_the_other(systems, bucket, dancer: Browser, system: str):
    name = f"output/user_{user_id(systems, dancer)}/v.mp4"
    assert shell(systems, system, SAVE.replace("NAME", name)).split() == [name]
    assert bucket.names(f"media/{name}") == [f"media/{name}"]
    row = save_row(dancer, name)

    assert dancer.original.get("/video/v.mp4/").content == b"moving pictures"
    part = dancer.backend.get(f"/api/collections/{row}/video", headers={"Range": "bytes=-8"})
    assert (part.status_code, part.content) == (206, b"pictures")
    assert part.headers["content-range"] == "bytes 7-14/15"

    if system == "backend":
        deleted = dancer.post(dancer.original, f"/collections/{row}/delete/")
        assert deleted.status_code == 302
    else:
        headers = {"X-CSRFToken": dancer.backend.cookies["csrftoken"], "Referer": str(dancer.backend.base_url)}
        assert dancer.backend.delete(f"/api/collections/{row}", headers=headers).status_code == 204
    assert bucket.names(f"media/{name}") == []
    assert dancer.original.get("/video/v.mp4/").status_code == 404
    assert dancer.backend.get("/video/v.mp4/").status_code == 404


@pytest.mark.parametrize("system", ["original", "backend"])
@pytest.mark.full
def test_row_that_names_anothers_file__saved_in_either__neither_serves_nor_deletes_it(
    systems, bucket, dancer: Browser, thief: Browser, system: str
):
    name, row = upload_of(systems, dancer)
    assert steal_through(system, thief, name) == []
    assert bucket.read(f"media/{name}") == CONTENT
    assert dancer.backend.get(f"/api/collections/{row}/video").content == CONTENT


def test_addresses_of_files__are_the_same_in_both(systems, bucket):
    seen = {shell(systems, system, URLS) for system in ("original", "backend")}
    media, songs = f"{bucket.endpoint}/{bucket.name}/media", f"{bucket.endpoint}/{bucket.name}/songs"
    assert seen == {f"{media}/output/user_1/v%201.mp4 {songs}/Dime%20%26%20qu%C3%A9date%20%231.mp3\n"}


def lost_in_saves(systems: Systems, bucket: Bucket, *, before: str = "") -> list[str]:
    """Let both save many files under one name at once; return the contents that are in no object."""
    name = f"output/{secrets.token_hex(4)}/v.mp4"
    code = before + SAVE_MANY.replace("NAME", name)
    with ThreadPoolExecutor(2) as pool:
        said = pool.map(lambda system: shell(systems, system, code.replace("WHO", system)), ("original", "backend"))
        saved = [tuple(pair) for text in said for pair in json.loads(text)]
    assert len(saved) == 2 * MANY
    folder = f"media/{name.rpartition('/')[0]}/"
    assert {f"media/{stored}" for stored, _ in saved} == set(bucket.names(folder))
    assert all(re.fullmatch(r"v(_\w{7})?\.mp4", stored.rpartition("/")[2]) for stored, _ in saved)
    there = {bucket.read(stored).decode() for stored in bucket.names(folder)}
    return sorted({content for _, content in saved} - there)


@pytest.mark.full
def test_saves_of_one_name_by_both_at_once__lose_nothing(systems, bucket):
    assert lost_in_saves(systems, bucket) == []


@pytest.mark.full
def test_saves_of_one_name_by_both_at_once__that_overwrite__are_noticed(systems, bucket):
    assert len(lost_in_saves(systems, bucket, before=OVERWRITING)) == 2 * MANY - 1


@pytest.mark.full
def test_file_below_a_wrong_prefix__is_noticed(systems, bucket, dancer: Browser):
    name = f"output/user_{user_id(systems, dancer)}/v.mp4"
    row = save_row(dancer, name)
    for before, status in ((WRONG_PREFIX, 404), ("", 200)):
        shell(systems, "original", before + SAVE.replace("NAME", name))
        assert dancer.backend.get(f"/api/collections/{row}/video").status_code == status
