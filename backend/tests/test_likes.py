"""Likes: one for each user, and the right count whatever happens at the same moment."""

import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from apps.collections.services import delete_choreography
from apps.logins import limits
from apps.sharing import counting
from apps.sharing.likes import like, unlike
from apps.sharing.models import Like, LikeChange, Share
from apps.sharing.selectors import likes_of, public_shares
from apps.sharing.services import change_share
from config.errors import NotFoundError
from tests.conftest import make_user
from tests.sharing import kept_with_video, shared


@pytest.fixture
def share(ben) -> Share:
    """Ben's choreography, which everyone may see."""
    return shared(ben)


def counts() -> dict[uuid.UUID, int]:
    """Return the numbers that pages show."""
    return {share.pk: likes_of(share) for share in public_shares()}


def assert_counted() -> None:
    """Every number is the number of its rows, also when no change waits any more."""
    rows = {pk: Like.objects.filter(choreography=pk).count() for pk in Share.objects.values_list("pk", flat=True)}
    assert counts() == rows
    counting.sweep()
    assert not LikeChange.objects.exists()
    assert dict(Share.objects.values_list("pk", "likes")) == rows


def at_once(work: list[Callable[[], object]], *, threads: int) -> list[object]:
    """Do all of it, so many at the same time, each on a connection of its own."""

    def do(one: Callable[[], object]) -> object:
        try:
            return one()
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(do, work))


def test_like__twice__is_one_like_and_so_is_taking_it_back(api, share):
    address = f"/api/public/{share.pk}/like"
    answers = [getattr(api, method)(address).json() for method in ("get", "put", "put", "get", "delete", "delete")]
    assert answers == [
        {"liked": False, "likes": 0},
        {"liked": True, "likes": 1},
        {"liked": True, "likes": 1},
        {"liked": True, "likes": 1},
        {"liked": False, "likes": 0},
        {"liked": False, "likes": 0},
    ]
    assert_counted()


def test_like__of_several_users__is_counted(ana, ben, share):
    assert [like(user=user, choreography_id=share.pk) for user in (ana, ben, make_user("eva"))] == [1, 2, 3]
    assert unlike(user=ana, choreography_id=share.pk) == 2
    assert Client().get(f"/api/public/{share.pk}").json()["likes"] == 2


@pytest.mark.parametrize("visibility", ["private", "unlisted", "given away", "inactive"])
def test_like__of_what_is_not_public__is_404_and_writes_nothing(ana, ben, share, visibility):
    if visibility == "given away":
        SavedChoreography.objects.update(user=ana)
    elif visibility == "inactive":
        User.objects.filter(pk=ben.pk).update(is_active=False)
    else:
        change_share(user=ben, choreography_id=share.pk, visibility=visibility)
    for change in (like, unlike):
        with pytest.raises(NotFoundError, match="not shared any more"):
            change(user=ana, choreography_id=share.pk)
    assert not Like.objects.exists()


def test_like__private_for_a_while__is_still_counted_afterwards(ana, ben, share):
    like(user=ana, choreography_id=share.pk)
    change_share(user=ben, choreography_id=share.pk, visibility="private")
    change_share(user=ben, choreography_id=share.pk, visibility="public")
    assert counts() == {share.pk: 1}


def test_like__too_many_changes_within_an_hour__is_429(api, share, monkeypatch):
    monkeypatch.setattr(limits, "MAX_LIKES", 2)
    address = f"/api/public/{share.pk}/like"
    answers = [api.put(address), api.delete(address), api.put(address)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2]["Retry-After"]) <= 3600
    assert answers[2].json()["type"] == "urn:compas:problem:locked-out"
    answer = api.post(f"/public/{share.pk}/like", headers={"HX-Request": "true"})
    assert (answer.status_code, "You have changed 2 likes within an hour" in answer.content.decode()) == (429, True)
    assert not Like.objects.exists()


