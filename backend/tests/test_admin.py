"""The staff's pages: what they change is written, and nothing else."""

import pytest
from django.contrib.auth.models import Group
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
