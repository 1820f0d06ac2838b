"""Songs through the API: a user's own, which others cannot see, and those of the common folder."""

import hashlib
import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.functions import Now
from django.test import Client

from apps.jobs.models import Job
from apps.quotas.limits import stored_bytes
from apps.songs import recordings
from apps.songs.models import JobSong, OwnSong, Recording, Song
from apps.songs.services import draft_name
from apps.songs.titles import file_name_of, title_of_upload
from tests.media import write_sound


@pytest.fixture(scope="session")
def tone(tmp_path_factory) -> bytes:
    return write_sound(tmp_path_factory.mktemp("tone") / "tone.mp3").read_bytes()


@pytest.fixture(scope="session")
def other_tone(tmp_path_factory) -> bytes:
    return write_sound(tmp_path_factory.mktemp("other") / "tone.mp3", frequency_hz=330).read_bytes()


@pytest.fixture
def bens(ben) -> Client:
    """Ben's browser."""
    client = Client()
    client.force_login(ben)
    return client


def upload(client: Client, content: bytes, name: str = "Mi Corazón.mp3"):
    return client.post("/api/songs", {"file": SimpleUploadedFile(name, content, "audio/mpeg")})


def titles(client: Client) -> list[tuple[str, bool]]:
    return [(song["title"], song["is_mine"]) for song in client.get("/api/songs").json()["results"]]


def rename(client: Client, song: str, title: object):
    return client.patch(f"/api/songs/{song}", {"title": title}, content_type="application/json")


def generate(client: Client, song: str):
    wishes = {"song": song, "difficulty": "beginner"}
    return client.post("/api/choreography/generate", wishes, content_type="application/json")


def put_common(media_root: Path, name: str, content: bytes) -> None:
    (media_root / "songs").mkdir(exist_ok=True)
    (media_root / "songs" / name).write_bytes(content)


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stored_as(user, content: bytes, ending: str = "mp3") -> str:
    return f"own_songs/user_{user.pk}/{hashlib.sha256(content).hexdigest()}.{ending}"


def test_upload__new_song__is_kept_in_the_users_folder_and_listed(api, ana, media_root, tone):
    answer = upload(api, tone)
    assert answer.status_code == 201
    song = answer.json()
    row = OwnSong.objects.get()
    assert answer["Location"] == f"/api/songs/{row.pk}"
    assert song | {"added_at": 0, "duration_s": 0} == {
        "id": str(row.pk),
        "name": str(row.pk),
        "title": "Mi Corazón",
        "size": len(tone),
        "duration_s": 0,
        "tempo_bpm": None,
        "added_at": 0,
        "is_mine": True,
        "mine": True,
    }
    assert song["duration_s"] == pytest.approx(12.0, abs=0.1)
    assert files_in(media_root) == {stored_as(ana, tone): tone}
    assert (row.user, row.recording_id, row.recording.size) == (ana, hashlib.sha256(tone).hexdigest(), len(tone))
    assert api.get("/api/songs").json() == {"results": [song]}
    assert api.get(answer["Location"]).json() == song


def test_list__own_songs_come_before_everybodys(api, media_root, tone, other_tone):
    for name in ["b_side.mp3", "A-Song.MP3", "notes.txt", ".half-written.mp3", "sound.ogg"]:
        put_common(media_root, name, tone)
    (media_root / "songs" / "folder.mp3").mkdir()
    upload(api, other_tone, "zumba.mp3")
    songs = api.get("/api/songs").json()["results"]
    assert [(s["title"], s["duration_s"] is None, s["is_mine"]) for s in songs] == [
        ("zumba", False, True),
        ("A Song", True, False),
        ("b side", True, False),
    ]
    assert [s["id"] for s in songs[1:]] == [s["name"] for s in songs[1:]] == ["A-Song.MP3", "b_side.mp3"]
    assert api.get("/api/songs/b_side.mp3").json() == songs[2]


