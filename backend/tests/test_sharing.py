"""Private, by a link, public: who sees what, and what is shown of the owner."""

import json
import logging

import psycopg
import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.sharing import counting
from apps.sharing.links import secret_of
from apps.sharing.models import Share
from apps.sharing.selectors import PUBLIC_SORTS
from apps.sharing.services import change_share, renew_link, revoke_link
from apps.tokens.services import issue_token
from config.refusals import WithoutLinks
from tests.conftest import make_user
from tests.sharing import PICTURE_BYTES, VIDEO_BYTES, kept_with_video, put_picture, shared

# What may be seen of Ana is her display name.
HERS = {"username": "ana-maria", "email": "canela@example.com", "display_name": "Ana María"}


@pytest.fixture
def ana(db) -> User:
    return User.objects.create_user(**HERS, password="secreto")


def link_to(share: Share) -> str:
    return str(secret_of(share))


def below(share: Share) -> list[str]:
    """Return every address that the link opens."""
    link = link_to(share)
    return [f"/shared/{link}", *(f"/api/shared/{link}{part}" for part in ("", "/video", "/thumbnail"))]


def with_picture(user: User, visibility: str = "unlisted", **columns: object) -> Share:
    return shared(user, visibility, thumbnail_path=put_picture(user), **columns)


def statuses(addresses: list[str], **headers: str) -> set[int]:
    found = set()
    for address in addresses:
        answer = Client(headers=headers).get(address)
        answer.getvalue()  # to its end, or the file of a video stays open
        found.add(answer.status_code)
    return found


def test_share__without_a_decision__is_private(api, ana):
    kept = kept_with_video(ana)
    answer = api.get(f"/api/collections/{kept.pk}/share").json()
    assert answer == {"visibility": "private", "link": None, "shows_name": True, "public_since": None, "likes": 0}
    assert not Share.objects.exists()
    assert Client().get(f"/api/public/{kept.pk}").status_code == 404
    assert Client().get("/api/public").json()["results"] == []


def test_link__shows_the_choreography_without_an_account(ana):
    share = with_picture(ana, title="Sol")
    page, answer, video, picture = (Client().get(address) for address in below(share))
    assert answer.json() == {
        "title": "Sol",
        "by": "Ana María",
        "difficulty": "beginner",
        "duration": 30.0,
        "song": "",
        "video": f"/api/shared/{link_to(share)}/video",
        "thumbnail": f"/api/shared/{link_to(share)}/thumbnail",
    }
    assert f'src="{answer.json()["video"]}"' in page.content.decode()
    assert video.getvalue() == VIDEO_BYTES
    assert (picture.content, picture["Content-Type"]) == (PICTURE_BYTES, "image/png")


def test_link__tells_no_other_page_and_no_cache_and_no_search_engine(ana):
    share = with_picture(ana)
    dead = [address.replace(link_to(share), "dead") for address in below(share)]
    for address in below(share) + dead:
        answer = Client().get(address)
        answer.getvalue()
        headers = answer.headers
        assert headers["Referrer-Policy"] == "no-referrer", address
        assert headers["X-Robots-Tag"] == "noindex, nofollow, noarchive", address
        assert headers["Cache-Control"] == "private, no-store", address


def test_link__shows_nothing_of_the_owner_but_the_name(ana):
    parameters = {"audio_input": "/home/canela/x.mp3", "task_id": "task-of-ana"}
    share = with_picture(ana, generation_parameters=parameters, music_info={"source": "/canela/sol.mp3", "x": "canela"})
    hidden = ["canela", "ana-maria", "task-of-ana", f"user_{ana.pk}", str(share.pk), "csrf"]
    for address in below(share)[:2]:
        answer = Client().get(address)
        text = answer.content.decode() + str(answer.headers)
        assert "Ana María" in text
        assert [word for word in hidden if word in text] == []
        assert not answer.cookies


def test_link__is_the_same_page_for_every_visitor(api, ana):
    address = below(shared(ana, "unlisted"))[0]
    assert api.get(address).content == Client().get(address).content


