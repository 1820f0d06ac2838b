"""The staff's pages: what they change is written, and nothing else."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.authentication.models import User
from apps.collections.models import SavedChoreography
from tests.conftest import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(make_user("eva", is_staff=True, is_superuser=True))
    return client


def fields_of(form) -> dict[str, object]:
    """Return what a browser would send back unchanged."""
    return {
        bound.html_name: "" if bound.value() is None else bound.value() for bound in form if bound.value() is not False
    }


def test_admin__members_who_are_no_staff__are_sent_to_its_login(api):
    answer = api.get("/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/admin/login/?next=/admin/")


@pytest.mark.parametrize("page", ["", "users/user/", "auth/group/", "choreography/savedchoreography/"])
def test_admin__staff__sees_accounts_groups_and_choreographies(staff, ana, page):
    Group.objects.create(name="teachers")
    SavedChoreography.objects.create(user=ana, title="", difficulty="beginner", duration=float("nan"), video_path="")
    assert staff.get(f"/admin/{page}").status_code == 200


INLINE = re.compile(r"<[^>]*\s(style|on\w+)=|<style|<script(?![^>]*\ssrc=)(?![^>]*application/json)", re.IGNORECASE)


def test_admin__every_list__has_nothing_inline_that_the_policy_forbids(staff, ana):
    lists = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]
    assert "/admin/users/user/" in lists
    # Its list has inline styles as soon as it has a row.
    assert staff.get("/admin/procrastinate/procrastinatejob/").status_code == 404
    for address in ("/admin/", *lists):
        answer = staff.get(address)
        assert answer.status_code == 200
        assert not INLINE.search(answer.content.decode()), address


@pytest.mark.parametrize("page", ['<pre style="margin: 0">', "<script>x()</script>", "<style>", '<a onclick="x()">'])
def test_inline__is_found(page):
    """The negative control."""
    assert INLINE.search(page)


def test_admin__save__writes_only_the_changed_column(staff, ana):
    address = f"/admin/users/user/{ana.pk}/change/"
    form = staff.get(address).context["adminform"].form
    sent = fields_of(form) | {"display_name": "Ana María", "preferences": "{}"}
    joined = sent.pop("date_joined")
    sent |= {"date_joined_0": joined.strftime("%Y-%m-%d"), "date_joined_1": joined.strftime("%H:%M:%S")}
    with CaptureQueriesContext(connection) as queries:
        answer = staff.post(address, sent)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    (update,) = [q["sql"] for q in queries if q["sql"].startswith('UPDATE "users"')]
    assert '"display_name"' in update
    assert '"email"' not in update
    assert User.objects.get(pk=ana.pk).display_name == "Ana María"


def test_admin__new_password__writes_only_the_password(staff, ana):
    address = f"/admin/users/user/{ana.pk}/password/"
    with CaptureQueriesContext(connection) as queries:
        answer = staff.post(address, {"password1": "bachata!", "password2": "bachata!", "usable_password": "true"})
    assert answer.status_code == 302
    (update,) = [q["sql"] for q in queries if q["sql"].startswith('UPDATE "users"')]
    assert '"email"' not in update
    assert User.objects.get(pk=ana.pk).check_password("bachata!")


def test_admin__new_password_that_the_original_would_refuse__is_refused(staff, ana):
    sent = {"password1": "x8!qz", "password2": "x8!qz", "usable_password": "true"}
    answer = staff.post(f"/admin/users/user/{ana.pk}/password/", sent)
    (error,) = answer.context["form"].errors["password2"]
    assert error == "This password is too short. It must contain at least 6 characters."


@pytest.fixture
def helper(db) -> Client:
    """Staff who may do everything but is no superuser."""
    user = make_user("helper", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    client = Client()
    client.force_login(user)
    return client


def rights_of(name: str) -> tuple[bool, bool, int, int]:
    user = User.objects.get(username=name)
    return user.is_staff, user.is_superuser, user.groups.count(), user.user_permissions.count()


def test_admin__staff_who_may_change_users__changes_names_and_no_rights(helper, ana):
    address = f"/admin/users/user/{ana.pk}/change/"
    sent = fields_of(helper.get(address).context["adminform"].form) | {"display_name": "Anita", "preferences": "{}"}
    sent |= {"date_joined_0": "2026-01-01", "date_joined_1": "10:00:00"}
    group = Group.objects.create(name="all")
    rights = {"is_staff": "on", "is_superuser": "on", "groups": [group.pk], "user_permissions": ["1", "2"]}
    assert helper.post(address, sent | rights).status_code == 302
    ana.refresh_from_db()
    assert ana.display_name == "Anita"
    assert rights_of("ana") == (False, False, 0, 0)


@pytest.mark.parametrize("account", ["boss", "colleague", "helper"])
def test_admin__staff__takes_no_account_of_the_staff_over(helper, account):
    if account != "helper":
        make_user(account, is_staff=True, is_superuser=account == "boss")
    before = User.objects.filter(username=account).values().get()
    address = f"/admin/users/user/{before['id']}"
    new = {"password1": "bailamos", "password2": "bailamos", "usable_password": "true"}
    assert helper.post(f"{address}/password/", new).status_code == 403
    assert helper.post(f"{address}/change/", {"username": account, "email": "thief@example.com"}).status_code == 403
    assert helper.post(f"{address}/delete/", {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [before["id"]], "post": "yes"}
    assert helper.post("/admin/users/user/", chosen).status_code in {200, 403}
    assert User.objects.filter(username=account).values().get() == before


def test_admin__staff__changes_no_group(helper):
    group = Group.objects.create(name="teachers")
    for address in ("add/", f"{group.pk}/change/", f"{group.pk}/delete/"):
        sent = {"name": "x", "permissions": ["1"], "post": "yes"}
        assert helper.post(f"/admin/auth/group/{address}", sent).status_code == 403
    assert list(Group.objects.values_list("name", "permissions")) == [("teachers", None)]


def test_admin__superuser__gives_rights(staff, ana):
    address = f"/admin/users/user/{ana.pk}/change/"
    sent = fields_of(staff.get(address).context["adminform"].form) | {"is_staff": "on", "preferences": "{}"}
    sent |= {"date_joined_0": "2026-01-01", "date_joined_1": "10:00:00"}
    assert staff.post(address, sent).status_code == 302
    assert rights_of("ana") == (True, False, 0, 0)
