"""Sessions: listed for their owner alone, ended in both systems, and no key is shown."""

from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db.models import F
from django.test import Client

from apps.events.models import AccountEvent
from apps.generation.sweep import sweep
from apps.open_sessions.keys import hash_of
from apps.open_sessions.models import OpenSession
from apps.open_sessions.services import settle_unknown_sessions
from tests.conftest import make_user
from tests.test_failed_logins import by_api, by_page
from tests.test_tokens import program

ADDRESS = "/api/auth/sessions"


def browser(name: str = "ana", **headers: str) -> Client:
    client = Client(headers=headers)
    assert by_api(client, name, "secreto").status_code == 200
    return client


def listed(client: Client) -> list[dict]:
    return client.get(ADDRESS).json()["results"]


def is_in(client: Client) -> bool:
    return client.get("/api/auth/me").status_code == 200


def session_that_the_backend_forgot(name: str = "ana") -> Client:
    """As the original leaves it: in the shared table alone."""
    client = browser(name)
    OpenSession.objects.filter(key_hash=hash_of(client.cookies["sessionid"].value)).delete()
    return client


def test_list__shows_device_address_and_times_and_which_is_this_one(ana):
    here = browser(**{"User-Agent": "Firefox"})
    browser(**{"User-Agent": "Phone"})
    rows = {row["device"]: row for row in listed(here)}
    assert {device: row["current"] for device, row in rows.items()} == {"Firefox": True, "Phone": False}
    phone = rows["Phone"]
    assert (phone["address"], phone["begun_here"]) == ("127.0.0.1", True)
    assert phone["begun_at"] <= phone["last_seen_at"] < phone["expires_at"]


def test_key__is_neither_shown_nor_stored(ana):
    here = browser()
    key = here.cookies["sessionid"].value
    assert key not in here.get(ADDRESS).content.decode()
    assert key not in str(list(OpenSession.objects.values()))
    assert key not in str(list(AccountEvent.objects.values()))


def test_session_of_the_original__is_listed_and_ended(ana):
    here, theirs = browser(), session_that_the_backend_forgot()
    (row,) = [row for row in listed(here) if not row["current"]]
    assert (row["begun_here"], row["last_seen_at"], row["device"]) == (False, None, "")
    assert here.delete(f"{ADDRESS}/{row['id']}").status_code == 204
    assert (is_in(here), is_in(theirs)) == (True, False)


def test_end_all_others__also_those_never_seen__and_no_one_elses(ana, ben):
    here, other, theirs, bens = browser(), browser(), session_that_the_backend_forgot(), browser("ben")
    assert here.delete(ADDRESS).status_code == 204
    assert [is_in(client) for client in (here, other, theirs, bens)] == [True, False, False, True]
    assert [row["current"] for row in listed(here)] == [True]
    assert AccountEvent.objects.get(kind="sessions-ended").detail == "2 ended"


def test_end__session_of_another_user__is_404_and_stays(ana, ben):
    here, bens = browser(), browser("ben")
    (row,) = listed(bens)
    answer = here.delete(f"{ADDRESS}/{row['id']}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:compas:problem:session-missing")
    assert is_in(bens)


def test_end__this_one__logs_out(ana):
    here = browser()
    assert here.delete(f"{ADDRESS}/{listed(here)[0]['id']}").status_code == 204
    assert not is_in(here)
    assert not Session.objects.exists()


def test_ended__its_running_request__does_not_bring_it_back(ana):
    here, thief = browser(), browser()
    stolen = thief.session  # loaded before the end, saved after it
    stolen["x"] = 1
    here.delete(ADDRESS)
    with pytest.raises(UpdateError):
        stolen.save(must_create=False)
    assert not is_in(thief)


