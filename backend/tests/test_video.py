"""Videos over HTTP: ranges as RFC 9110 has them, and no way out of the media root."""

from pathlib import Path

import pytest
from django.test import Client

from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.media.disposition import disposition_of

CONTENT = bytes(range(256)) * 4000  # more than one chunk


@pytest.fixture
def video(ana, media_root) -> str:
    """The address of a finished video."""
    return address(ana, put_video(media_root, stored_by(ana)))


def stored_by(user) -> str:
    return f"output/user_{user.pk}/t.mp4"


def put_video(media_root: Path, stored: str) -> str:
    path = media_root / stored
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT)
    return stored


def address(user, stored: str) -> str:
    saved = SavedChoreography.objects.create(user=user, title="t", video_path=stored, difficulty="beginner", duration=1)
    return f"/api/collections/{saved.pk}/video"


def get(client: Client, url: str, **headers: str):
    answer = client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    # Read to its end, as clients do: that closes the file.
    answer.body = answer.getvalue()
    return answer


def test_whole__has_all_a_player_needs(api, video):
    answer = get(api, video)
    assert answer.status_code == 200
    assert answer.body == CONTENT
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Content-Length"] == str(len(CONTENT))
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["ETag"].startswith('"')
    assert answer["Last-Modified"].endswith("GMT")
    assert "Content-Range" not in answer


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=500-", 500, len(CONTENT)),
        ("bytes=-100", len(CONTENT) - 100, len(CONTENT)),
        ("bytes=999999-99999999", 999999, len(CONTENT)),
        ("bytes=100-400000", 100, 400001),
    ],
)
def test_range__answers_206_with_exactly_these_bytes(api, video, asked, start, stop):
    answer = get(api, video, Range=asked)
    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {start}-{stop - 1}/{len(CONTENT)}"
    assert answer["Content-Length"] == str(stop - start)
    assert answer.body == CONTENT[start:stop]


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-", f"bytes=-{10**9}", "bytes=9-3", "bytes=a-b", "bytes=0-1,5-6", "lines=1-2", "nonsense", "bytes=-0", ""],
)
def test_range__all_of_it_several_or_nonsense__answers_200_whole(api, video, asked):
    answer = get(api, video, Range=asked)
    assert (answer.status_code, answer.body) == (200, CONTENT)


@pytest.mark.parametrize("asked", [f"bytes={len(CONTENT)}-", "bytes=5000000-6000000"])
def test_range__beyond_the_end__answers_416_with_the_size(api, video, asked):
    answer = get(api, video, Range=asked)
    assert (answer.status_code, answer["Content-Type"]) == (416, "application/problem+json")
    assert answer["Content-Range"] == f"bytes */{len(CONTENT)}"
    assert answer.json()["detail"] == f"The file has {len(CONTENT)} bytes; the range lies outside."


def test_if_range__same_file__answers_the_range(api, video):
    whole = get(api, video)
    for validator in (whole["ETag"], whole["Last-Modified"]):
        assert get(api, video, Range="bytes=1-2", If_Range=validator).status_code == 206


@pytest.mark.parametrize("validator", ['"other"', "Mon, 01 Jan 2001 00:00:00 GMT", "nonsense"])
def test_if_range__changed_file__answers_the_whole(api, video, validator):
    answer = get(api, video, Range="bytes=1-2", If_Range=validator)
    assert (answer.status_code, answer.body) == (200, CONTENT)


def test_head__tells_the_same_without_the_body(api, video):
    whole, head = get(api, video), api.head(video)
    assert head.status_code == 200
    assert head.content == b""
    of_this_request = {"X-Request-ID": ""}
    assert dict(head.headers) | of_this_request == dict(whole.headers) | of_this_request
    part = api.head(video, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part["Content-Length"], part.content) == (206, "10", b"")


def test_player_that_accepts_only_video__is_served(api, video):
    assert get(api, video, Accept="video/mp4").status_code == 200


def test_empty_file__is_served_whole_and_has_no_range(api, ana, media_root):
    stored = put_video(media_root, stored_by(ana))
    (media_root / stored).write_bytes(b"")
    url = address(ana, stored)
    assert get(api, url).body == b""
    assert get(api, url, Range="bytes=0-0").status_code == 416


def test_absolute_path_below_the_media_root__is_served(api, ana, video, media_root):
    url = address(ana, str(media_root / stored_by(ana)))
    assert get(api, url).body == CONTENT


