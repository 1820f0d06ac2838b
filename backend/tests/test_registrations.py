"""One address makes a limited number of accounts, at every door, also in parallel; else each limit per user is none."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.db.models import F
from django.test import Client

from apps.authentication.models import User
from apps.events.models import AccountEvent
from apps.logins import limits
from apps.logins.models import FailedLogins
from tests.conftest import wait_until_sessions_wait

DETAIL = (
    "Your network address has made 2 accounts within 24 hours; that is the limit. Try again tomorrow, or log in if you"
    " have an account."
)


def person(name: str) -> dict[str, str]:
    return {"username": name, "email": f"{name}@example.com", "display_name": name, "password": "bailamos"}


def by_api(name: str, **more: str):
    return Client().post("/api/auth/register", person(name), content_type="application/json", **more)


def by_page(name: str, **more: str):
    return Client().post("/register", person(name), **more)


def by_bookmark(name: str, **more: str):
    return Client().post("/auth/register/", person(name), **more)


DOORS = [by_api, by_page, by_bookmark]


@pytest.fixture(autouse=True)
def _two_for_each_address(settings):
    settings.REGISTRATIONS_PER_ADDRESS = 2


def counted() -> FailedLogins:
    return FailedLogins.objects.get(who=limits._hash("accounts from 127.0.0.1"))


@pytest.mark.parametrize("door", DOORS)
def test_address_at_its_limit__every_door_says_429_and_when_to_come_back(db, door):
    assert [door("ana").status_code, door("ben").status_code] == [201 if door is by_api else 302] * 2
    for every in DOORS:
        answer = every("carla")
        assert (answer.status_code, DETAIL in answer.content.decode()) == (429, True)
        assert 86_300 < int(answer["Retry-After"]) <= 86_400
    assert User.objects.count() == AccountEvent.objects.filter(kind=AccountEvent.Kind.REGISTERED).count() == 2


def test_other_address__has_its_own_limit_and_an_ipv6_network_has_one(db, settings):
    settings.REGISTRATIONS_PER_ADDRESS = 1
    assert by_api("ana").status_code == 201
    assert by_api("ben", REMOTE_ADDR="2001:db8::1").status_code == 201
    assert by_api("carla", REMOTE_ADDR="2001:db8::2:3").status_code == 429
    assert by_api("carla", REMOTE_ADDR="2001:db8:0:1::1").status_code == 201


def test_address__is_what_our_own_proxies_saw(db, settings):
    settings.REGISTRATIONS_PER_ADDRESS = settings.TRUSTED_PROXIES = 1
    forged = [f"192.0.2.{number}, 198.51.100.7" for number in range(2)]
    assert [by_api(f"user{len(hops)}{hops[8]}", HTTP_X_FORWARDED_FOR=hops).status_code for hops in forged] == [201, 429]


def test_refused_registrations__use_up_no_place(ana):
    assert [by_api("ana").status_code for _ in range(3)] == [400] * 3
    other = person("ana") | {"email": "other@example.com"}  # refused by the database, after it was counted
    answers = [Client().post("/api/auth/register", other, content_type="application/json") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400] * 3
    assert [by_api(name).status_code for name in ("ben", "carla", "dora")] == [201, 201, 429]


def test_day__begins_with_the_first_account_and_is_not_prolonged(db):
    by_api("ana")
    first = counted().ends_at
    assert [by_api(name).status_code for name in ("ben", "carla")] == [201, 429]
    assert counted().ends_at == first
    FailedLogins.objects.update(ends_at=F("ends_at") - timedelta(hours=24))
    assert by_api("carla").status_code == 201
    assert counted().failures == 1


def at_once(number: int) -> list[int]:
    def run(name: str) -> int:
        try:
            return by_api(name).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return sorted(pool.map(run, [f"user{number}" for number in range(number)]))


def test_four_at_once_at_the_limit__one_wins(own_database):
    assert by_api("ana").status_code == 201
    # All four have begun to count, and wait for the row; then they go on together.
    with psycopg.connect(own_database.url("backend_app")) as other, ThreadPoolExecutor(1) as pool:
        other.execute("SELECT FROM backend.failed_logins WHERE who = %s FOR UPDATE", [counted().who])
        answers = pool.submit(at_once, 4)
        wait_until_sessions_wait(own_database, number=4)
        other.commit()
        assert answers.result() == [201, 429, 429, 429]
    assert User.objects.count() == counted().failures == 2


def test_four_at_once__counted_by_two_statements__would_all_pass(own_database, monkeypatch):
    assert by_api("ana").status_code == 201
    together = threading.Barrier(4)

    def in_two(_request) -> None:
        made = counted().failures
        together.wait(60)
        assert made < 2
        FailedLogins.objects.filter(who=counted().who).update(failures=made + 1)

    monkeypatch.setattr(limits, "count_new_account", in_two)
    assert at_once(4) == [201] * 4