def test_list__leaves_out_what_ended_by_logout_password_or_time(ana):
    here, gone, late = browser(), browser(), browser()
    gone.post("/logout")
    Session.objects.filter(pk=late.cookies["sessionid"].value).update(expire_date=F("expire_date") - timedelta(days=15))
    assert len(listed(here)) == 1
    browser()
    assert len(listed(here)) == 2
    change = {"old_password": "secreto", "new_password": "bailamos"}
    before = listed(here)
    assert here.post("/api/auth/password", change, content_type="application/json").status_code == 204
    (row,) = listed(here)
    (mine,) = [one for one in before if one["current"]]
    assert (row["id"], row["begun_at"]) == (mine["id"], mine["begun_at"]), "the same session, with another key"


def test_login__gives_a_new_key__a_planted_one_is_worth_nothing(ana):
    victim = Client()
    store = victim.session
    store["planted"] = True
    store.save()
    victim.cookies["sessionid"] = store.session_key
    assert by_page(victim, "ana", "secreto").status_code == 302
    assert victim.cookies["sessionid"].value != store.session_key
    thief = Client()
    thief.cookies["sessionid"] = store.session_key
    assert not is_in(thief)


def test_login__with_an_invented_key__gets_another(ana):
    client = Client()
    client.cookies["sessionid"] = "a" * 32
    assert by_page(client, "ana", "secreto").status_code == 302
    assert client.cookies["sessionid"].value != "a" * 32


def test_seen__is_written_once_a_minute(ana, django_assert_max_num_queries):
    here = browser()
    here.get("/api/auth/me")
    OpenSession.objects.update(last_seen_at=F("last_seen_at") - timedelta(hours=1))
    before = OpenSession.objects.get().last_seen_at
    here.get("/api/auth/me")
    assert OpenSession.objects.get().last_seen_at == before
    with django_assert_max_num_queries(2):  # the session and the user
        here.get("/api/auth/me")
    cache.clear()  # a minute later
    here.get("/api/auth/me")
    assert OpenSession.objects.get().last_seen_at > before


def test_token__is_no_session(ana):
    assert program(ana, "read").get("/api/auth/me").status_code == 200
    assert not OpenSession.objects.exists()


def test_visitors_session__is_left_alone(ana):
    store = Client().session
    store["x"] = 1
    store.save()
    settle_unknown_sessions()
    assert not OpenSession.objects.exists()


@pytest.mark.parametrize(
    ("setting", "column"), [("SESSION_IDLE_H", "last_seen_at"), ("SESSION_ABSOLUTE_H", "begun_at")]
)
def test_session__too_old_by_the_setting__ends(ana, settings, setting, column):
    here = browser()
    OpenSession.objects.update(**{column: F(column) - timedelta(minutes=61)})
    assert is_in(here), "off by default: as in the original"
    OpenSession.objects.update(**{column: F("expires_at") - timedelta(days=14, minutes=61)})
    setattr(settings, setting, 2)
    assert is_in(here)
    setattr(settings, setting, 1)
    OpenSession.objects.update(**{column: F("expires_at") - timedelta(days=14, minutes=61)})
    assert not is_in(here)
    assert not Session.objects.exists()
    assert AccountEvent.objects.get(kind="session-ended").detail == "idle too long or too old"


def test_sweep__forgets_sessions_that_are_over(ana):
    browser()
    OpenSession.objects.update(expires_at=F("expires_at") - timedelta(days=15))
    sweep()
    assert not OpenSession.objects.exists()


def test_user_deleted_by_the_original__takes_the_sessions_along(own_database):
    make_user("ana")
    here = browser()
    with closing(psycopg.connect(own_database.url("original_app"))) as session, session:
        session.execute("DELETE FROM users")
    assert not OpenSession.objects.exists()
    assert not is_in(here)
    assert not get_user_model().objects.exists()


def test_user_who_deletes_the_own_account_in_the_admin__is_answered(db):
    staff = Client()
    staff.force_login(user := make_user("eva", is_staff=True, is_superuser=True))
    assert staff.post(f"/admin/users/user/{user.pk}/delete/", {"post": "yes"}).status_code == 302