def test_video_of_a_task_of_the_original__is_served(api, ana, video):
    ChoreographyTask.objects.create(task_id="old", user=ana, status="completed", result={"video_path": stored_by(ana)})
    answer = get(api, "/api/choreography/tasks/old/video", Range="bytes=3-5")
    assert (answer.status_code, answer.body) == (206, CONTENT[3:6])


def outside(media_root: Path) -> list[str]:
    secret = media_root.parent / "secret.mp4"
    secret.write_bytes(b"secret")
    (media_root / "link.mp4").symlink_to(secret)
    (media_root / "loop.mp4").symlink_to(media_root / "loop.mp4")
    (media_root / "folder.mp4").mkdir()
    (media_root.parent / "media-too").mkdir()
    (media_root.parent / "media-too" / "x.mp4").write_bytes(b"secret")
    return [
        "../secret.mp4",
        str(secret),
        "output/../../secret.mp4",
        "../media-too/x.mp4",
        "link.mp4",
        "loop.mp4",
        "folder.mp4",
        "/etc/passwd",
        "",
        ".",
        "gone.mp4",
        "x" * 400 + ".mp4",
    ]


def test_file_outside_the_media_root_or_gone__is_404(api, ana, media_root):
    for stored in outside(media_root):
        answer = get(api, address(ana, stored))
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:compas:problem:file-missing"), stored
        assert answer.json()["detail"] == "The video file is not there any more."


def test_file_of_another_user__is_404_whoever_names_it(api, ana, ben, media_root):
    """The original stores whatever path a client sends."""
    for stored in (put_video(media_root, stored_by(ben)), put_video(media_root, "songs/t.mp4")):
        for named in (stored, str(media_root / stored), f"output/user_{ana.pk}/../../{stored}"):
            assert get(api, address(ana, named)).status_code == 404, named


def test_path_of_a_machine_that_is_gone__means_the_file_of_that_name_in_the_users_folder(api, ana, video):
    for stored in ("/srv/old/media/output/user_9/t.mp4", "t.mp4", "somewhere/else/t.mp4"):
        assert get(api, address(ana, stored)).body == CONTENT


def test_file_put_into_choreographies_by_the_admin__is_served(api, ana, media_root):
    assert get(api, address(ana, put_video(media_root, "choreographies/2024/05/t.mp4"))).body == CONTENT


POLYGLOTS = {
    "page": b"<!DOCTYPE html><script>alert(document.cookie)</script>",
    "picture": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "script": b"alert(1)//",
    "archive": b"PK\x03\x04",
}


@pytest.mark.parametrize("kind", POLYGLOTS)
def test_file_that_is_something_else__is_a_video_for_the_browser(api, ana, media_root, kind):
    stored = put_video(media_root, f"output/user_{ana.pk}/{kind}.html")
    (media_root / stored).write_bytes(POLYGLOTS[kind])
    answer = get(api, address(ana, stored))
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("video/mp4", "nosniff")
    assert answer["Content-Disposition"] == 'inline; filename="t.mp4"'


@pytest.mark.parametrize(
    ("asked", "status"), [({}, 200), ({"range": "bytes=0-9"}, 206), ({"range": f"bytes={len(CONTENT)}-"}, 416)]
)
@pytest.mark.parametrize("front", ["", "/protected-media/"])
def test_every_answer__is_not_sniffed_and_named(api, video, settings, asked, status, front):
    settings.X_ACCEL_MEDIA = front
    for answer in (get(api, video, **asked), api.head(video, headers=asked)):
        assert front or answer.status_code == status
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert status == 416 or answer["Content-Disposition"] == 'inline; filename="t.mp4"'


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Noche", 'filename="Noche.mp4"'),
        ('a"b\\c/d;e%f', 'filename="a_b_c_d_e_f.mp4"'),
        ("x\r\nSet-Cookie: a=b", 'filename="x__Set-Cookie_ a=b.mp4"'),
        ("Mi Corazón", "filename*=utf-8''Mi%20Coraz%C3%B3n.mp4"),
        ("a\u202e3pm.exe", 'filename="a_3pm.exe.mp4"'),
        ("../../.profile", 'filename="profile.mp4"'),
        ("a\ud800b\x00c", 'filename="a_b_c.mp4"'),
        ("💃" * 200, f"filename*=utf-8''{'%F0%9F%92%83' * 100}.mp4"),
        (" . ", 'filename="choreography.mp4"'),
    ],
)
def test_name__any_title__is_one_plain_file(title, name):
    assert disposition_of(title) == f"inline; {name}"