def test_list__song_uploaded_before_songs_were_private__is_everybodys(api, bens, ana, media_root, tone):
    put_common(media_root, "old.mp3", tone)
    Song.objects.create(
        file_name="old.mp3", title="Old", sha256="0" * 64, size=len(tone), duration_s=12, uploaded_by=ana
    )
    assert titles(api) == titles(bens) == [("Old", False)]
    assert rename(api, "old.mp3", "New").status_code == 409
    assert generate(bens, "old.mp3").status_code == 202


def test_list__no_songs_folder__is_empty(api):
    assert api.get("/api/songs").json() == {"results": []}


def test_song_of_another_user__is_as_if_it_were_not_there(api, bens, media_root, tone):
    song = upload(bens, tone).json()["id"]
    missing = "00000000-0000-4000-8000-000000000000"
    assert titles(api) == []
    for ask in (
        lambda of: api.get(f"/api/songs/{of}"),
        lambda of: rename(api, of, "Mine now"),
        lambda of: rename(api, of, "\x00"),
        lambda of: api.delete(f"/api/songs/{of}"),
        lambda of: generate(api, of),
        lambda of: api.post("/create/", {"song_selection": of, "difficulty": "beginner"}),
        lambda of: api.post("/studio", {"song": of, "difficulty": "beginner"}),
        lambda of: api.get(f"/studio/songs/{of}"),
        lambda of: api.post(f"/studio/songs/{of}", {"title": "Mine now"}),
        lambda of: api.post(f"/studio/songs/{of}/delete"),
    ):
        hers, none = ask(song), ask(missing)
        assert hers.status_code in {400, 404}
        told = [answer.content.decode().replace(of, "ID") for answer, of in ((hers, song), (none, missing))]
        assert (hers.status_code, told[0]) == (none.status_code, told[1])
    assert titles(bens) == [("Mi Corazón", True)]
    assert not Job.objects.exists()
    # The owner may do each of them.
    assert (rename(bens, song, "x").status_code, generate(bens, song).status_code) == (200, 202)
    assert bens.delete(f"/api/songs/{song}").status_code == 204


@pytest.mark.parametrize("song", ["../own_songs/{0}", "own_songs/{0}", "/{0}", "{1}", "{1}.mp3", "user_1/{1}.mp3"])
@pytest.mark.thinned(to_one_in=3)
def test_song_of_another_user__by_the_name_of_its_file__is_not_there(api, bens, ben, tone, song):
    upload(bens, tone)
    stored = stored_as(ben, tone)
    answer = generate(api, song.format(stored.removeprefix("own_songs/"), Path(stored).stem))
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:compas:problem:song-missing")


def test_upload__same_content__is_the_users_song_that_is_there(api, media_root, tone):
    first = upload(api, tone, "one.mp3")
    again = upload(api, tone, "another name.mp3")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert len(files_in(media_root)) == 1


def test_upload__content_that_another_user_has__is_stored_once_and_looks_new(api, bens, ana, ben, media_root, tone):
    hers, mine = upload(bens, tone, "Her title.mp3"), upload(api, tone, "My title.mp3")
    assert (hers.status_code, mine.status_code) == (201, 201)
    assert hers.json()["id"] != mine.json()["id"]
    assert files_in(media_root) == {stored_as(ben, tone): tone}
    assert titles(api) == [("My title", True)]
    assert stored_bytes(ana) == stored_bytes(ben) == len(tone), "that it is shared shows nowhere"
    rename(api, mine.json()["id"], "Renamed")
    assert titles(bens) == [("Her title", True)]
    # The first one deletes hers: the other keeps the sound.
    assert bens.delete(f"/api/songs/{hers.json()['id']}").status_code == 204
    Recording.objects.update(touched_at=Now() - timedelta(days=1))
    recordings.remove_unused()
    assert (titles(bens), titles(api)) == ([], [("Renamed", True)])
    assert files_in(media_root) == {stored_as(ben, tone): tone}
    assert generate(api, mine.json()["id"]).status_code == 202