@pytest.mark.parametrize("ending", ["revoke", "private", "renew", "inactive", "deleted", "key"])
def test_link__that_has_ended__is_404_at_once(ana, settings, ending):
    share = with_picture(ana)
    addresses = below(share)
    assert statuses(addresses) == {200}
    whose = {"user": ana, "choreography_id": share.pk}
    if ending == "revoke":
        assert revoke_link(**whose).visibility == "private"
    elif ending == "private":
        change_share(**whose, visibility="private")
    elif ending == "renew":
        assert statuses(below(renew_link(**whose))) == {200}
    elif ending == "inactive":
        User.objects.update(is_active=False)
    elif ending == "deleted":
        SavedChoreography.objects.all().delete()
    else:
        settings.SECRET_KEY = "another"
        share.refresh_from_db()
        assert secret_of(share) is None, "a link that opens nothing is not shown"
    assert statuses(addresses) == {404}
    assert statuses(addresses, Range="bytes=0-3") == {404}


def test_link__dead_and_unknown__look_alike(ana):
    share = with_picture(ana)
    addresses, link = below(share), link_to(share)
    revoke_link(user=ana, choreography_id=share.pk)
    for address in addresses:
        seen = []
        for tried in (address, address.replace(link, "x" * len(link)), address.replace(link, "é")):
            with CaptureQueriesContext(connection) as queries:
                answer = Client().get(tried)
            seen.append((answer.status_code, answer.content, len(queries)))
        assert seen[0][0] == 404
        assert seen[0] == seen[1] == seen[2]


def test_link__is_in_no_column(ana):
    share = shared(ana, "unlisted")
    stored = json.dumps(Share.objects.values().get(), default=str)
    assert len(link_to(share)) == 43
    assert link_to(share) not in stored


def test_link__two_of_one_row__have_nothing_in_common(ana):
    share = shared(ana, "unlisted")
    first = link_to(share)
    again = link_to(renew_link(user=ana, choreography_id=share.pk))
    assert sum(a == b for a, b in zip(first, again, strict=True)) < 12


def test_link__in_the_log__is_cut(ana, caplog):
    link = link_to(shared(ana, "unlisted"))
    Client().post(f"/shared/{link}")
    for address in (f"/shared/{link}/", f"/x/shared/{link}", f"/API/Shared/{link}", f"/api/shared/{link}/x"):
        Client().get(address)
    record = logging.LogRecord("django.request", logging.ERROR, "", 1, "%s: %s", ("Error", f"/shared/{link}"), None)
    assert WithoutLinks().filter(record)
    assert record.getMessage() == "Error: /shared/…"
    lines = [each.getMessage() for each in caplog.records if each.name == "config.refusals"]
    assert len(lines) == 4
    assert {json.loads(line)["path"].lower() for line in lines} == {"/shared/…", "/x/shared/…", "/api/shared/…"}
    assert link not in caplog.text


def test_public__is_listed_and_has_a_page_and_a_video(ana):
    share = with_picture(ana, "public", title="Sol", music_info={"source": "/x/mi_cielo.mp3"})
    (row,) = Client().get("/api/public").json()["results"]
    assert row == Client().get(f"/api/public/{share.pk}").json()
    assert row == {
        "id": str(share.pk),
        "title": "Sol",
        "by": "Ana María",
        "difficulty": "beginner",
        "duration": 30.0,
        "song": "mi cielo",
        "public_since": share.public_since.isoformat().replace("+00:00", "Z"),
        "likes": 0,
        "video": f"/api/public/{share.pk}/video",
        "thumbnail": f"/api/public/{share.pk}/thumbnail",
    }
    assert Client().get(row["video"]).getvalue() == VIDEO_BYTES
    assert Client().get(row["thumbnail"]).content == PICTURE_BYTES


def test_public__that_is_private_again__is_gone_everywhere(ana):
    share = with_picture(ana, "public")
    addresses = [f"/public/{share.pk}", *(f"/api/public/{share.pk}{part}" for part in ("", "/video", "/thumbnail"))]
    assert statuses(addresses) == {200}
    change_share(user=ana, choreography_id=share.pk, visibility="private")
    assert statuses(addresses) == {404}
    assert Client().get("/api/public").json()["results"] == []
    assert "Noche" not in Client().get("/public").content.decode()


def test_public__keeps_a_link_that_was_given_away(api, ana):
    share = shared(ana, "unlisted")
    change_share(user=ana, choreography_id=share.pk, visibility="public")
    assert statuses(below(share)[:3]) == {200}
    change_share(user=ana, choreography_id=share.pk, visibility="unlisted")
    assert statuses(below(share)[:3]) == {200}
    assert Client().get(f"/api/public/{share.pk}").status_code == 404


