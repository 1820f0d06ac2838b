"""Passwords: changed with the old one, refused when breached, hashed again without ending anything."""

import hashlib
import itertools

import pytest
from django.conf import settings as configured
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.test import Client

from apps.authentication import passwords
from apps.authentication.breached import BreachedPassword, is_listed
from apps.authentication.models import User
from apps.events.models import AccountEvent
from config.errors import ConflictError
from tests.conftest import make_user
from tests.test_failed_logins import by_api, by_page

ADDRESS = "/api/auth/password"
KNOWN = "This password is known from data breaches. Choose another one."
Kind = AccountEvent.Kind


def change(client: Client, old: str = "secreto", new: str = "bailamos"):
    return client.post(ADDRESS, {"old_password": old, "new_password": new}, content_type="application/json")


def browser(name: str = "ana", password: str = "secreto") -> Client:  # noqa: S107 - of a user who lives for one test
    client = Client()
    assert by_api(client, name, password).status_code == 200
    return client


def test_change__keeps_this_session_and_ends_the_others(ana):
    here, elsewhere = browser(), browser()
    key = here.cookies["sessionid"].value
    assert change(here).status_code == 204
    assert (here.get("/api/auth/me").status_code, elsewhere.get("/api/auth/me").status_code) == (200, 401)
    assert here.cookies["sessionid"].value != key, "a key that was stolen before is worth nothing"
    assert by_api(Client(), "ana", "secreto").status_code == 401
    assert by_api(Client(), "ana", "bailamos").status_code == 200
    assert AccountEvent.objects.filter(kind=Kind.PASSWORD_CHANGED, user=ana).count() == 1


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("wrong-one", "bailamos", "old_password", "Is wrong."),
        ("secreto", "12345", "new_password", "Ensure this field has at least 6 characters."),
        ("secreto", "password", "new_password", KNOWN),
        ("secreto", "secreto", "new_password", KNOWN),
        ("", "bailamos", "old_password", "This field may not be blank."),
    ],
)
def test_change__what_is_wrong__is_named_and_nothing_changes(api, ana, old, new, field, words):
    answer = change(api, old, new)
    assert (answer.status_code, answer.json()["errors"]) == (400, {field: [words]})
    assert User.objects.get().password == ana.password
    assert api.get("/api/auth/me").status_code == 200


def test_change__same_password__is_refused(settings, api):
    settings.AUTH_PASSWORD_VALIDATORS = []
    assert change(api, "secreto", "secreto").json()["errors"] == {"new_password": ["Is the old one."]}


def test_change__guesses_of_the_old_password__are_limited_with_the_logins(ana):
    thief = browser()
    assert [change(thief, "wrong-one").status_code for _ in range(6)] == [400] * 5 + [429]
    assert change(thief).status_code == 429, "also with the right one"
    kinds = AccountEvent.objects.filter(user=ana).values_list("kind", flat=True)
    assert list(kinds).count(Kind.PASSWORD_REFUSED) == 5


def test_change__needs_the_csrf_token_and_no_token_may(ana):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ana)
    assert change(strict).status_code == 403
    assert change(Client()).status_code == 401


def test_change__while_another_system_changes_it__overwrites_nothing(ana, rf, monkeypatch):
    theirs = make_password("of-the-admin")

    def change_meanwhile(*_: object) -> str:
        User.objects.update(password=theirs)
        return make_password("bailamos")

    monkeypatch.setattr(passwords, "make_password", change_meanwhile)
    with pytest.raises(ConflictError, match="changed a moment ago"):
        passwords.change_password(request=rf.post("/"), user=ana, old_password="secreto", new_password="bailamos")
    assert User.objects.get().password == theirs


def with_fewer_rounds(password: str) -> str:
    return PBKDF2PasswordHasher().encode(password, "salt-of-this-test-22ch", iterations=500)


def test_login__with_an_old_hash__hashes_again_and_lets_in(ana):
    User.objects.update(password=with_fewer_rounds("secreto"))
    browser()
    assert User.objects.get().password.split("$")[1] == "1000"
    assert by_page(Client(), "ana", "secreto").status_code == 302


def test_hash_again__password_changed_meanwhile__stays_changed(ana):
    theirs = make_password("of-the-admin")
    stale = User.objects.get()
    stale.password = with_fewer_rounds("secreto")
    User.objects.update(password=theirs)
    assert stale.check_password("secreto")
    assert User.objects.get().password == theirs


def test_old_password__of_six_characters_and_breached__still_logs_in(db):
    make_user("old", password="123456")
    assert by_api(Client(), "old", "123456").status_code == 200


