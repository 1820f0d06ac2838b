"""Songs through the API: files of both systems, uploads that overwrite nothing."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from apps.songs.models import Song
from apps.songs.services import add_song, safe_name
from config.errors import InvalidError
from tests.conftest import make_user
from tests.media import write_sound


@pytest.fixture(scope="session")
def tone(tmp_path_factory) -> bytes:
    return write_sound(tmp_path_factory.mktemp("tone") / "tone.mp3").read_bytes()


@pytest.fixture(scope="session")
def other_tone(tmp_path_factory) -> bytes:
    return write_sound(tmp_path_factory.mktemp("other") / "tone.mp3", frequency_hz=330).read_bytes()


def upload(client: Client, content: bytes, name: str = "Mi Corazón.mp3"):
    return client.post("/api/songs", {"file": SimpleUploadedFile(name, content, "audio/mpeg")})


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_upload__new_song__is_kept_and_listed(api, ana, media_root, tone):
    answer = upload(api, tone)
    assert answer.status_code == 201
    song = answer.json()
    assert song | {"added_at": 0, "duration_s": 0} == {
        "name": "Mi_Corazón.mp3",
        "title": "Mi Corazón",
        "size": len(tone),
        "duration_s": 0,
        "added_at": 0,
        "mine": True,
    }
    assert song["duration_s"] == pytest.approx(12.0, abs=0.1)
    assert files_in(media_root) == {"songs/Mi_Corazón.mp3": tone}
    row = Song.objects.get()
    assert (row.uploaded_by, row.sha256, row.size) == (ana, hashlib.sha256(tone).hexdigest(), len(tone))
    assert api.get("/api/songs").json() == {"results": [song]}


def test_list__songs_of_the_original__are_there(api, media_root, tone):
    for name in ["b_side.mp3", "A-Song.MP3", "notes.txt", ".half-written.mp3"]:
        (media_root / "songs").mkdir(exist_ok=True)
        (media_root / "songs" / name).write_bytes(tone)
    (media_root / "songs" / "folder.mp3").mkdir()
    songs = api.get("/api/songs").json()["results"]
    assert [(s["name"], s["title"], s["duration_s"], s["mine"]) for s in songs] == [
        ("A-Song.MP3", "A Song", None, False),
        ("b_side.mp3", "b side", None, False),
    ]


def test_list__no_songs_folder__is_empty(api):
    assert api.get("/api/songs").json() == {"results": []}


def test_list__song_of_another_user__is_not_mine(api, ben, tone):
    add_song(upload=SimpleUploadedFile("hers.mp3", tone), uploaded_by=ben)
    assert [song["mine"] for song in api.get("/api/songs").json()["results"]] == [False]


def test_upload__same_content__is_the_song_that_is_there(api, media_root, tone):
    first = upload(api, tone, "one.mp3")
    again = upload(api, tone, "another name.mp3")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert list(files_in(media_root)) == ["songs/one.mp3"]


def test_upload__content_the_original_has_already__is_the_originals_song(api, media_root, tone):
    (media_root / "songs").mkdir()
    (media_root / "songs" / "classic.mp3").write_bytes(tone)
    answer = upload(api, tone)
    assert (answer.status_code, answer.json()["name"]) == (200, "classic.mp3")
    assert not Song.objects.exists()


def test_upload__same_name_other_content__overwrites_nothing(api, media_root, tone, other_tone):
    upload(api, tone, "song.mp3")
    assert upload(api, other_tone, "song.mp3").json()["name"] == "song-2.mp3"
    assert files_in(media_root) == {"songs/song.mp3": tone, "songs/song-2.mp3": other_tone}


def test_upload__row_whose_file_is_gone__is_filled_again(api, media_root, tone):
    upload(api, tone, "one.mp3")
    (media_root / "songs" / "one.mp3").unlink()
    answer = upload(api, tone, "two.mp3")
    assert (answer.status_code, answer.json()["name"]) == (201, "two.mp3")
    assert Song.objects.get().file_name == "two.mp3"


def test_upload__name_of_a_row_whose_file_is_gone__is_not_used_again(api, media_root, tone, other_tone):
    upload(api, tone, "song.mp3")
    (media_root / "songs" / "song.mp3").unlink()
    answer = upload(api, other_tone, "song.mp3")
    assert (answer.status_code, answer.json()["name"]) == (201, "song-2.mp3")


def test_upload__many_at_once__one_song(own_database, media_root, tone):
    user = make_user("ana")

    def add(number: int) -> str:
        try:
            song, _ = add_song(upload=SimpleUploadedFile(f"{number}.mp3", tone), uploaded_by=user)
            return song.name
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        names = set(pool.map(add, range(8)))
    assert len(names) == 1
    assert Song.objects.count() == 1
    assert set(files_in(media_root)) == {f"songs/{name}" for name in names}


def bad_files(folder: Path) -> dict[str, tuple[str, bytes, str]]:
    """Name, content, and what the answer must say."""
    return {
        "empty": ("empty.mp3", b"", "empty"),
        "text": ("text.mp3", b"la la la " * 500, "no sound file"),
        "page": ("page.mp3", b"<!DOCTYPE html><script>alert(1)</script>" * 200, "no sound file"),
        "silence": ("silence.mp3", write_sound(folder / "s.mp3", loudness=0).read_bytes(), "silent"),
        "too short": ("short.mp3", write_sound(folder / "k.mp3", seconds=1).read_bytes(), "lasts 1.0 s"),
        "other name": ("song.wav", write_sound(folder / "n.mp3").read_bytes(), "no mp3 by its name"),
        "other kind": ("aac.mp3", write_sound(folder / "a.mp4", codec="aac").read_bytes(), "no mp3 inside"),
    }


@pytest.mark.parametrize("kind", ["empty", "text", "page", "silence", "too short", "other name", "other kind"])
def test_upload__not_a_song__is_refused_with_the_reason_and_nothing_is_left(api, media_root, tmp_path, kind):
    name, content, reason = bad_files(tmp_path)[kind]
    answer = upload(api, content, name)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    body = answer.json()
    assert body["type"] == "urn:compas:problem:not-a-song"
    assert reason in body["detail"]
    assert body["errors"] == {"file": [body["detail"]]}
    assert name in body["detail"]
    assert not files_in(media_root)
    assert not Song.objects.exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"<script>alert(1)</script>", b""), (b"", b"PK\x05\x06" + bytes(18))],
    ids=["page", "archive"],
)
def test_upload__song_that_is_something_else_too__is_kept_as_a_song(api, media_root, tone, before, after):
    answer = upload(api, before + tone + after, "<img src=x>.html.mp3")
    assert (answer.status_code, answer.json()["name"]) == (201, "img_srcx.html.mp3")
    assert files_in(media_root) == {"songs/img_srcx.html.mp3": before + tone + after}


def test_upload__without_a_file__names_the_field(api):
    answer = api.post("/api/songs", {})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["file"])


def test_upload__too_large__is_refused(api, settings, media_root, tone):
    settings.SONG_MAX_MB = 0
    answer = upload(api, tone)
    assert (answer.status_code, answer.json()["detail"]) == (413, "A song may have at most 0 MB.")
    assert not files_in(media_root)


def test_upload__json__is_no_song(api):
    answer = api.post("/api/songs", {"file": "text"}, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (415, "application/problem+json")


@pytest.mark.parametrize("method", ["get", "post"])
def test_songs__anonymous__401(db, method):
    assert getattr(Client(), method)("/api/songs").status_code == 401


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("../../etc/passwd.mp3", "passwd.mp3"),
        ("a b & c!.MP3", "a_b__c.mp3"),
        (".mp3", "song.mp3"),
        ("...mp3", "song.mp3"),
        ("💃💃.mp3", "song.mp3"),
        ("ñ" * 300 + ".mp3", "ñ" * 75 + ".mp3"),
    ],
)
def test_name__any_text__becomes_a_name_of_one_plain_file(typed, kept):
    assert safe_name(typed) == kept


def test_name__not_an_mp3__is_refused():
    with pytest.raises(InvalidError, match=r"song\.ogg is no mp3 by its name. Choose a file that ends in \.mp3\."):
        safe_name("song.ogg")
