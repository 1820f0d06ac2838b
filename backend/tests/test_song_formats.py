"""What the engine reads is taken as a song, by its content: uploaded in each format, and danced to."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.songs.models import OwnSong, Recording
from tests.conftest import make_user
from tests.media import convert

# By the ending of the name: the encoding, FFmpeg's name of the container, and how the file is stored.
FORMATS = {
    "mp3": ("libmp3lame", "mp3", ".mp3"),
    "m4a": ("aac", "ipod", ".m4a"),
    "flac": ("flac", "flac", ".flac"),
    "ogg": ("vorbis", "ogg", ".ogg"),
    "opus": ("libopus", "ogg", ".ogg"),
    "wav": ("pcm_s16le", "wav", ".wav"),
    "mp4": ("aac", "mp4", ".m4a"),
}


@pytest.fixture(scope="module")
def songs(demo_song: Path, tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("formats")
    made = {
        ending: convert(
            demo_song, folder / f"song.{ending}", codec=codec, container=container, pictures=ending == "mp4"
        )
        for ending, (codec, container, _) in FORMATS.items()
    }
    return {ending: path.read_bytes() for ending, path in made.items()}


def upload(client: Client, content: bytes, name: str):
    return client.post("/api/songs", {"file": SimpleUploadedFile(name, content)})


def test_upload__each_format__is_taken_by_its_content_whatever_its_name(api, songs):
    for ending, (_, _, stored) in FORMATS.items():
        answer = upload(api, songs[ending], f"Mi {ending}.jpg")
        assert answer.status_code == 201, (ending, answer.json())
        song = OwnSong.objects.select_related("recording").get(pk=answer.json()["id"])
        assert song.recording.duration_s == pytest.approx(30, abs=0.3), ending
        assert Path(song.recording.file_name).suffix == stored


def test_upload__film_without_sound_or_another_format__is_refused(api, songs, tmp_path):
    for content in (songs["wav"].replace(b"WAVE", b"WEBP", 1), b"\x89PNG\r\n\x1a\n" + songs["flac"][4:]):
        assert upload(api, content, "song.wav").json()["type"] == "urn:compas:problem:not-a-song"


@pytest.mark.full
def test_generate__from_two_formats__is_danced_under_the_songs_title(
    own_database, settings, moves_library, demo_song, songs
):
    settings.MOVES_LIBRARY, settings.BACHATEO_CACHE = moves_library, demo_song.parent / "cache"
    client = Client()
    client.force_login(make_user("ana"))
    for ending in ("opus", "mp4"):
        song = upload(client, songs[ending], f"Noche {ending}.{ending}").json()
        wishes = {"song": song["id"], "difficulty": "beginner"}
        assert client.post("/api/choreography/generate", wishes, content_type="application/json").status_code == 202
        # Deleted while its job waits: the job keeps what it needs.
        assert ending == "opus" or client.delete(f"/api/songs/{song['id']}").status_code == 204
    call_command("procrastinate", "worker", "--one-shot")
    assert set(ChoreographyTask.objects.values_list("status", "error")) == {("completed", None)}
    sources = SavedChoreography.objects.order_by("created_at").values_list("music_info__source", flat=True)
    assert sorted(sources) == ["Noche mp4.m4a", "Noche opus.ogg"]
    shown = client.get("/api/collections?q=noche").json()["results"]
    assert len(shown) == 2
    (kept,) = client.get("/api/songs").json()["results"]
    assert (kept["title"], round(kept["tempo_bpm"])) == ("Noche opus", 126)
    assert Recording.objects.filter(tempo_bpm=None).count() == 0
    page = client.get("/studio").content.decode()
    assert "<b>Noche opus</b>" in page
    assert "<b>Noche mp4</b>" in page
    assert song["id"] not in page