def test_database__takes_no_second_like_of_a_user(ana, share):
    Like.objects.create(choreography_id=share.pk, user=ana)
    with pytest.raises(IntegrityError), transaction.atomic():
        Like.objects.create(choreography_id=share.pk, user=ana)
    assert_counted()


def test_likes__of_many_users_at_once__end_in_the_right_count(own_database):
    share = shared(make_user("ben"))
    users = [make_user(f"user{number}") for number in range(12)]
    dice = random.Random(7)  # noqa: S311 - the same work in every run
    work = [(dice.choice((like, unlike)), dice.choice(users)) for _ in range(96)] + [(like, users[0])] * 8
    at_once([lambda do=do, user=user: do(user=user, choreography_id=share.pk) for do, user in work], threads=8)
    assert_counted()
    finals = [like if number % 3 else unlike for number in range(len(users))]
    at_once(
        [
            lambda do=do, user=user: do(user=user, choreography_id=share.pk)
            for do, user in zip(finals, users, strict=True)
        ],
        threads=8,
    )
    assert counts() == {share.pk: 8}
    assert_counted()


def test_planted__trigger_that_is_off__is_noticed(own_database):
    share, ana = shared(make_user("ben")), make_user("ana")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE likes DISABLE TRIGGER added_are_noted")
    like(user=ana, choreography_id=share.pk)
    with pytest.raises(AssertionError):
        assert_counted()


def test_account__deleted_by_the_original__takes_its_likes_out_of_every_count(own_database):
    shares = [shared(make_user(f"owner{number}")) for number in range(3)]
    ana, eva = make_user("ana"), make_user("eva")
    for share in shares:
        like(user=ana, choreography_id=share.pk)
    like(user=eva, choreography_id=shares[1].pk)
    with psycopg.connect(own_database.url("original_app")) as session:
        session.execute("DELETE FROM users WHERE id = %s", [ana.pk])
    assert [counts()[share.pk] for share in shares] == [0, 1, 0]
    assert_counted()


def test_choreography__deleted_by_the_original__takes_share_likes_and_favourites_along(own_database):
    share, ana = shared(make_user("ben")), make_user("ana")
    like(user=ana, choreography_id=share.pk)
    with psycopg.connect(own_database.url("original_app")) as session:
        session.execute("DELETE FROM saved_choreographies WHERE id = %s", [share.pk])
    assert not Share.objects.exists()
    assert not Like.objects.exists()


@pytest.mark.parametrize("gone", ["saved_choreographies", "users"])
def test_like__while_the_original_deletes__waits_for_nothing_and_counts_it_as_gone(own_database, gone):
    share, ana = shared(make_user("ben")), make_user("ana")
    key = share.pk if gone == "saved_choreographies" else ana.pk
    with closing(psycopg.connect(own_database.url("original_app"))) as session:
        session.execute(f"SELECT FROM {gone} WHERE id = %s FOR UPDATE", [key])  # what its DELETE locks first
        with pytest.raises(NotFoundError):
            like(user=ana, choreography_id=share.pk)
        session.execute(f"DELETE FROM {gone} WHERE id = %s", [key])  # noqa: S608 - one of two tables
        session.commit()
    assert not Like.objects.exists()


