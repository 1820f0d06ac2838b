"""Tags and categories: a user's own, the same in every spelling, limited, and listed page by page."""

import re
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, product

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.collections.models import SavedChoreography
from apps.collections.selectors import SORTS
from apps.collections.services import change_choreography
from apps.labels import services
from apps.labels.models import Label, Labelling
from config.errors import NotFoundError
from tests.conftest import make_user, wait_until_sessions_wait
from tests.test_collections import make_choreography
from tests.test_title_search import titles


def change(client, choreography, **body: object):
    return client.patch(f"/api/collections/{choreography.pk}", body, content_type="application/json")


def names(user) -> list[tuple[str, str]]:
    return sorted(Label.objects.filter(user=user).values_list("kind", "name"))


@pytest.fixture
def noche(ana) -> SavedChoreography:
    return make_choreography(ana, title="Noche")


def test_labels__of_one_choreography__are_changed_one_by_one_and_shown(api, noche):
    answer = change(api, noche, tags=["  Lento ", "para  LUCÍA", "lento"], category="Clase")
    assert (answer.json()["tags"], answer.json()["category"]) == (["Lento", "para LUCÍA"], "Clase")
    answer = change(api, noche, tags=["rapido"])
    assert (answer.json()["tags"], answer.json()["category"], answer.json()["title"]) == (["rapido"], "Clase", "Noche")
    answer = change(api, noche, category="")
    assert (answer.json()["tags"], answer.json()["category"]) == (["rapido"], None)
    assert api.get("/api/collections").json()["results"][0]["tags"] == ["rapido"]


def test_labels__in_another_spelling__are_the_same(api, ana, noche):
    change(api, noche, tags=["Canción"], category="Práctica")
    change(api, make_choreography(ana), tags=["CANCION"], category="practica")
    assert names(ana) == [("category", "Práctica"), ("tag", "Canción")]
    assert len(titles(api.get("/api/collections?tag=cancion&category=PRACTICA"))) == 2


def test_tag__that_nothing_has_any_more__is_gone_and_a_category_stays(api, ana, noche):
    change(api, noche, tags=["a", "b"], category="Clase")
    change(api, noche, tags=["b"], category="")
    listed = api.get("/api/collections/labels").json()["results"]
    assert [(label["kind"], label["name"]) for label in listed] == [("tag", "b"), ("category", "Clase")]
    SavedChoreography.objects.all().delete()
    assert [label["name"] for label in api.get("/api/collections/labels").json()["results"]] == ["Clase"]


def test_label__is_renamed_and_removed_everywhere(api, ana, noche):
    change(api, noche, tags=["a", "b"])
    first, second = Label.objects.order_by("key")
    address = f"/api/collections/labels/{first.pk}"
    assert api.patch(address, {"name": "Sol"}, content_type="application/json").json()["name"] == "Sol"
    taken = api.patch(address, {"name": "B"}, content_type="application/json")
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:compas:problem:label-exists")
    assert titles(api.get("/api/collections?tag=sol")) == ["Noche"]
    assert api.delete(f"/api/collections/labels/{second.pk}").status_code == 204
    assert api.get(f"/api/collections/{noche.pk}").json()["tags"] == ["Sol"]


@pytest.mark.parametrize("name", ["", " ", "!?", "a,b", "x" * 41, "a\nb\x07"])
def test_name__that_is_none__is_refused_at_its_field(api, noche, name):
    answer = change(api, noche, tags=[name])
    (field,) = answer.json()["errors"]
    assert (answer.status_code, field.removesuffix(".0"), Label.objects.count()) == (400, "tags", 0)
    if name.strip():
        assert list(change(api, noche, category=name).json()["errors"]) == ["category"]


@pytest.mark.parametrize("name", ["می‌خواهم", "👩‍👩‍👧", "शक्‍ति"], ids=ascii)
def test_name__with_joiners__is_taken_as_it_is_written(api, noche, name):
    answer = change(api, noche, tags=[name], category=name)
    assert (answer.json()["tags"], answer.json()["category"]) == ([name], name)
    assert titles(api.get("/api/collections", {"tag": name})) == ["Noche"]


def test_limits__for_one_choreography_and_for_one_user__hold(api, ana, noche, monkeypatch):
    assert change(api, noche, tags=[str(number) for number in range(11)]).status_code == 400
    monkeypatch.setattr(services, "MOST", {Label.Kind.TAG: 3, Label.Kind.CATEGORY: 1})
    assert change(api, noche, tags=["a", "b", "c"], category="x").status_code == 200
    more = change(api, make_choreography(ana), tags=["d"])
    assert (more.status_code, more.json()["type"]) == (409, "urn:compas:problem:quota-tags")
    assert change(api, make_choreography(ana), category="y").json()["type"] == "urn:compas:problem:quota-categories"
    assert change(api, noche, tags=["c", "d"]).status_code == 200, "a and b are free again"
    assert names(ana) == [("category", "x"), ("tag", "c"), ("tag", "d")]


