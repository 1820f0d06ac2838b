"""Failed logins are limited at every login, also parallel ones; strangers cannot lock an owner out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.db.models import F
from django.test import Client, RequestFactory

from apps.authentication.models import User
from apps.logins import limits
from apps.logins.models import FailedLogins
from config.clients import address_of
from config.errors import LockedOutError
from tests.conftest import make_user, wait_until_sessions_wait

JSON = "application/json"
LOCKED = "Too many failed logins for this account. Try again in 15 minutes."
STRANGER = {"REMOTE_ADDR": "203.0.113.9"}


def by_api(client: Client, login: str, password: str, **more: str):
    return client.post("/api/auth/login", {"login": login, "password": password}, content_type=JSON, **more)


def by_page(client: Client, login: str, password: str, **more: str):
    return client.post("/login", {"login": login, "password": password}, **more)


def by_bookmark(client: Client, login: str, password: str, **more: str):
    return client.post("/auth/login/", {"username": login, "password": password}, **more)


def by_admin(client: Client, login: str, password: str, **more: str):
    return client.post("/admin/login/?next=/admin/", {"username": login, "password": password}, **more)


DOORS = [by_api, by_page, by_bookmark, by_admin]


def is_in(answer) -> bool:
    return answer.status_code == 302 or (answer.status_code == 200 and "username" in answer.content.decode()[:60])


@pytest.fixture
def staff(db) -> User:
    return make_user("ana", is_staff=True)


def fail(times: int, *, door=by_api, login: str = "ana", **more: str) -> list[int]:
    return [door(Client(), login, "wrong-one", **more).status_code for _ in range(times)]


@pytest.mark.parametrize("door", DOORS)
def test_five_failures__lock_even_the_right_password_at_every_door(staff, door):
    fail(5, door=door)
    for every in DOORS:
        answer = every(Client(), "ana", "secreto")
        assert (is_in(answer), LOCKED in answer.content.decode()) == (False, True)


@pytest.mark.parametrize("door", DOORS)
def test_four_failures__leave_the_door_open(staff, door):
    fail(4)
    assert is_in(door(Client(), "ana", "secreto"))


def test_locked__says_when_to_try_again(staff):
    assert fail(7) == [401] * 5 + [429] * 2
    answer = by_api(Client(), "ana", "secreto")
    assert (answer.status_code, answer.json()["detail"]) == (429, LOCKED)
    assert 890 < int(answer["Retry-After"]) <= 900


def test_names_of_one_account__are_counted_together(staff):
    fail(3)
    fail(2, login="ANA@example.com")
    assert by_api(Client(), "ana", "secreto").status_code == 429
    assert by_api(Client(), "ana@example.com", "secreto").status_code == 429


def test_unknown_account__is_limited_in_the_same_words(db):
    assert fail(6, login="unknown") == [401] * 5 + [429]
    assert by_api(Client(), "UNKNOWN", "x").json()["detail"] == LOCKED


def test_success__forgets_the_failures(staff):
    fail(4)
    assert by_api(Client(), "ana", "secreto").status_code == 200
    assert fail(5) == [401] * 5
    assert by_api(Client(), "ana", "secreto").status_code == 429


def test_lock__ends_with_its_time_and_is_not_prolonged_by_knocking(staff):
    fail(5)
    before = set(FailedLogins.objects.values_list("who", "ends_at").filter(failures__gte=5))
    assert fail(3) == [429] * 3
    assert before == set(FailedLogins.objects.values_list("who", "ends_at").filter(failures__gte=5))
    FailedLogins.objects.update(ends_at=F("ends_at") - timedelta(minutes=15))
    assert by_api(Client(), "ana", "secreto").status_code == 200
    assert not FailedLogins.objects.filter(failures__gt=0).exists(), "what is over is forgotten"


def test_strangers__cannot_lock_the_owner_out(staff):
    assert fail(20, **STRANGER)[-1] == 429
    assert by_api(Client(), "ana", "secreto").status_code == 200


def test_owner__who_was_here_before__gets_in_from_the_strangers_own_address_and_during_a_large_attack(staff):
    browser = Client()
    assert by_api(browser, "ana", "secreto", **STRANGER).status_code == 200
    browser.post("/api/auth/logout")
    for number in range(limits.MAX_OF_ACCOUNT):  # as a login does before it checks the password
        guess = RequestFactory().post("/login", REMOTE_ADDR=f"198.51.100.{number}")
        limits.admit(guess, account=str(staff.pk), user_id=staff.pk)
    fail(6, **STRANGER)
    assert by_api(Client(), "ana", "secreto", REMOTE_ADDR="192.0.2.1").status_code == 429, "the attack is slowed down"
    assert by_api(browser, "ana", "secreto", **STRANGER).status_code == 200


def test_owner__who_only_registered__gets_in_while_strangers_guess(db):
    browser = Client()
    account = {"username": "eva", "email": "eva@example.com", "display_name": "Eva", "password": "baila-conmigo"}
    assert browser.post("/api/auth/register", account, content_type=JSON, **STRANGER).status_code == 201
    browser.post("/api/auth/logout")
    assert fail(6, login="eva", **STRANGER)[-1] == 429
    assert by_api(Client(), "eva", "baila-conmigo", **STRANGER).status_code == 429, "another browser there"
    assert by_api(browser, "eva", "baila-conmigo", **STRANGER).status_code == 200


def test_browser_of_another__is_no_key_to_this_account(staff):
    make_user("ben")
    browser = Client()
    assert by_api(browser, "ben", "secreto").status_code == 200
    fail(5)
    assert by_api(browser, "ana", "secreto").status_code == 429


def test_known_browser__has_five_guesses_of_its_own(staff):
    browser = Client()
    by_api(browser, "ana", "secreto")
    assert [by_api(browser, "ana", "wrong-one").status_code for _ in range(6)] == [401] * 5 + [429]
    assert by_api(Client(), "ana", "secreto").status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "a:b:c", "WzEsMl0:1:x"])
def test_forged_cookie__is_no_key(staff, cookie):
    fail(5)
    browser = Client()
    browser.cookies["device"] = cookie
    assert by_api(browser, "ana", "secreto").status_code == 429


def test_address__that_tries_many_accounts__is_stopped(staff):
    codes = [by_api(Client(), f"user{number}", "x").status_code for number in range(52)]
    assert codes == [401] * 50 + [429] * 2
    assert by_api(Client(), "ana", "secreto", **STRANGER).status_code == 200


def test_logins_that_succeed__do_not_add_up(staff):
    assert {by_api(Client(), "ana", "secreto").status_code for _ in range(60)} == {200}


def test_addresses_of_one_ipv6_customer__are_one(staff):
    fail(5, REMOTE_ADDR="2001:db8::1")
    assert by_api(Client(), "ana", "secreto", REMOTE_ADDR="2001:db8::2:3").status_code == 429
    assert by_api(Client(), "ana", "secreto", REMOTE_ADDR="2001:db8:0:1::1").status_code == 200


def test_ipv4_clients_of_a_server_that_listens_for_both_kinds__are_counted_apart(staff):
    fail(5, REMOTE_ADDR="::ffff:192.0.2.1")
    assert by_api(Client(), "ana", "secreto", REMOTE_ADDR="192.0.2.1").status_code == 429
    assert by_api(Client(), "ana", "secreto", REMOTE_ADDR="::ffff:192.0.2.2").status_code == 200


@pytest.mark.parametrize(
    ("trusted", "header", "seen"),
    [
        (0, "198.51.100.7", "127.0.0.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "1.2.3.4, 198.51.100.7", "198.51.100.7"),
        (2, "1.2.3.4, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (2, "198.51.100.7", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_address__is_what_our_own_proxies_saw(settings, trusted, header, seen):
    settings.TRUSTED_PROXIES = trusted
    request = RequestFactory().get("/", headers={"X-Forwarded-For": header} if header else {})
    assert address_of(request) == seen


def test_sixty_guesses_at_the_same_moment__are_five(own_database):
    make_user("ana")
    request = RequestFactory().post("/login")

    def guess(_number: int) -> bool:
        try:
            limits.admit(request, account="1", user_id=1)
        except LockedOutError:
            return False
        finally:
            connection.close()
        return True

    assert guess(0)
    # Twenty statements have begun, and wait for the rows; then they all go on.
    with ThreadPoolExecutor(20) as pool, psycopg.connect(own_database.url("backend_app")) as other:
        other.execute("SELECT FROM backend.failed_logins FOR UPDATE")
        guesses = pool.map(guess, range(59))
        wait_until_sessions_wait(own_database, number=20)
        other.commit()
        assert sum(guesses) == 4