@pytest.mark.parametrize("deleted", ["choreography", "account"])
@pytest.mark.thinned(to_one_in=2)
def test_likes__while_rows_are_deleted__leave_no_deadlock_and_the_right_counts(own_database, deleted):
    """Deletes of the original and of the backend among likes of the same rows, in every order that threads find."""
    owner = make_user("ben")
    shares = [shared(owner, video=f"{number}.mp4") for number in range(4)]
    users = [make_user(f"user{number}") for number in range(6)]
    for user in users:
        like(user=user, choreography_id=shares[0].pk)

    def change(do: Callable[..., int], user: User, share: Share) -> None:
        with suppress(NotFoundError):  # it was deleted meanwhile
            do(user=user, choreography_id=share.pk)

    def delete(number: int) -> None:
        if deleted == "account":
            with psycopg.connect(own_database.url("original_app")) as session:
                session.execute("DELETE FROM users WHERE id = %s", [users[number].pk])
        else:
            delete_choreography(user=owner, choreography_id=shares[number].pk)

    dice = random.Random(3)  # noqa: S311 - the same work in every run
    work: list[Callable[[], object]] = [
        lambda do=do, user=user, share=share: change(do, user, share)
        for do, user, share in (
            (dice.choice((like, unlike)), dice.choice(users), dice.choice(shares)) for _ in range(120)
        )
    ]
    for number in range(3):
        work.insert(30 * (number + 1), lambda number=number: delete(number))
    at_once(work, threads=6)
    assert Share.objects.count() == (4 if deleted == "account" else 1)
    assert_counted()


def test_like__waits_for_no_other_like_of_the_same(own_database):
    """As if 200 users stood in a line: one transaction holds what it wrote, and the next goes on."""
    share, ana, eva = shared(make_user("ben")), make_user("ana"), make_user("eva")
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        assert like(user=ana, choreography_id=share.pk) == 1
        one = [lambda: like(user=eva, choreography_id=share.pk)]
        assert pool.submit(at_once, one, threads=1).result(timeout=60) == [1], "what is not committed is not seen"
    assert counts() == {share.pk: 2}
    assert_counted()


def test_count__by_two_processes_at_once__is_left_to_the_first(own_database):
    share = shared(make_user("ben"))
    like(user=make_user("ana"), choreography_id=share.pk)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        counting.count(share.pk)
        pool.submit(at_once, [lambda: counting.count(share.pk)], threads=1).result(timeout=60)
    assert (Share.objects.get().likes, LikeChange.objects.count()) == (1, 0)


def test_count__of_many_waiting_changes__is_done_by_who_likes(ana, share, monkeypatch):
    monkeypatch.setattr(counting, "MANY", 3)
    waiting = []
    for _ in range(4):
        like(user=ana, choreography_id=share.pk)
        unlike(user=ana, choreography_id=share.pk)
        waiting.append(LikeChange.objects.count())
    assert waiting == [2, 0, 2, 0]
    assert_counted()


def test_sweep__forgets_changes_of_choreographies_that_are_gone(ana, share):
    like(user=ana, choreography_id=share.pk)
    SavedChoreography.objects.filter(pk=share.pk).delete()
    assert LikeChange.objects.exists()
    counting.sweep()
    assert not LikeChange.objects.exists()


def test_most_liked__after_the_sweep__is_in_the_right_order(ana, ben, share):
    other = shared(ben, video="other.mp4")
    for user in (ana, ben):
        like(user=user, choreography_id=share.pk)
    like(user=ana, choreography_id=other.pk)
    counting.sweep()
    rows = Client().get("/api/public?sort=most_liked").json()["results"]
    assert [(row["id"], row["likes"]) for row in rows] == [(str(share.pk), 2), (str(other.pk), 1)]


def test_row_of_the_original__can_be_changed_while_it_is_liked(own_database):
    """The original renames what is being liked: neither waits for the other."""
    share, ana = shared(make_user("ben")), make_user("ana")
    with closing(psycopg.connect(own_database.url("original_app"))) as session:
        session.execute("UPDATE saved_choreographies SET title = 'Sol' WHERE id = %s", [share.pk])
        assert like(user=ana, choreography_id=share.pk) == 1
        session.commit()
    assert kept_title(share) == "Sol"


def kept_title(share: Share) -> str:
    return SavedChoreography.objects.get(pk=share.pk).title


def test_kept__without_a_share__cannot_be_liked(ana):
    with pytest.raises(NotFoundError):
        like(user=ana, choreography_id=kept_with_video(ana).pk)
