"""Pages by cursor, in every order, while rows are added and deleted."""

from datetime import UTC, datetime, timedelta
from itertools import chain, product

import pytest
from django.core import signing
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework.request import Request

from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.collections.selectors import SORTS, choreographies_of
from config.pagination import Keyset
from tests.evolving import spelled
from tests.test_collections import make_choreography

NAN, INF = float("nan"), float("inf")


def walk(client: Client, address: str, step: str = "next") -> list[list[str]]:
    pages = []
    while address:
        page = client.get(address).json()
        pages.append([row["id"] for row in page["results"]])
        address = page[step]
    return pages


@pytest.fixture
def rows(ana) -> list[SavedChoreography]:
    """Rows that are equal in the field they are ordered by, more than a page of each kind; untidy ones too."""
    titles = ["", "a", "A", "ä", "a", "Zz", "💃"]
    durations = [30.0, NAN, 30.0, -1.5, INF, 0.1 + 0.2, NAN]
    made = [make_choreography(ana, title=titles[n % 7], duration=durations[n % 7]) for n in range(42)]
    when = datetime(2026, 1, 1, tzinfo=UTC)
    for number, row in enumerate(made):
        SavedChoreography.objects.filter(pk=row.pk).update(created_at=when + timedelta(microseconds=number // 10))
    return made


def test_pages__in_every_order_and_size__hold_every_row_once(api, ana, rows):
    for sort, size in product(SORTS, (1, 5, 100)):
        pages = walk(api, f"/api/collections?sort={sort}&page_size={size}")
        ordered = [str(pk) for pk in choreographies_of(ana).order_by(*SORTS[sort]).values_list("pk", flat=True)]
        assert list(chain(*pages)) == ordered, (sort, size)
        assert {len(page) for page in pages[:-1]} <= {size}, (sort, size)


@pytest.mark.parametrize("sort", SORTS)
def test_pages__backwards__are_the_same_pages(api, rows, sort):
    address = f"/api/collections?sort={sort}&page_size=10"
    pages = [api.get(address).json()]
    while pages[-1]["next"]:
        pages.append(api.get(pages[-1]["next"]).json())
    back = walk(api, pages[-1]["previous"], "previous")
    assert back[::-1] == [[row["id"] for row in page["results"]] for page in pages[:-1]]
    assert pages[0]["previous"] is None


@pytest.mark.parametrize("sort", SORTS)
def test_pages__rows_come_and_go_meanwhile__the_others_are_neither_doubled_nor_skipped(api, ana, rows, sort):
    first = api.get(f"/api/collections?sort={sort}&page_size=10").json()
    seen = [row["id"] for row in first["results"]]
    # The row that the cursor names, one before it that equals others, and new ones of every kind.
    SavedChoreography.objects.filter(pk__in=[seen[-1], seen[3]]).delete()
    for duration, title in [(NAN, ""), (30.0, "a"), (-9.0, "~")]:
        make_choreography(ana, title=title, duration=duration)
    rest = list(chain(*walk(api, first["next"])))
    assert len(set(rest)) == len(rest)
    assert not set(rest) & set(seen)
    assert {str(row.pk) for row in rows} <= set(rest) | set(seen)


@pytest.mark.parametrize("cursor", ["", "x", "bz0xMDA=", "\0", "💃", signing.dumps(1)], ids=range(6))
def test_cursor__that_is_none_of_ours__is_400(api, rows, cursor):
    answer = api.get("/api/collections", {"cursor": cursor})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["cursor"])


def test_cursor__of_another_order__is_400(api, rows):
    by_title = api.get("/api/collections?sort=title").json()["next"]
    answer = api.get(by_title.replace("sort=title", "sort=duration"))
    assert answer.status_code == 400
    assert answer.json()["detail"] == "This cursor is unknown, or of another order. Begin without one."


def test_page_size__is_bounded_and_nonsense_is_refused(api, rows):
    assert len(api.get("/api/collections?page_size=3").json()["results"]) == 3
    for nonsense in ("0", "-1", "x", "1.5", "1e3", "", str(10**18 + 1)):
        refused = api.get(f"/api/collections?page_size={nonsense}")
        assert (refused.status_code, list(refused.json()["errors"])) == (400, ["page_size"]), nonsense
        empty = api.get(f"/api/collections?category=none&page_size={nonsense}")
        assert empty.status_code == 400, "also where there is nothing to page through"
    for _ in range(60):
        make_choreography(SavedChoreography.objects.first().user)
    assert len(api.get("/api/collections?page_size=1000").json()["results"]) == 100


def test_tasks__are_paged_by_the_same_rules(api, ana):
    for number in range(25):
        ChoreographyTask.objects.create(task_id=f"t/{number:02}", user=ana)
    ChoreographyTask.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    first = api.get("/api/choreography/tasks").json()
    second = api.get(first["next"]).json()
    ids = [row["task_id"] for row in first["results"] + second["results"]]
    assert ids == sorted((spelled(f"t/{number:02}") for number in range(25)), reverse=True)
    assert second["next"] is None


@pytest.mark.parametrize("order", [("-duration", "-pk"), ("title", "pk")])
def test_pages__key_named_in_the_order__hold_every_row_once_by_one_comparison(ana, rows, order):
    """One comparison of rows is what an index is entered with; an OR of several would read it from its beginning."""
    queryset, address, seen = choreographies_of(ana).order_by(*order), "/?page_size=5", []
    while address:
        pages = Keyset()
        with CaptureQueriesContext(connection) as captured:
            seen += pages.paginate_queryset(queryset, Request(RequestFactory().get(address)))
        assert " OR " not in captured[0]["sql"]
        address = pages.get_next_link()
    assert seen == list(queryset)
