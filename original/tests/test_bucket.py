"""The same on a bucket: a real fake-gcs-server, reached as the settings say."""

import re
import runpy
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from google.oauth2.service_account import Credentials
from storages.backends.gcloud import GoogleCloudStorage

import choreography.media
from choreography.bucket import BucketStorage
from sandbox.bucket import Bucket
from tests.conftest import logged_in, make_user, save_choreography

SETTINGS = Path(__file__).parents[1] / "monolith" / "settings.py"


@pytest.fixture
def on_bucket(bucket: Bucket, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """The storages of a process whose environment says STORAGE=gcs."""
    settings.STORAGES = storages_of(monkeypatch, bucket.environment())
    return bucket


def storages_of(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> dict[str, Any]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(SETTINGS))["STORAGES"]


@pytest.mark.django_db
def test_songs_and_videos__lie_where_the_bucket_has_them(on_bucket: Bucket, media: Path):
    ana = make_user("ana")
    client = logged_in(ana)
    for name in ("luna.mp3", "Dime & quédate #2 (100%).mp3", "notes.txt", ".half.mp3"):
        on_bucket.put(f"songs/{name}", b"a song")
    on_bucket.put("media/songs/not-here.mp3", b"")

    path = choreography.media.save_video(ana.pk, "luna.mp3", ContentFile(b"a video"))
    saved = save_choreography(ana, video_path=path)

    assert choreography.media.song_names() == ["Dime & quédate #2 (100%).mp3", "luna.mp3"]
    with choreography.media.open_song("Dime & quédate #2 (100%).mp3") as song:
        assert song.read() == b"a song"
    assert path == f"output/user_{ana.pk}/luna_balanced_choreography.mp4"
    assert on_bucket.read(f"media/{path}") == b"a video"
    answer = client.get(f"/video/{saved.video_name}/")
    assert (answer["Content-Type"], answer["Content-Length"]) == ("video/mp4", "7")
    assert answer.getvalue() == b"a video"
    assert client.get("/video/other.mp4/").status_code == 404
    assert client.post(f"/collections/{saved.pk}/delete/").status_code == 302
    assert on_bucket.names("media/output/") == []
    assert list(media.rglob("*.*")) == []


@pytest.mark.django_db
def test_delete__row_without_a_path__deletes_no_object(on_bucket: Bucket):
    ana = make_user("ana")
    on_bucket.put(f"media/output/user_{ana.pk}/", b"")  # as made by hand, to show a folder
    saved = save_choreography(ana, video_path="")

    assert logged_in(ana).post(f"/collections/{saved.pk}/delete/").status_code == 302
    assert on_bucket.names() == [f"media/output/user_{ana.pk}/"]


def test_second_video_of_a_song__is_named_as_in_a_directory(on_bucket: Bucket):
    first, second = (choreography.media.save_video(1, "luna.mp3", ContentFile(text)) for text in (b"1", b"2"))

    assert first == "output/user_1/luna_balanced_choreography.mp4"
    assert re.fullmatch(r"output/user_1/luna_balanced_choreography_\w{7}\.mp4", second)
    assert (on_bucket.read(f"media/{first}"), on_bucket.read(f"media/{second}")) == (b"1", b"2")


def test_saves_of_one_name_at_once__lose_nothing(on_bucket: Bucket):
    contents = [b"video %d" % number for number in range(16)]
    assert lost_by(on_bucket, contents) == []


def test_saves_of_one_name_at_once__that_overwrite__are_noticed(on_bucket: Bucket, settings: Any):
    stock = settings.STORAGES["default"] | {"BACKEND": "storages.backends.gcloud.GoogleCloudStorage"}
    stock["OPTIONS"] = {key: stock["OPTIONS"][key] for key in ("bucket_name", "location")} | {"file_overwrite": True}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", on_bucket.endpoint)
        settings.STORAGES = settings.STORAGES | {"default": stock}
        lost = lost_by(on_bucket, [b"video %d" % number for number in range(16)])
    assert len(lost) == 15


def lost_by(on_bucket: Bucket, contents: list[bytes]) -> list[bytes]:
    """Save all under one name at once; return the contents that are lost."""
    with ThreadPoolExecutor(8) as pool:
        names = pool.map(lambda content: default_storage.save("output/v.mp4", ContentFile(content)), contents)
        assert sorted({f"media/{name}" for name in names}) == on_bucket.names()
    return sorted(set(contents) - {on_bucket.read(name) for name in on_bucket.names()})


def test_url__stand_in_without_credentials__is_plain(on_bucket: Bucket):
    assert default_storage.url("output/v 1.mp4") == f"{on_bucket.endpoint}/{on_bucket.name}/media/output/v%201.mp4"


def test_url__credentials_that_can_sign__is_signed():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    facts = {"client_email": "compas@example.com", "token_uri": "https://example.com", "private_key": pem}
    storage = BucketStorage(
        bucket_name="b",
        location="media",
        credentials=Credentials.from_service_account_info(facts),
        api_endpoint="https://storage.googleapis.com",
        expiration=timedelta(hours=1),
    )

    url = urlsplit(storage.url("output/v.mp4"))
    assert (url.netloc, url.path) == ("storage.googleapis.com", "/b/media/output/v.mp4")
    assert parse_qs(url.query).keys() >= {"X-Goog-Signature", "X-Goog-Expires", "X-Goog-Date"}


def test_settings__gcs__never_overwrite_and_keep_songs_beside_the_media(monkeypatch: pytest.MonkeyPatch):
    environment = {"STORAGE": "gcs", "GS_BUCKET_NAME": "compas-media", "GS_IAM_SIGN_BLOB": "on"}
    found = storages_of(monkeypatch, environment)

    usual = {
        "bucket_name": "compas-media",
        "api_endpoint": "https://storage.googleapis.com",
        "file_overwrite": False,
        "iam_sign_blob": True,
        "max_memory_size": 8 * 2**20,
    }
    assert found["default"]["OPTIONS"] == usual | {"location": "media"}
    assert found["songs"]["OPTIONS"] == usual | {"location": "songs"}
    assert issubclass(BucketStorage, GoogleCloudStorage)
    assert storages.create_storage(found["songs"]).location == "songs"


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"STORAGE": "s3"}, "STORAGE is 's3'; it must be 'directory' or 'gcs'."),
        ({"STORAGE": "gcs"}, "Set the GS_BUCKET_NAME environment variable"),
        (
            {"STORAGE": "gcs", "GS_BUCKET_NAME": ""},
            "GS_BUCKET_NAME is empty; with STORAGE=gcs it must name the bucket.",
        ),
        (
            {"STORAGE": "gcs", "GS_BUCKET_NAME": "b", "GS_API_ENDPOINT": "127.0.0.1:4443"},
            "GS_API_ENDPOINT is '127.0.0.1:4443'; it must be like https://storage.googleapis.com, without a path.",
        ),
    ],
)
def test_settings__wrong_or_missing__stop_the_start(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], message: str
):
    with pytest.raises(ImproperlyConfigured, match=re.escape(message)):
        storages_of(monkeypatch, environment)
