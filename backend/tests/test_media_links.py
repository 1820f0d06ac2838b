"""Links to a video that play without a login: what they open, and all that ends them."""

import logging
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.media import links
from apps.media.models import FileOwner
from apps.media.storage import media
from config.refusals import WithoutLinks
from tests.sharing import VIDEO_BYTES, kept_with_video


@pytest.fixture
def kept(ana) -> SavedChoreography:
    row = kept_with_video(ana)
    ChoreographyTask.objects.create(
        task_id="t 1", user=ana, status="completed", result={"video_path": row.video_path.name}
    )
    return row


def link_to(api: Client, base: str) -> str:
    answer = api.post(f"{base}/video/link")
    assert answer.status_code == 201, answer.content
    return answer.json()["url"].removeprefix("http://testserver")


def status(link: str) -> int:
    """Ask without any cookie."""
    answer = Client().get(link)
    answer.getvalue()
    return answer.status_code


@pytest.fixture
def both(api, kept) -> list[str]:
    """A link to the video of the choreography, and one to the same video as the task's."""
    return [link_to(api, f"/api/collections/{kept.pk}"), link_to(api, "/api/choreography/tasks/t 1")]


def test_link__plays_without_a_login__whole_and_by_range_for_the_time_that_it_tells(api, kept, both):
    for link in both:
        whole = Client().get(link)
        assert (whole.status_code, whole.getvalue(), whole["Content-Type"]) == (200, VIDEO_BYTES, "video/mp4")
        assert (whole["Cache-Control"], whole["Referrer-Policy"]) == ("private, no-store", "no-referrer")
        part = Client().get(link, headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.getvalue(), part["Content-Range"]) == (206, VIDEO_BYTES[2:5], "bytes 2-4/10")
        assert Client().get(link, headers={"If-None-Match": whole["ETag"]}).status_code == 304
        assert Client().head(link).status_code == 200
    told = api.post(f"/api/collections/{kept.pk}/video/link").json()
    ends = links.MediaLink(int(re.search(r"expires=(\d+)", told["url"])[1]), "", "").expires_at
    assert told["expires_at"] == ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert abs(ends - links.database_now() - links.LIFE) < timedelta(minutes=1)


def test_link__whose_time_is_over__ends(both, monkeypatch):
    now = links.database_now()
    monkeypatch.setattr(links, "database_now", lambda: now + links.LIFE - timedelta(seconds=30))
    assert {status(link) for link in both} == {200}
    monkeypatch.setattr(links, "database_now", lambda: now + links.LIFE + timedelta(seconds=30))
    assert {status(link) for link in both} == {404}


def test_link__that_was_changed__is_refused_in_the_words_of_one_that_never_was(api, ana, kept, both):
    link, of_task = both
    other = kept_with_video(ana, video="other.mp4")
    signature = link.partition("signature=")[2]
    changed = [
        link.replace("expires=", "expires=9"),
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        link.partition("&")[0],
        link.partition("?")[0],
        link.replace("expires=", "expires=-"),
        f"{link.partition('?')[0]}?expires=99999999999999999999&file=a&signature={signature}",
        f"{link.partition('?')[0]}?expires=x&file=%00&signature=%00",
        link.replace("file=", "file=0"),
        link.replace(str(kept.pk), str(other.pk)),
        of_task.partition("?")[0] + "?" + link.partition("?")[2],
        link.replace(str(kept.pk), "00000000-0000-0000-0000-000000000000"),
        of_task.replace("t%201", "none"),
        of_task.replace("t%201", "%00"),
    ]
    FileOwner.objects.all().delete()
    answers = [Client().get(address) for address in changed]
    assert not FileOwner.objects.exists(), "without a valid link nothing is looked for, and nothing recorded"
    assert {answer.status_code for answer in answers} == {404}, [answer.status_code for answer in answers]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].json()["type"] == "urn:compas:problem:link-ended"
    assert {status(link) for link in both} == {200}


def rename(kept: SavedChoreography) -> None:
    path = Path(media().path(kept.video_path.name))
    path.rename(path.with_name("m.mp4"))
    SavedChoreography.objects.update(video_path=kept.video_path.name.replace("n.mp4", "m.mp4"))
    ChoreographyTask.objects.update(result={"video_path": kept.video_path.name.replace("n.mp4", "m.mp4")})


def delete(kept: SavedChoreography) -> None:
    SavedChoreography.objects.all().delete()
    ChoreographyTask.objects.all().delete()


def give_away(kept: SavedChoreography) -> None:
    other = User.objects.create(username="new owner")
    SavedChoreography.objects.update(user=other)
    ChoreographyTask.objects.update(user=other)


def change_password(kept: SavedChoreography) -> None:
    kept.user.set_password("another one")
    kept.user.save(update_fields=["password"])


ENDS = {
    "deleted": delete,
    "file gone": lambda kept: Path(media().path(kept.video_path.name)).unlink(),
    "file changed": lambda kept: Path(media().path(kept.video_path.name)).write_bytes(b"other bytes"),
    "another file": rename,
    "owner switched off": lambda kept: User.objects.filter(pk=kept.user_id).update(is_active=False),
    "owner deleted": lambda kept: kept.user.delete(),
    "password changed": change_password,
    "given away": give_away,
}


@pytest.mark.parametrize("why", ENDS)
def test_link__ends_at_once(both, kept, why):
    assert {status(link) for link in both} == {200}
    ENDS[why](kept)
    assert {status(link) for link in both} == {404}


def test_link__is_made_by_the_owner_alone(api, ben, kept):
    thief, anyone = Client(), Client()
    thief.force_login(ben)
    for base in (f"/api/collections/{kept.pk}", "/api/choreography/tasks/t 1"):
        assert (thief.post(f"{base}/video/link").status_code, anyone.post(f"{base}/video/link").status_code) == (
            404,
            401,
        )
    ChoreographyTask.objects.update(status="running")
    assert api.post("/api/choreography/tasks/t 1/video/link").status_code == 409


@pytest.mark.parametrize(
    "args",
    [
        ("GET /x?expires=1&signature=secret HTTP/1.1",),
        {"r": "GET /x?expires=1&signature=secret HTTP/1.1", "q": "signature=secret", "s": "200"},
        {"f": "https://here/x?signature=secret&expires=1", "b": 3},
    ],
)
def test_logs__do_not_hold_the_signature(args):
    record = logging.LogRecord(
        "gunicorn.access", logging.INFO, "", 0, "%s" if isinstance(args, tuple) else "", args, None
    )
    record.args = args
    assert WithoutLinks().filter(record)
    assert "secret" not in str(record.args)
    assert "signature=…" in str(record.args)