def test_labels__of_others__are_neither_shown_nor_used(api, ana, ben, noche):
    his = make_choreography(ben)
    change_choreography(user=ben, choreography_id=his.pk, tags=["suyo"], category="Clase")
    assert api.get("/api/collections/labels").json()["results"] == []
    assert titles(api.get("/api/collections?tag=suyo")) == []
    change(api, noche, tags=["suyo"])
    assert titles(api.get("/api/collections?tag=suyo")) == ["Noche"]
    assert Label.objects.filter(key="suyo").count() == 2


def test_labels__choreography_given_to_another_user__stay_with_who_made_them(api, ana, ben, noche):
    change(api, noche, tags=["mio"], category="Clase")
    SavedChoreography.objects.update(user=ben)
    assert titles(api.get("/api/collections?tag=mio")) == []
    api.force_login(ben)
    assert api.get(f"/api/collections/{noche.pk}").json()["tags"] == []
    assert change(api, noche, tags=["suyo"], category="Otra").json()["category"] == "Otra"


def test_labels__original_deletes_the_choreography_and_then_the_user__are_gone(ana, noche):
    change_choreography(user=ana, choreography_id=noche.pk, tags=["a"], category="x")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM saved_choreographies")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert Labelling.objects.count() == 0
        cursor.execute("DELETE FROM users WHERE id = %s", [ana.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert Label.objects.count() == 0


ASKED = ("tag=a", "category=x", "tag=a&category=x", "tag=a&sort=oldest", "tag=a&search=noc", "category=x&tag=a&q=noche")


def test_list_by_label__pages__hold_each_once(api, ana):
    for number in range(9):
        row = make_choreography(ana, title="Noche")
        change_choreography(
            user=ana, choreography_id=row.pk, tags=["a"] * (number % 3 < 2), category="x" * (number % 2)
        )
    for asked, size in product(ASKED, (1, 4)):
        wanted = SavedChoreography.objects.order_by(*SORTS["oldest" if "oldest" in asked else "newest"])
        for kind, name in (("tag", "a"), ("category", "x")):
            if f"{kind}=" in asked:
                wanted = wanted.filter(pk__in=Labelling.objects.filter(label__key=name).values("choreography"))
        pages, address = [], f"/api/collections?{asked}&page_size={size}"
        while address:
            page = api.get(address).json()
            pages.append([row["id"] for row in page["results"]])
            address = page["next"]
        assert list(chain(*pages)) == [str(row.pk) for row in wanted], (asked, size)
        assert {len(page) for page in pages[:-1]} <= {size}, (asked, size)


@pytest.mark.parametrize("asked", ["tag=a", "category=x"])
def test_list_by_label__further_page__enters_the_index_at_the_cursors_place(api, ana, asked):
    """So page 10,000 costs what page 1 costs; script/bench collection measures it."""
    for _ in range(3):
        change(api, make_choreography(ana), tags=["a"], category="x")
    further = api.get(f"/api/collections?{asked}&page_size=1").json()["next"]
    with CaptureQueriesContext(connection) as captured:
        api.get(further)
    (listed,) = [query["sql"] for query in captured if query["sql"].endswith("LIMIT 2")]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {listed}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    entered = re.search(r"labellings_newest_idx.*\n\s+Index Cond: (.*)", plan)[1]
    assert "ROW(created_at, id) < ROW(" in entered
    assert "Sort" not in plan


def test_list_by_label__difficulty__is_a_filter_too(api, ana, noche):
    change(api, noche, tags=["a"])
    change(api, make_choreography(ana, title="Sol", difficulty="advanced"), tags=["a"])
    assert titles(api.get("/api/collections?tag=a&difficulty=advanced")) == ["Sol"]


def test_list__in_one_statement_for_the_labels_of_all(api, ana, django_assert_max_num_queries):
    for _ in range(5):
        change(api, make_choreography(ana), tags=["a", "b"], category="x")
    with django_assert_max_num_queries(6):
        api.get("/api/collections?tag=a")


def test_set_tags__two_at_once__both_end_and_one_stays(own_database):
    """Both name the same new tag: without the user's lock one would fail."""
    ana = make_user()
    rows = [make_choreography(ana) for _ in range(4)]

    def label(row: SavedChoreography) -> int:
        try:
            client = Client()
            client.force_login(ana)
            return change(client, row, tags=["a", "b"], category="x").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(label, rows)) == {200}
    assert (Label.objects.count(), Labelling.objects.count()) == (3, 12)


def test_set_tags__original_deletes_the_choreography_meanwhile__is_not_found(own_database):
    ana = make_user()
    row = make_choreography(ana)

    def label() -> None:
        try:
            change_choreography(user=ana, choreography_id=row.pk, tags=["a"])
        finally:
            connection.close()

    with psycopg.connect(own_database.url("original_app")) as original, ThreadPoolExecutor(1) as threads:
        original.execute("DELETE FROM saved_choreographies WHERE id = %s", [row.pk])
        labelled = threads.submit(label)
        wait_until_sessions_wait(own_database)
        original.commit()
        with pytest.raises(NotFoundError):
            labelled.result()
    assert Label.objects.count() == 0