def test_public__order__is_newest_or_most_liked(api, ana):
    shares = [shared(ana, video=f"{number}.mp4") for number in range(3)]
    api.put(f"/api/public/{shares[1].pk}/like")
    counting.sweep()
    ids = {
        sort: [row["id"] for row in Client().get(f"/api/public?sort={sort}").json()["results"]] for sort in PUBLIC_SORTS
    }
    assert ids["newest"] == [str(share.pk) for share in reversed(shares)]
    assert ids["most_liked"][0] == str(shares[1].pk)
    assert Client().get("/api/public?sort=longest").status_code == 400


def test_public__page_after_page__has_every_row_once(ana):
    expected = {str(shared(ana, video=f"{number}.mp4").pk) for number in range(5)}
    for sort in PUBLIC_SORTS:
        address, seen = f"/api/public?sort={sort}&page_size=2", []
        while address:
            page = Client().get(address).json()
            seen += [row["id"] for row in page["results"]]
            address = page["next"]
        assert (len(seen), set(seen)) == (5, expected)


MANY = """
    INSERT INTO users (username, email, password, display_name, first_name, last_name, date_joined, is_active, is_staff,
        is_superuser, is_instructor, preferences)
    SELECT n, '', '', '', '', '', now(), true, false, false, false, '{}' FROM generate_series(1, 300) n;
    INSERT INTO saved_choreographies (id, title, video_path, difficulty, duration, created_at, user_id)
    SELECT gen_random_uuid(), 't', '', 'beginner', 1, now(), users.id FROM users, generate_series(1, 10);
    INSERT INTO shares (choreography_id, user_id, public_since, likes)
    SELECT id, user_id, now() - random() * interval '1 day', (random() * 3)::int FROM saved_choreographies;
"""


@pytest.mark.full
def test_public__the_last_page__reads_no_more_rows_than_the_first(own_database):
    with connection.cursor() as cursor:
        cursor.execute(MANY)
    with psycopg.connect(own_database.url("owner"), autocommit=True) as owner:
        owner.execute("ANALYZE saved_choreographies, users")
    with psycopg.connect(own_database.url("backend_app"), autocommit=True) as owner:
        owner.execute("ANALYZE backend.shares")
    for sort in PUBLIC_SORTS:
        address, read = f"/api/public?sort={sort}&page_size=100", []
        while address:
            with CaptureQueriesContext(connection) as queries:
                address = Client().get(address).json()["next"]
            read.append(rows_read(queries[-1]["sql"]))
        assert len(read) == 30
        # Near the end PostgreSQL may prefer to sort the few that are left.
        assert max(read) <= 500, read


