"""What lies beside a video: who may see it, how often it is sent, and that it goes with the video."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.generation.services import cancel_generation
from apps.media import directory, pictures
from apps.media.sidecars import PICTURE, SIDECARS, sidecar_name, video_beside
from apps.media.storage import media
from apps.sharing.links import secret_of
from apps.sharing.services import change_share
from bachateo.video import Timeline
from tests.conftest import make_user
from tests.generating import ENDINGS, output_files, place_song, start
from tests.sharing import VIDEO_BYTES, kept_with_video

KINDS = ("timeline", "captions", "chapters", "picture")
TYPES = {
    "timeline": "application/json",
    "captions": "text/vtt; charset=utf-8",
    "chapters": "text/vtt; charset=utf-8",
    "picture": "image/jpeg",
}
BESIDE = {sidecar.kind: sidecar for sidecar in SIDECARS}
JPEG = b"\xff\xd8\xff and the rest"


@pytest.fixture
def house(own_database, media_root, settings, moves_library, demo_song) -> User:
    settings.MOVES_LIBRARY = moves_library
    place_song(demo_song)
    return make_user("ana")


def put_beside(row: SavedChoreography) -> dict[str, Path]:
    """Write every sidecar of a choreography, as a job does; return where they are."""
    paths = {}
    for sidecar in SIDECARS:
        path = Path(media().path(sidecar_name(row.video_path.name, sidecar)))
        path.write_bytes(JPEG if sidecar.kind == "picture" else json.dumps({"kind": sidecar.kind}).encode())
        paths[sidecar.kind] = path
    return paths


def read(client: Client, address: str) -> HttpResponseBase:
    """Return the answer, read to its end, which closes the file."""
    answer = client.get(address)
    answer.getvalue()
    return answer


def test_sidecar_of_a_made_video__is_served_wherever_the_video_is(house):
    """One generation by the real engine; all that is said of what it left."""
    task = start(house)
    call_command("procrastinate", "worker", "--one-shot")
    saved = SavedChoreography.objects.get()
    api, other, anyone = Client(), Client(), Client()
    api.force_login(house)
    link = secret_of(change_share(user=house, choreography_id=saved.pk, visibility="unlisted"))
    change_share(user=house, choreography_id=saved.pk, visibility="public")
    mine = [f"/api/choreography/tasks/{task.pk}", f"/api/collections/{saved.pk}"]
    open_to_all = [f"/api/public/{saved.pk}", f"/api/shared/{link}"]
    folder = media().path(saved.video_path.name).removesuffix(".mp4")
    for client, base in [(api, mine[0]), (api, mine[1]), (anyone, open_to_all[0]), (anyone, open_to_all[1])]:
        for kind in KINDS:
            name = "thumbnail" if kind == "picture" and base in open_to_all else kind
            whole = client.get(f"{base}/{name}")
            content = whole.getvalue()
            assert (whole.status_code, whole["Content-Type"]) == (200, TYPES[kind]), (base, kind)
            assert content == Path(folder + BESIDE[kind].ending).read_bytes()
            assert (whole["X-Content-Type-Options"], whole["Content-Disposition"]) == ("nosniff", "inline")
            assert whole["Cache-Control"] == ("private, no-store" if "shared" in base else "private, no-cache")
            again = client.get(f"{base}/{name}", headers={"If-None-Match": whole["ETag"]})
            assert (again.status_code, again.getvalue(), again["ETag"]) == (304, b"", whole["ETag"]), (base, kind)
            assert client.head(f"{base}/{name}").status_code == 200
    for base in mine:
        assert {other.get(f"{base}/{kind}").status_code for kind in KINDS} == {401}
    timeline = Timeline.from_json(api.get(f"{mine[0]}/timeline").getvalue().decode())
    assert timeline.duration_s == pytest.approx(saved.duration)
    assert timeline.moves
    assert timeline.beats
    assert api.get(mine[1]).json()["picture"] == f"{mine[1]}/picture"
    assert f'<img src="{mine[1]}/picture"' in api.get("/collection").content.decode()
    assert api.get(f"{mine[1]}/picture").content.startswith(b"\xff\xd8\xff")
    still = api.get(f"/collection/{saved.pk}/still")
    assert (still["Content-Type"], still["Cache-Control"]) == ("image/webp", "private, no-cache")
    assert Image.open(io.BytesIO(still.content)).size == (320, 180)
    large = api.get(f"/collection/{saved.pk}/still?large")
    assert (Image.open(io.BytesIO(large.content)).size, large["ETag"] == still["ETag"]) == ((512, 288), False)
    assert len(still.content) < 0.7 * len(large.content)
    assert len(large.content) < 0.5 * len(api.get(f"{mine[1]}/picture").content)
    assert anyone.get(f"/public/{saved.pk}/still").content == still.content
    behind = anyone.get(f"/shared/{link}/still")
    assert (behind.content, behind["Cache-Control"]) == (still.content, "private, no-store")
    known = api.get(f"/collection/{saved.pk}/still", headers={"If-None-Match": still["ETag"]})
    assert (known.status_code, known.content, still["ETag"] != api.get(f"{mine[1]}/picture")["ETag"]) == (
        304,
        b"",
        True,
    )
    assert other.get(f"/collection/{saved.pk}/still")["Location"] == f"/login?next=/collection/{saved.pk}/still"
    assert api.delete(mine[1]).status_code == 204
    assert output_files() == []


@pytest.mark.parametrize("kind", ["BMP", "PNG", "cut"])
def test_light_picture_of_a_file_that_is_none__is_missing(api, ana, monkeypatch, kind):
    """Of a kind that is not sent, larger than any picture, and cut off."""
    row = kept_with_video(ana)
    made = io.BytesIO()
    Image.new("RGB", (64, 36)).save(made, "JPEG" if kind == "cut" else kind)
    data = made.getvalue()
    put_beside(row)["picture"].write_bytes(data[: len(data) // 2] if kind == "cut" else data)
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000 if kind == "PNG" else pictures.MOST_PIXELS)
    assert api.get(f"/collection/{row.pk}/still").status_code == 404
    monkeypatch.setattr(pictures, "MOST_PIXELS", 64 * 36)
    put_beside(row)["picture"].write_bytes(data)
    assert api.get(f"/collection/{row.pk}/still").status_code == (404 if kind == "BMP" else 200)


def test_kept_later__has_its_picture__and_a_cancelled_one_leaves_nothing(house):
    task = start(house, auto_save=False)
    call_command("procrastinate", "worker", "--one-shot")
    api = Client()
    api.force_login(house)
    kept = api.post("/api/collections", {"task_id": task.pk}, "application/json")
    assert kept.json()["picture"] == f"/api/collections/{kept.json()['id']}/picture"
    assert read(api, kept.json()["picture"]).status_code == 200
    assert api.delete(f"/api/collections/{kept.json()['id']}").status_code == 204
    assert output_files() == []


def test_video_without_sidecars__says_so_and_invents_nothing(api, ana, media_root):
    row = kept_with_video(ana, video="old_balanced_choreography.mp4")
    ChoreographyTask.objects.create(
        task_id="old", user=ana, status="completed", result={"video_path": row.video_path.name}
    )
    for base in (f"/api/collections/{row.pk}", "/api/choreography/tasks/old"):
        for kind in KINDS:
            answer = api.get(f"{base}/{kind}")
            assert (answer.status_code, answer.json()["type"]) == (404, f"urn:compas:problem:{kind}-missing"), kind
    assert api.get(f"/api/collections/{row.pk}").json()["picture"] is None
    page = api.get("/collection").content
    assert (page.count(b'class="drawn"'), page.count(b"<video"), page.count(b'loading="lazy"')) == (1, 0, 0)


def test_task_without_a_video__is_a_conflict(api, ana):
    ChoreographyTask.objects.create(task_id="t", user=ana, status="running")
    assert {api.get(f"/api/choreography/tasks/t/{kind}").status_code for kind in KINDS} == {409}


def test_sidecar_of_another_user__is_404_as_one_that_never_was(api, ben, ana, media_root):
    row = kept_with_video(ben)
    put_beside(row)
    stolen = kept_with_video(ana, video="mine.mp4")
    SavedChoreography.objects.filter(pk=stolen.pk).update(
        video_path=row.video_path.name, thumbnail_path=sidecar_name(row.video_path.name, PICTURE)
    )
    for pk in (row.pk, stolen.pk):
        assert {api.get(f"/api/collections/{pk}/{kind}").status_code for kind in KINDS} == {404}


def test_file_beside_an_upload__is_no_sidecar(api, ana, media_root):
    """Uploads have no folder for each user: what lies beside one may be another's."""
    row = kept_with_video(ana)
    upload = "choreographies/2024/05/t.mp4"
    for ending in ENDINGS:
        path = media_root / upload.replace(".mp4", ending)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(JPEG)
    SavedChoreography.objects.filter(pk=row.pk).update(video_path=upload)
    assert api.get(f"/api/collections/{row.pk}/video").getvalue() == JPEG
    assert {api.get(f"/api/collections/{row.pk}/{kind}").status_code for kind in KINDS} == {404}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": "{tag}"}, 304),
        ({"If-None-Match": "W/{tag}"}, 304),
        ({"If-None-Match": '"other", {tag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": "{tag}", "Range": "bytes=0-1"}, 304),
        ({"If-Modified-Since": "{time}"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": "{time}"}, 200),
        ({"If-None-Match": ""}, 200),
        ({"If-None-Match": "nonsense"}, 200),
        ({"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "nonsense"}, 200),
        ({"If-None-Match": '"other"', "Range": "bytes=0-1"}, 206),
    ],
)
def test_video_and_sidecar__that_the_client_has__are_not_sent_again(api, ana, media_root, headers, status):
    row = kept_with_video(ana)
    put_beside(row)
    for address in (f"/api/collections/{row.pk}/video", f"/api/collections/{row.pk}/timeline"):
        first = read(api, address)
        told = {name: text.format(tag=first["ETag"], time=first["Last-Modified"]) for name, text in headers.items()}
        for ask in (api.get, api.head):
            answer = ask(address, headers=told)
            content = answer.getvalue()
            assert answer.status_code == status, (address, ask)
            assert answer["ETag"] == first["ETag"]
            assert status != 304 or (content, answer.get("Content-Type")) == (b"", None)


def test_video_that_changed__is_sent_again(api, ana, media_root):
    row = kept_with_video(ana)
    address = f"/api/collections/{row.pk}/video"
    tag = read(api, address)["ETag"]
    Path(media().path(row.video_path.name)).write_bytes(VIDEO_BYTES[::-1])
    answer = api.get(address, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.getvalue()) == (200, VIDEO_BYTES[::-1])


def test_sidecars__stay_while_another_row_of_the_user_names_the_video(
    api, ana, media_root, django_capture_on_commit_callbacks
):
    first = kept_with_video(ana)
    paths = put_beside(first)
    facts = {"title": "", "difficulty": "beginner", "duration": 1}
    second = SavedChoreography.objects.create(user=ana, video_path=first.video_path.name, **facts)
    SavedChoreography.objects.filter(pk=first.pk).update(thumbnail_path=sidecar_name(first.video_path.name, PICTURE))
    for row, there in ((first, True), (second, False)):
        with django_capture_on_commit_callbacks(execute=True):
            assert api.delete(f"/api/collections/{row.pk}").status_code == 204
        assert {path.exists() for path in paths.values()} == {there}
        assert Path(media().path(first.video_path.name)).exists() is there


def test_what_the_original_left_when_it_deleted_a_video__is_swept(ana, media_root, capsys):
    """It deletes the video that a row names, and knows nothing beside it."""
    gone, kept = kept_with_video(ana, video="gone.mp4"), kept_with_video(ana, video="kept.mp4")
    left, stay = put_beside(gone), put_beside(kept)
    gone.delete()
    Path(media().path("output")).joinpath(f"user_{ana.pk}", "gone.mp4").unlink()
    call_command("sweep_files", "--min-age-hours", "0", "--apply")
    told = capsys.readouterr().out
    assert told.count("its video is gone") == len(SIDECARS)
    assert not any(path.exists() for path in left.values())
    assert all(path.exists() for path in stay.values())


def test_sidecars_of_a_living_job__are_not_swept(ana, media_root, capsys):
    (media_root / "songs").mkdir()
    (media_root / "songs" / "demo.mp3").write_bytes(b"")
    task = start(ana)
    path = media_root / f"output/user_{ana.pk}/{task.pk}.timeline.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    call_command("sweep_files", "--min-age-hours", "0", "--apply")
    assert path.exists()
    cancel_generation(user=ana, task_id=task.pk)
    call_command("sweep_files", "--min-age-hours", "0", "--apply")
    assert not path.exists()


@pytest.mark.parametrize("names", [1, 12])
def test_page_of_the_collection__asks_the_storage_once_for_each_video_and_never_for_pictures(
    api, ana, media_root, monkeypatch, names
):
    for number in range(names):
        row = kept_with_video(ana, video=f"{number}.mp4")
        put_beside(row)
        picture = sidecar_name(row.video_path.name, PICTURE)
        SavedChoreography.objects.filter(pk=row.pk).update(thumbnail_path=picture)
    asked, real = [], directory.DirectoryStorage.find
    monkeypatch.setattr(directory.DirectoryStorage, "find", lambda self, name: asked.append(name) or real(self, name))
    with CaptureQueriesContext(connection) as queries:
        page = api.get("/collection").content
    assert sorted(asked) == sorted(f"output/user_{ana.pk}/{number}.mp4" for number in range(names))
    assert (page.count(b'loading="lazy"'), page.count(b"<video")) == (names - 1, 0)
    assert page.count(b'fetchpriority="high"') == 1, "the first is seen at once, the others when they come near"
    assert len(queries) <= 15


def test_names__of_sidecars_and_videos__lead_to_each_other():
    for sidecar in SIDECARS:
        assert video_beside(sidecar_name("output/user_7/a.b.mp4", sidecar)) == "output/user_7/a.b.mp4"
    others = (
        "output/user_7/a.mp4",
        "choreographies/2024/05/a.jpg",
        "thumbnails/a.jpg",
        "songs/a.plan.json",
        "a.jpg",
        "",
    )
    assert [video_beside(name) for name in others] == [None] * len(others)
