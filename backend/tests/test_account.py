"""A user's own account: the name, and the preferences, which are merged and never replaced."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection
from django.test import Client

from apps.authentication.models import User
from apps.authentication.preferences import MAX_DEPTH, change_preferences, preferences_of
from tests.conftest import make_user, wait_until_sessions_wait

ME, PREFERENCES = "/api/auth/me", "/api/auth/me/preferences"


def patch(client: Client, path: str, body: object, content_type: str = "application/json"):
    return client.patch(path, body if isinstance(body, str) else json.dumps(body), content_type=content_type)


def stored(user: User) -> object:
    return User.objects.values_list("preferences", flat=True).get(pk=user.pk)


def test_name__is_changed_and_nothing_else(api, ana):
    User.objects.update(last_name="of the other system")
    refused = patch(api, ME, {"display_name": "Root", "username": "root", "is_staff": True})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["is_staff", "username"])
    answer = patch(api, ME, {"display_name": " Anita "})
    assert (answer.status_code, answer.json()) == (200, api.get(ME).json())
    after = User.objects.get()
    assert (after.display_name, after.last_name) == ("Anita", "of the other system")
    assert (after.username, after.is_staff) == ("ana", False)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, None, ["Ana"], "nul\0"])
def test_name__wrong__is_named(api, name):
    answer = patch(api, ME, {"display_name": name})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["display_name"])


def test_name__not_given__stays(api):
    assert patch(api, ME, {}).json()["display_name"] == "Ana"


def test_preferences__none_stored__are_the_defaults(api, ana):
    assert api.get(PREFERENCES).json() == {"auto_save_choreographies": True}
    assert stored(ana) == {}


@pytest.mark.parametrize("content_type", ["application/json", "application/merge-patch+json"])
def test_preferences__merge__keeps_what_it_does_not_name(api, ana, content_type):
    before = {
        "theme": "dark",
        "player": {"speed": 0.75, "mirror": {"x": 1}},
        "old": [1],
        "of_a_later_version": {"a": 1},
    }
    User.objects.update(preferences=before)
    change = {
        "theme": "light",
        "player": {"speed": None, "mirror": {"y": 2}},
        "old": None,
        "fresh": {"a": None, "b": 1},
    }
    answer = patch(api, PREFERENCES, change, content_type)
    merged = {
        "theme": "light",
        "player": {"mirror": {"x": 1, "y": 2}},
        "of_a_later_version": {"a": 1},
        "fresh": {"b": 1},
    }
    assert (answer.status_code, answer.json()) == (200, {"auto_save_choreographies": True} | merged)
    assert stored(ana) == merged


@pytest.mark.parametrize("before", [[1, 2], [{"a": 1}], "text", 7, True, {}])
def test_preferences__of_another_kind_than_an_object__become_one(api, ana, before):
    User.objects.update(preferences=before)
    assert api.get(PREFERENCES).json() == {"auto_save_choreographies": True}
    assert patch(api, PREFERENCES, {"auto_save_choreographies": False}).status_code == 200
    assert stored(ana) == {"auto_save_choreographies": False}


def test_preferences__json_null_in_the_row__becomes_an_object(api, ana):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE users SET preferences = 'null'")
    assert patch(api, PREFERENCES, {"a": {"b": "c"}}).status_code == 200
    assert stored(ana) == {"a": {"b": "c"}}


def test_preferences__value_that_is_no_object__is_replaced_by_one(api, ana):
    User.objects.update(preferences={"player": "old"})
    assert patch(api, PREFERENCES, {"player": {"speed": 1}}).status_code == 200
    assert stored(ana) == {"player": {"speed": 1}}


@pytest.mark.parametrize("key", ["", "ü 💃", "it's", '"; DROP TABLE users; --', "a.b", "$", "%s", "{}", "\\"])
def test_preferences__any_key__is_kept_as_it_is(api, ana, key):
    assert patch(api, PREFERENCES, {key: {key: key}}).status_code == 200
    assert stored(ana) == {key: {key: key}}
    assert patch(api, PREFERENCES, {key: {key: None}}).status_code == 200
    assert patch(api, PREFERENCES, {key: None}).status_code == 200
    assert stored(ana) == {}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "Preferences are an object."),
        ("7", "Preferences are an object."),
        ("null", "Preferences are an object."),
        ({"auto_save_choreographies": "no"}, "auto_save_choreographies is true or false."),
        ({"a": ["\0"]}, "NUL"),
        ({"\0": 1}, "NUL"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"a": 1e999}', "finite"),
        ('{"a": NaN}', "JSON parse error"),
        ({"a": "x" * 17_000}, "16384 bytes"),
        ('{"a": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}", "nested 8 deep"),
        ("[" * 100_000, "nested too deep"),
        ("{nope", "JSON parse error"),
        ('{"a": {"b": 1, "b": 2}}', "the name 'b' stands twice; send it once"),
    ],
)
def test_preferences__what_cannot_be_kept__is_refused(api, ana, body, words):
    answer = patch(api, PREFERENCES, body)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert words in answer.json()["detail"]
    assert stored(ana) == {}


def test_preferences__hundreds_of_keys__are_merged(api, ana):
    many = {f"k{number}": {"x": number} for number in range(600)}
    assert patch(api, PREFERENCES, many).status_code == 200
    assert stored(ana) == many


def test_preferences__many_changes_at_once__all_survive(own_database):
    user = make_user("ana", preferences={"theme": "dark"})
    start = threading.Barrier(4)

    def change(worker: int) -> None:
        try:
            start.wait()
            for number in range(10):
                change_preferences(user=User(pk=user.pk), patch={f"{worker}-{number}": True, "deep": {f"{worker}": 1}})
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(4)))
    wanted = {f"{worker}-{number}": True for worker in range(4) for number in range(10)}
    assert stored(user) == wanted | {"theme": "dark", "deep": {str(worker): 1 for worker in range(4)}}


def test_preferences__change_while_another_is_not_committed__both_survive(own_database):
    user = make_user("ana")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(own_database.url("original_app")) as other:
        other.execute("UPDATE users SET preferences = '{\"first\": 1}'")
        second = pool.submit(change_and_close, user, {"second": 2})
        wait_until_sessions_wait(own_database)
        other.commit()
        second.result()
    assert stored(user) == {"first": 1, "second": 2}


def test_preferences__read_then_saved__would_lose_the_other_change(own_database):
    user = make_user("ana")
    mine = User.objects.get(pk=user.pk)
    change_preferences(user=user, patch={"first": 1})
    mine.preferences["second"] = 2
    mine.save(update_fields=["preferences"])
    assert stored(user) == {"second": 2}


def change_and_close(user: User, change: dict[str, object]) -> None:
    try:
        change_preferences(user=User(pk=user.pk), patch=change)
    finally:
        connection.close()


@pytest.mark.parametrize("preferences", [None, [], 0, "x"])
def test_preferences_of__any_kind__is_an_object(preferences):
    assert preferences_of(User(preferences=preferences)) == {"auto_save_choreographies": True}