def test_upload__content_of_a_common_song__has_the_users_title_and_no_second_file(api, media_root, tone):
    put_common(media_root, "classic.mp3", tone)
    answer = upload(api, tone)
    assert (answer.status_code, titles(api)) == (201, [("Mi Corazón", True), ("classic", False)])
    assert list(files_in(media_root)) == ["songs/classic.mp3"]
    assert api.delete(answer["Location"]).status_code == 204
    Recording.objects.update(touched_at=Now() - timedelta(days=1))
    recordings.remove_unused()
    assert not Recording.objects.exists()
    assert list(files_in(media_root)) == ["songs/classic.mp3"], "everybody's song stays"


def test_upload__file_is_gone__is_filled_again(api, ana, media_root, tone):
    first = upload(api, tone, "one.mp3").json()
    (media_root / stored_as(ana, tone)).unlink()
    answer = upload(api, tone, "two.mp3")
    assert (answer.status_code, answer.json()) == (200, first)
    assert files_in(media_root) == {stored_as(ana, tone): tone}


def test_upload__same_name_other_content__is_another_song(api, ana, media_root, tone, other_tone):
    assert [upload(api, content, "song.mp3").status_code for content in (tone, other_tone)] == [201, 201]
    assert titles(api) == [("song", True)] * 2
    assert files_in(media_root) == {stored_as(ana, tone): tone, stored_as(ana, other_tone): other_tone}


def test_upload__never_lands_where_the_original_lists_songs(api, media_root, tone):
    upload(api, tone)
    assert not (media_root / "songs").exists()


def bad_files(folder: Path) -> list[tuple[str, bytes, str]]:
    """Name, content, and what the answer must say."""
    return [
        ("empty.mp3", b"", "empty"),
        ("text.mp3", b"la la la " * 500, "no sound file"),
        ("page.mp3", b"<!DOCTYPE html><script>alert(1)</script>" * 200, "no sound file"),
        ("list.m4a", b"#EXTM3U\nfile:///etc/passwd\n", "no sound file"),
        ("silence.mp3", write_sound(folder / "s.mp3", loudness=0).read_bytes(), "silent"),
        ("short.mp3", write_sound(folder / "k.mp3", seconds=1).read_bytes(), "lasts 1.0 s"),
        ("long.mp3", write_sound(folder / "l.mp3", seconds=60).read_bytes() * 46, "45 minutes"),
    ]


def test_upload__not_a_song__is_refused_with_the_reason_and_nothing_is_left(api, media_root, tmp_path):
    for name, content, reason in bad_files(tmp_path):
        answer = upload(api, content, name)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), name
        body = answer.json()
        assert body["type"] == "urn:compas:problem:not-a-song"
        assert reason in body["detail"]
        assert body["errors"] == {"file": [body["detail"]]}
        assert name in body["detail"]
    assert not files_in(media_root)
    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"<script>alert(1)</script>", b""), (b"", b"PK\x05\x06" + bytes(18))],
    ids=["page", "archive"],
)
def test_upload__song_that_is_something_else_too__is_kept_as_a_song(api, ana, media_root, tone, before, after):
    answer = upload(api, before + tone + after, "<img src=x>.html.mp3")
    assert (answer.status_code, answer.json()["title"]) == (201, "<img src=x>.html")
    assert list(files_in(media_root)) == [stored_as(ana, before + tone + after)]


def test_upload__of_two_files_at_once__is_refused_and_keeps_none(api, tone, other_tone):
    answer = api.post(
        "/api/songs", {"file": [SimpleUploadedFile("uno.mp3", tone), SimpleUploadedFile("dos.mp3", other_tone)]}
    )
    assert (answer.status_code, answer.json()["errors"]) == (400, {"file": ["Send one, not several."]})
    assert titles(api) == []


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


def test_rename__own_song__keeps_the_tidy_title(api, tone):
    song = upload(api, tone).json()["id"]
    answer = rename(api, song, unicodedata.normalize("NFD", "  Bésame-mucho / en vivo 💃 "))
    assert (answer.status_code, answer.json()["title"]) == (200, "Bésame-mucho / en vivo 💃")
    assert api.patch(f"/api/songs/{song}", {}, content_type="application/json").json() == answer.json()
    assert titles(api) == [("Bésame-mucho / en vivo 💃", True)]