def rows_read(query: str) -> int:
    """Return how many rows of the table ``shares`` are read."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")
        plans, read = [cursor.fetchone()[0][0]["Plan"]], 0
    while plans:
        plan = plans.pop()
        if plan.get("Relation Name") == "shares":
            read += int((plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"])
        plans += plan.get("Plans", [])
    return read


@pytest.mark.parametrize("visibility", ["public", "unlisted"])
def test_file__of_another_user__is_shown_to_no_visitor(ana, ben, visibility):
    """The original saves rows with any path; a row that names a file is no right to it."""
    his = kept_with_video(ben, video="his.mp4")
    stolen = {"video_path": his.video_path.name, "thumbnail_path": put_picture(ben)}
    share = shared(ana, visibility, **stolen)
    base = f"/api/public/{share.pk}" if visibility == "public" else f"/api/shared/{link_to(share)}"
    assert statuses([f"{base}/video", f"{base}/thumbnail"]) == {404}
    page = Client().get(base.removeprefix("/api")).content.decode()
    assert "The video is not there any more" in page


@pytest.mark.parametrize("content", [b"<svg onload='alert(1)'/>", b"", b"GIF", b"\x89PNG\r\n\x1a\n" + b"x" * 8_388_608])
def test_picture__that_is_none_or_too_large__is_not_sent(ana, content):
    share = with_picture(ana, "public")
    put_picture(ana, content)
    assert Client().get(f"/api/public/{share.pk}/thumbnail").status_code == 404


def test_name__is_left_out_if_the_owner_says_so(api, ana):
    share = shared(ana)
    whose = {"content_type": "application/json"}
    assert api.patch(f"/api/collections/{share.pk}/share", {"shows_name": False}, **whose).json()["shows_name"] is False
    assert Client().get(f"/api/public/{share.pk}").json()["by"] == ""
    assert "Ana María" not in Client().get(f"/public/{share.pk}").content.decode()
    assert api.get(f"/api/collections/{share.pk}/share").json()["visibility"] == "public", "what is not given stays"


def test_name__that_is_empty__is_not_replaced_by_the_username(ana):
    User.objects.update(display_name="")
    share = shared(ana)
    assert Client().get(f"/api/public/{share.pk}").json()["by"] == ""
    assert "ana-maria" not in Client().get(f"/public/{share.pk}").content.decode()


def test_choreography__given_to_another_user__is_private_again(ana, ben):
    share = shared(ana)
    link = renew_link(user=ana, choreography_id=share.pk)
    SavedChoreography.objects.update(user=ben)
    addresses = [f"/public/{share.pk}", f"/api/public/{share.pk}", *below(link)[:3]]
    assert statuses(addresses) == {404}
    his = Client()
    his.force_login(ben)
    assert his.get(f"/api/collections/{share.pk}/share").json()["visibility"] == "private"
    assert change_share(user=ben, choreography_id=share.pk, shows_name=False).visibility == "private"
    assert statuses(addresses) == {404}
    assert change_share(user=ben, choreography_id=share.pk, visibility="unlisted").visibility == "unlisted"
    assert statuses(below(link)[:3]) == {404}, "the link of the user before stays dead"


def test_share__of_another_user__is_404_and_nothing_is_written(api, ana, ben):
    kept = kept_with_video(ben)
    for method, part in (("get", ""), ("patch", ""), ("post", "/link"), ("delete", "/link")):
        answer = getattr(api, method)(f"/api/collections/{kept.pk}/share{part}", content_type="application/json")
        assert answer.status_code == 404
    assert not Share.objects.exists()


def test_share__what_is_wrong__is_named(api, ana):
    kept = kept_with_video(ana)
    address = f"/api/collections/{kept.pk}/share"
    answer = api.patch(address, {"visibility": "friends"}, content_type="application/json")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["visibility"])
    assert api.post(f"/collection/{kept.pk}/share", {"visibility": "friends"}).status_code == 400
    assert not Share.objects.exists()


def test_share__through_the_api__from_private_to_link_to_public_and_back(api, ana):
    kept = kept_with_video(ana)
    address = f"/api/collections/{kept.pk}/share"

    def change(**body: object) -> dict:
        return api.patch(address, body, content_type="application/json").json()

    assert change()["visibility"] == "private"
    link = change(visibility="unlisted")["link"]
    assert link.startswith("http://testserver/shared/")
    assert change(visibility="unlisted")["link"] == link, "the link that was given away stays"
    assert change(visibility="public")["link"] == link
    made = api.post(f"{address}/link")
    assert (made.status_code, made.json()["link"] == link) == (201, False)
    assert api.delete(f"{address}/link").status_code == 204
    assert change()["visibility"] == "public"
    assert change(visibility="private")["public_since"] is None
    assert api.post(f"{address}/link").json()["visibility"] == "unlisted"


def test_foreign_keys__cascade_in_the_database(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f'"
            " AND conrelid = ANY (ARRAY['shares', 'likes', 'favourites']::regclass[])"
        )
        found = cursor.fetchall()
    cascade = "ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
    keys = [
        f"FOREIGN KEY (choreography_id) REFERENCES saved_choreographies(id) {cascade}",
        f"FOREIGN KEY (user_id) REFERENCES users(id) {cascade}",
    ]
    assert sorted(found) == [(table, key) for table in ("favourites", "likes", "shares") for key in keys]


def test_staff__with_every_right__sees_no_link_and_no_private_row(ana):
    kept = kept_with_video(ana)
    staff = make_user("staff", is_staff=True)
    staff.user_permissions.set(Permission.objects.all())
    browser = Client()
    browser.force_login(staff)
    assert browser.get(f"/api/collections/{kept.pk}/share").status_code == 404
    assert browser.get(f"/api/public/{kept.pk}").status_code == 404


@pytest.mark.parametrize(("scope", "status"), [("choreographies:write", 403), ("read", 403), ("sharing:write", 200)])
def test_token__makes_nothing_public_without_the_scope_for_it(ana, scope, status):
    kept = kept_with_video(ana)
    _, secret = issue_token(user=ana, name="x", scopes=[scope])
    program = Client(headers={"Authorization": f"Bearer {secret}"})
    address = f"/api/collections/{kept.pk}/share"
    answer = program.patch(address, {"visibility": "public"}, content_type="application/json")
    assert answer.status_code == status
    assert Share.objects.exists() is (status == 200)
