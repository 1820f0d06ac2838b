"""Favourites: a user's own list, which follows what others make private and what is deleted."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.sharing.favourites import add_favourite
from apps.sharing.models import Favourite
from apps.sharing.services import change_share
from config.errors import NotFoundError
from tests.conftest import make_user, wait_until_sessions_wait
from tests.sharing import kept_with_video, shared


def listed(client: Client) -> list[str]:
    return [row["id"] for row in client.get("/api/favourites").json()["results"]]


def mark(client: Client, key: uuid.UUID) -> int:
    return client.put(f"/api/favourites/{key}").status_code


def test_favourites__are_ones_own_and_public_ones_newest_first(api, ana, ben):
    mine, his = kept_with_video(ana), shared(ben)
    assert [mark(api, key) for key in (mine.pk, his.pk, mine.pk)] == [204, 204, 204]
    assert listed(api) == [str(his.pk), str(mine.pk)]
    rows = api.get("/api/favourites").json()["results"]
    assert [(row["title"], row["is_yours"]) for row in rows] == [("Noche", False), ("Noche", True)]
    assert api.delete(f"/api/favourites/{his.pk}").status_code == 204
    assert listed(api) == [str(mine.pk)]


def test_favourites__of_another_user__are_not_seen(api, ana, ben):
    his = Client()
    his.force_login(ben)
    mark(his, shared(ana).pk)
    assert (len(listed(his)), listed(api)) == (1, [])


@pytest.mark.parametrize("visibility", ["private", "unlisted"])
def test_favourite__of_what_another_user_keeps_to_himself__is_the_same_404_as_none(api, ben, visibility):
    his = shared(ben, visibility)
    answers = [api.put(f"/api/favourites/{key}") for key in (his.pk, uuid.uuid4())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json() == answers[1].json()
    assert not Favourite.objects.exists()


@pytest.mark.parametrize("visibility", ["private", "unlisted"])
def test_favourite__of_what_becomes_private__is_gone_for_good_but_for_its_owner(api, ana, ben, visibility):
    his, owner = shared(ben), Client()
    owner.force_login(ben)
    mark(api, his.pk)
    mark(owner, his.pk)
    change_share(user=ben, choreography_id=his.pk, visibility=visibility)
    assert (listed(api), listed(owner)) == ([], [str(his.pk)])
    assert "Noche" not in api.get("/collection?show=favourites").content.decode()
    change_share(user=ben, choreography_id=his.pk, visibility="public")
    assert listed(api) == []


@pytest.mark.parametrize("ending", ["deleted", "given away", "inactive"])
def test_favourite__of_what_is_not_shown_any_more__is_not_listed(api, ana, ben, ending):
    his = shared(ben)
    mark(api, his.pk)
    if ending == "deleted":
        SavedChoreography.objects.filter(pk=his.pk).delete()
    elif ending == "given away":
        SavedChoreography.objects.filter(pk=his.pk).update(user=make_user("eva"))
    else:
        User.objects.filter(pk=ben.pk).update(is_active=False)
    assert listed(api) == []


def test_favourite__marked_while_the_owner_makes_it_private__is_none(own_database):
    ben, ana = make_user("ben"), make_user("ana")
    his = shared(ben)

    def mark_it() -> None:
        try:
            add_favourite(user=ana, choreography_id=his.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        change_share(user=ben, choreography_id=his.pk, visibility="private")
        waiting = pool.submit(mark_it)
        wait_until_sessions_wait(own_database)
    with pytest.raises(NotFoundError):
        waiting.result()
    assert not Favourite.objects.exists()


def test_favourite__row_by_row_deleted_by_the_original__is_gone(own_database):
    ana = make_user("ana")
    mine = kept_with_video(ana)
    add_favourite(user=ana, choreography_id=mine.pk)
    with psycopg.connect(own_database.url("original_app")) as session:
        session.execute("DELETE FROM saved_choreographies WHERE id = %s", [mine.pk])
    assert not Favourite.objects.exists()


def test_favourites__beyond_the_limit__are_refused_and_one_twice_is_not(api, ana, settings):
    settings.USER_FAVOURITES_LIMIT = 1
    first, second = kept_with_video(ana), kept_with_video(ana, video="2.mp4")
    assert [mark(api, key) for key in (first.pk, second.pk, first.pk)] == [204, 409, 204]
    answer = api.put(f"/api/favourites/{second.pk}")
    assert answer.json()["type"] == "urn:compas:problem:quota-favourites"
    assert answer.json()["limit"] == 1
    page = api.post(f"/favourites/{second.pk}", headers={"HX-Request": "true"})
    assert (page.status_code, "You have 1 favourites" in page.content.decode()) == (409, True)


def test_favourites__page_after_page__have_every_row_once_by_the_index(api, ana):
    keys = [str(kept_with_video(ana, video=f"{number}.mp4").pk) for number in range(5)]
    for key in keys:
        mark(api, uuid.UUID(key))
    address, seen = "/api/favourites?page_size=2", []
    while address:
        page = api.get(address).json()
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert seen == keys[::-1]
