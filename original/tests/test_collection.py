"""The collection's pages and the videos they play."""

import uuid
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from choreography.models import SavedChoreography
from tests.conftest import logged_in, make_user, save_choreography
from users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def ana() -> User:
    return make_user("ana")


def titles(client: Client, query: str = "") -> list[str]:
    return [choreography.title for choreography in client.get(f"/collections/{query}").context["page"]]


def test_the_collection_shows_ones_own_newest_first(ana: User):
    save_choreography(ana, title="first")
    save_choreography(ana, title="second")
    save_choreography(make_user("bea"), title="hers")

    assert titles(logged_in(ana)) == ["second", "first"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?difficulty=advanced", ["Dip"]),
        ("?search=dIP", ["Dip"]),
        ("?search=obsesi%C3%B3n", ["Turn"]),
        ("?search=dip&difficulty=beginner", []),
        ("?search=100%25", []),
        ("?search=d%00ip", ["Dip"]),
        ("?search=%20", ["Turn", "Dip"]),
        ("?sort=oldest", ["Dip", "Turn"]),
        ("?sort=title", ["Dip", "Turn"]),
        ("?sort=duration", ["Dip", "Turn"]),
        ("?sort=password&difficulty=x&colour=red", ["Turn", "Dip"]),
    ],
)
def test_the_collection_can_be_filtered_and_sorted(ana: User, query: str, found: list[str]):
    save_choreography(ana, title="Dip", difficulty="advanced", duration=90)
    save_choreography(ana, title="Turn", music_info={"source": "Obsesión.mp3"})

    assert titles(logged_in(ana), query) == found


@pytest.mark.parametrize(("page", "number", "size"), [("1", 1, 20), ("2", 2, 1), ("99", 2, 1), ("x", 1, 20)])
def test_a_page_holds_twenty_and_the_last_one_stands_for_all_after_it(ana: User, page: str, number: int, size: int):
    for _ in range(21):
        save_choreography(ana)

    shown = logged_in(ana).get(f"/collections/?sort=title&page={page}")

    assert (shown.context["page"].number, len(shown.context["page"])) == (number, size)
    assert "?sort=title&amp;page=" in shown.content.decode()


def test_detail_plays_the_video_by_its_base_name(ana: User):
    saved = save_choreography(ana, video_path="output/user_1/la luna#1.mp4", music_info={"source": "la luna.mp3"})

    page = logged_in(ana).get(f"/collections/{saved.pk}/").content.decode()

    assert 'src="/video/la%20luna%231.mp4/"' in page
    assert "<dd>la luna</dd>" in page
    assert "<dd>1:01</dd>" in page


def test_detail__of_another_user_or_missing__404(ana: User):
    hers = save_choreography(make_user("bea"))

    assert logged_in(ana).get(f"/collections/{hers.pk}/").status_code == 404
    assert logged_in(ana).get(f"/collections/{uuid.uuid4()}/").status_code == 404


@pytest.mark.parametrize(
    ("untidy", "shown"),
    [
        ({"video_path": "/var/app/media/output/user_1/v.mp4"}, 'src="/video/v.mp4/"'),
        ({"video_path": "v.mp4"}, 'src="/video/v.mp4/"'),
        ({"video_path": ""}, "There is no video for this choreography."),
        ({"video_path": "/"}, "There is no video for this choreography."),
        ({"video_path": "output/.."}, 'src="/video/../"'),
        ({"music_info": []}, "<dt>Song</dt><dd>—</dd>"),
        ({"music_info": [{"source": "luna.mp3"}]}, "<dt>Song</dt><dd>—</dd>"),
        ({"music_info": None}, "<dt>Song</dt><dd>—</dd>"),
        ({"music_info": {"source": 7}}, "<dt>Song</dt><dd>—</dd>"),
        ({"duration": float("nan")}, "<dt>Length</dt><dd>—</dd>"),
        ({"duration": float("inf")}, "<dt>Length</dt><dd>—</dd>"),
        ({"duration": -1.5}, "<dt>Length</dt><dd>—</dd>"),
        ({"title": ""}, "<h1>Untitled</h1>"),
        ({"title": "<script>"}, "<h1>&lt;script&gt;</h1>"),
        ({"difficulty": "expert"}, "<dd>expert</dd>"),
        ({"generation_parameters": "text"}, "<h1>Friday</h1>"),
    ],
)
def test_untidy_rows_are_shown(ana: User, untidy: dict[str, object], shown: str):
    saved = save_choreography(ana, **untidy)
    client = logged_in(ana)

    for query in ("", "?search=luna", "?sort=duration", "?sort=title"):
        assert client.get(f"/collections/{query}").status_code == 200
    detail = client.get(f"/collections/{saved.pk}/")
    assert detail.status_code == 200
    assert shown in detail.content.decode()


def test_rows_that_only_the_database_allows_are_shown(ana: User):
    saved = save_choreography(ana)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE saved_choreographies SET thumbnail_path = NULL, music_info = 'null'::jsonb")

    assert logged_in(ana).get("/collections/").status_code == 200
    assert logged_in(ana).get(f"/collections/{saved.pk}/").status_code == 200
    assert SavedChoreography.objects.get().music == ""


@pytest.fixture
def video(media: Path, ana: User) -> bytes:
    folder = media / "output" / f"user_{ana.pk}"
    folder.mkdir(parents=True)
    (folder / "la luna.mp4").write_bytes(b"0123456789")
    (media / "secret.mp4").write_bytes(b"not for ana")
    return b"0123456789"


def test_video_comes_whole_from_ones_own_folder(ana: User, video: bytes):
    answer = logged_in(ana).get("/video/la luna.mp4/", headers={"range": "bytes=2-4"})

    assert (answer.status_code, answer["Content-Type"]) == (200, "video/mp4")
    assert b"".join(answer.streaming_content) == video


@pytest.mark.parametrize(
    "name", ["gone.mp4", "..", ".", "..%2F..%2Fsecret.mp4", "%2Fetc%2Fpasswd", "..%5Csecret.mp4", "a%00b"]
)
def test_video__a_name_that_is_no_file_of_the_folder__404(ana: User, video: bytes, name: str):
    assert logged_in(ana).get(f"/video/{name}/").status_code == 404


def test_video__of_another_user__404(video: bytes):
    assert logged_in(make_user("bea")).get("/video/la luna.mp4/").status_code == 404
