"""Events of accounts: recorded at every door, only added, readable by the owner and the staff, without secrets."""

import json
import logging
from contextlib import closing
from datetime import timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.utils import ProgrammingError
from django.test import Client

from apps.authentication.models import User
from apps.events.models import AccountEvent
from apps.events.record import record
from apps.events.retention import forget_old_events
from tests.conftest import make_user
from tests.test_failed_logins import DOORS, by_api

Kind = AccountEvent.Kind
ADDED_ONLY = "Rows are only added"


def kinds(**of: object) -> list[str]:
    return list(AccountEvent.objects.filter(**of).order_by("id").values_list("kind", flat=True))


@pytest.mark.parametrize("door", DOORS)
def test_login__every_door__is_recorded_with_account_address_and_device(db, door, caplog):
    user = make_user("ana", is_staff=True)
    with caplog.at_level(logging.INFO, "apps.events"):
        door(Client(), "ana@example.com", "wrong-one", REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT="Fox\n1")
        door(Client(), "ana", "secreto", REMOTE_ADDR="203.0.113.9")
    refused, entered = AccountEvent.objects.order_by("id")
    assert (refused.kind, refused.account, refused.user_id) == (Kind.LOGIN_REFUSED, "ana", user.pk)
    assert (refused.address, refused.device) == ("203.0.113.9", "Fox1")
    assert (entered.kind, entered.user_id) == (Kind.LOGIN, user.pk)
    lines = [json.loads(line.message) for line in caplog.records if line.name == "apps.events"]
    assert [line["event"] for line in lines] == [Kind.LOGIN_REFUSED, Kind.LOGIN]
    assert lines[0] | {"user": 0} == {"event": "login-refused", "account": "ana", "user": 0, "address": "203.0.113.9"}


def test_logout__is_recorded_and_a_visitors_is_not(api, db):
    api.post("/logout")
    Client().post("/logout")
    assert kinds() == [Kind.LOGIN, Kind.LOGOUT]


def test_registration__is_recorded(db):
    new = {"username": "carla", "email": "c@example.com", "display_name": "Carla", "password": "bailar"}
    Client().post("/api/auth/register", new, content_type="application/json")
    assert kinds(account="carla") == [Kind.REGISTERED, Kind.LOGIN]


def test_unknown_login__is_a_mark_and_never_what_was_typed(db, caplog):
    with caplog.at_level(logging.INFO):
        for typed in ("my-password", "My-Password ", "other"):
            by_api(Client(), typed, "x-x-x-x")
    first, second, third = AccountEvent.objects.order_by("id")
    assert first.account == second.account != third.account
    kept = caplog.text + str(list(AccountEvent.objects.values()))
    assert "password" not in kept.lower().replace("login-refused", "")
    assert "x-x-x-x" not in kept


def test_lock__is_recorded_once_and_not_for_every_knock(db):
    make_user("ana")
    for _ in range(9):
        by_api(Client(), "ana", "wrong-one")
    assert kinds() == [Kind.LOGIN_REFUSED] * 5 + [Kind.LOCKED]


def test_name_with_a_line_break__stays_one_line_of_the_log(db, caplog):
    with caplog.at_level(logging.INFO, "apps.events"):
        record(Kind.LOGIN, request=None, user=make_user("a\nb forged"))
    assert "\n" not in caplog.records[-1].getMessage()


def test_address__of_a_socket_or_with_a_zone__is_survived(db, rf):
    for seen, kept in (("", None), ("fe80::1%eth0", "fe80::1"), ("x" * 99, None)):
        record(Kind.LOGIN, request=rf.get("/", REMOTE_ADDR=seen), login="x")
        assert AccountEvent.objects.latest("id").address == kept


def check_foreign_keys_now() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account_events SET account = 'nobody'",
        "UPDATE account_events SET user_id = user_id",
        "UPDATE account_events SET user_id = NULL, device = ''",
        "DELETE FROM account_events",
        "TRUNCATE account_events",
    ],
)
def test_row__is_never_changed_or_removed(ana, statement):
    record(Kind.LOGIN, request=None, user=ana)
    check_foreign_keys_now()
    with pytest.raises(ProgrammingError, match=ADDED_ONLY), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert AccountEvent.objects.count() == 1


def older(days: int) -> None:
    check_foreign_keys_now()
    with connection.cursor() as cursor:  # as the owner of the table: time cannot be waited for
        cursor.execute("ALTER TABLE account_events DISABLE TRIGGER only_added")
        AccountEvent.objects.update(at=F("at") - timedelta(days=days))
        cursor.execute("ALTER TABLE account_events ENABLE TRIGGER only_added")


def test_retention__forgets_what_is_older_than_the_setting(ana, settings):
    record(Kind.LOGIN, request=None, user=ana)
    older(days=364)
    assert forget_old_events() == 0
    settings.EVENTS_KEPT_DAYS = 363
    record(Kind.LOGOUT, request=None, user=ana)
    assert (forget_old_events(), kinds()) == (1, [Kind.LOGOUT])


@pytest.mark.parametrize("role", ["original_app", "backend_app"])
def test_user_deleted_by_either_system__leaves_the_events(own_database, role):
    record(Kind.LOGIN, request=None, user=make_user("ana"))
    with closing(psycopg.connect(own_database.url(role))) as session, session:
        session.execute("DELETE FROM users")
    assert AccountEvent.objects.values_list("user_id", "account").get() == (None, "ana")


def test_own_events__are_shown_to_their_owner_alone(api, ana, ben):
    record(Kind.PASSWORD_CHANGED, request=None, user=ben)
    (event,) = api.get("/api/auth/events").json()["results"]
    assert (event["kind"], set(event)) == ("login", {"at", "kind", "address", "device", "detail"})


def test_staff__reads_events_and_changes_none(db):
    staff = Client()
    staff.force_login(make_user("eva", is_staff=True, is_superuser=True))
    event = AccountEvent.objects.get()
    assert "eva" in staff.get("/admin/events/accountevent/").content.decode()
    address = f"/admin/events/accountevent/{event.pk}"
    assert staff.get(f"{address}/change/").status_code == 200
    codes = [staff.post(f"{address}/{action}/", {"account": "x"}).status_code for action in ("change", "delete")]
    codes.append(staff.get("/admin/events/accountevent/add/").status_code)
    assert codes == [403] * 3
    assert User.objects.exists()