@pytest.mark.parametrize("title", ["", "   ", "x" * 201, "two\nlines", "\u202eevil", "\u200b", "\x00", None, ["x"]])
@pytest.mark.thinned(to_one_in=4)
def test_rename__title_that_cannot_be_shown__is_refused_at_the_field(api, tone, title):
    song = upload(api, tone).json()["id"]
    answer = rename(api, song, title)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["title"])
    assert titles(api) == [("Mi Corazón", True)]


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_song_of_all__is_not_changed_here(api, media_root, tone, method):
    put_common(media_root, "classic.mp3", tone)
    answer = getattr(api, method)("/api/songs/classic.mp3", {"title": "x"}, content_type="application/json")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:compas:problem:song-of-all")
    assert files_in(media_root) == {"songs/classic.mp3": tone}
    gone = getattr(api, method)("/api/songs/gone.mp3", {"title": "x"}, content_type="application/json")
    assert (gone.status_code, gone.json()["type"]) == (404, "urn:compas:problem:song-missing")


def test_delete__own_song__is_gone_and_its_file_after_a_while(api, media_root, tone):
    song = upload(api, tone).json()["id"]
    assert api.delete(f"/api/songs/{song}").status_code == 204
    assert (titles(api), api.delete(f"/api/songs/{song}").status_code) == ([], 404)
    assert generate(api, song).status_code == 404
    recordings.remove_unused()
    assert len(files_in(media_root)) == 1, "another upload of it may be under way"
    Recording.objects.update(touched_at=Now() - timedelta(days=1))
    recordings.remove_unused()
    assert files_in(media_root) == {}
    assert not Recording.objects.exists()


def test_delete__job_that_waits__keeps_the_recording_until_it_has_ended(api, media_root, tone):
    song = upload(api, tone).json()["id"]
    generate(api, song)
    assert JobSong.objects.get().name == "Mi Corazón.mp3"
    assert api.delete(f"/api/songs/{song}").status_code == 204
    Recording.objects.update(touched_at=Now() - timedelta(days=1))
    recordings.remove_unused()
    assert len(files_in(media_root)) == 1
    Job.objects.update(outcome="cancelled")
    recordings.remove_unused()
    assert files_in(media_root) == {}
    assert (JobSong.objects.get().recording, JobSong.objects.get().name) == (None, "Mi Corazón.mp3")


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("Mi_Corazón-en vivo.MP3", "Mi Corazón en vivo"),
        (unicodedata.normalize("NFD", "Corazón.ogg"), "Corazón"),
        ("Mr. Brown", "Mr. Brown"),
        ("tab\tand\u202ebidi\x07.wav", "tab and bidi"),
        (".mp3", "Song"),
        ("   .mp3", "Song"),
        ("💃💃.mp3", "💃💃"),
        ("ñ" * 300 + ".opus", "ñ" * 200),
        ("\udcff.mp3", "Song"),
        ("\u200b.mp3", "Song"),
    ],
)
def test_title__any_file_name__becomes_a_title_that_can_be_shown(typed, title):
    assert title_of_upload(typed) == title


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("../../etc/passwd.mp3", "passwd.mp3"),
        ("a b & c!.MP3", "a_b__c.MP3"),
        ("...", "song"),
        ("💃💃.mp3", "mp3"),
        ("ñ" * 300 + ".mp3", "ñ" * 73 + ".mp3"),
    ],
)
def test_name__any_text__becomes_a_name_of_one_plain_file(typed, kept):
    assert draft_name(typed) == kept


@pytest.mark.parametrize(
    ("title", "name"),
    [("Mi Corazón", "Mi Corazón.mp3"), ("../a/b", "-a-b.mp3"), (".", "Song.mp3"), ("ñ" * 200, "ñ" * 100 + ".mp3")],
)
def test_name__any_title__becomes_a_name_of_one_plain_file(title, name):
    assert file_name_of(title, ending=".mp3") == name