@pytest.mark.parametrize("door", ["/api/auth/register", "/register", "/auth/register/"])
def test_registration__breached_password__is_refused_at_every_door(db, door):
    new = {"username": "carla", "email": "c@example.com", "display_name": "Carla", "password": "password"}
    kind = {"content_type": "application/json"} if "api" in door else {}
    answer = Client().post(door, new, **kind)
    assert KNOWN in answer.content.decode()
    assert not User.objects.exists()


def test_admin__breached_password__is_refused(db, ana):
    staff = Client()
    staff.force_login(make_user("eva", is_staff=True, is_superuser=True))
    sent = {"password1": "password", "password2": "password", "usable_password": "true"}
    assert KNOWN in staff.post(f"/admin/users/user/{ana.pk}/password/", sent).content.decode()


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.mark.parametrize("cut", [40, 16])
@pytest.mark.parametrize("end", ["\n", ":7\r\n", ":1234567\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 50])
def test_file__every_line_is_found_and_nothing_else(tmp_path, cut, end, size):
    known = [f"known {number}" for number in range(size)]
    file = tmp_path / "hashes"
    # Lines of different lengths: every second has no count.
    ends = itertools.cycle([end, "\n"])
    file.write_bytes("".join(line[:cut] + next(ends) for line in sorted(map(sha1, known))).encode())
    assert all(is_listed(password, file) for password in known)
    assert not any(is_listed(f"other {number}", file) for number in range(50))


def test_file__empty_or_with_prefixes_that_are_too_short__lists_nothing(tmp_path):
    file = tmp_path / "hashes"
    for text in ("", sha1("x")[:9] + "\n"):
        file.write_text(text)
        assert not is_listed("x", file)


def test_file__of_a_setting__is_used_beside_the_common_ones(tmp_path, settings, api):
    file = tmp_path / "hashes"
    file.write_text(sha1("bailamos") + ":3\n")
    name = f"{BreachedPassword.__module__}.BreachedPassword"
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": name, "OPTIONS": {"hashes": str(file)}}]
    assert change(api).json()["errors"] == {"new_password": [KNOWN]}
    assert change(api, new="password").json()["errors"] == {"new_password": [KNOWN]}
    assert change(api, new="bailemos").status_code == 204


def test_default__is_the_common_list():
    assert configured.AUTH_PASSWORD_VALIDATORS[-1]["NAME"].endswith("BreachedPassword")


class Counted:
    """Counts the hashes that are worked out: their time is the time of an answer."""

    def __init__(self, monkeypatch) -> None:
        self.rounds = 0
        hasher = PBKDF2PasswordHasher.encode

        def encode(hasher_self, password, salt, iterations=None):
            self.rounds += iterations or hasher_self.iterations
            return hasher(hasher_self, password, salt, iterations)

        monkeypatch.setattr(PBKDF2PasswordHasher, "encode", encode)

    def of(self, act) -> tuple[int, int, object]:
        self.rounds = 0
        answer = act()
        return self.rounds, answer.status_code, answer.json()


@pytest.mark.parametrize("kind", ["active", "inactive", "old hash", "no password", "by e-mail"])
def test_login__known_or_not__same_work_and_same_words(db, monkeypatch, kind, django_assert_num_queries):
    user = make_user("ana", is_active=kind != "inactive")
    if kind == "old hash":
        User.objects.update(password=with_fewer_rounds("secreto"))
    if kind == "no password":
        user.set_unusable_password()
        user.save()
    counted = Counted(monkeypatch)
    unknown = counted.of(lambda: by_api(Client(), "unknown", "wrong-one"))
    known = counted.of(lambda: by_api(Client(), "ana@example.com" if kind == "by e-mail" else "ana", "wrong-one"))
    assert known == unknown
    assert known[:2] == (1_000, 401)


def register(email: str, username: str = "new"):
    new = {"username": username, "email": email, "display_name": "x", "password": "bailamos"}
    return Client().post("/api/auth/register", new, content_type="application/json")


def test_registration__taken_or_not__same_work(ana, monkeypatch):
    counted = Counted(monkeypatch)
    by_email = counted.of(lambda: register("ana@example.com"))
    by_username = counted.of(lambda: register("new@example.com", "ana"))
    made = counted.of(lambda: register("new@example.com"))
    assert [(work, code) for work, code, _ in (by_email, by_username, made)] == [
        (1_000, 400),
        (1_000, 400),
        (1_000, 201),
    ]


def test_registration__probing_for_accounts__is_limited_and_a_school_is_not(ana):
    assert {register(f"pupil{number}@example.com", f"pupil{number}").status_code for number in range(25)} == {201}
    assert [register("ana@example.com").status_code for _ in range(21)] == [400] * 20 + [429]
    page = Client().post(
        "/register", {"username": "x", "email": "x@example.com", "display_name": "x", "password": "bailamos"}
    )
    assert (page.status_code, "Too many refused registrations" in page.content.decode()) == (429, True)
