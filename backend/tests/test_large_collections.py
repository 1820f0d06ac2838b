"""Lists of a large collection are read in order from an index, and are as true as those of a small one."""

import re
from datetime import timedelta
from itertools import chain, product

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.collections.models import SavedChoreography
from apps.collections.selectors import SORTS, choreographies_of
from apps.titles import following
from apps.titles.models import TitleDocument, TitlePass
from tests.conftest import make_user
from tests.test_collections import make_choreography
from tests.test_pagination import rows, walk

__all__ = ["rows"]

LEVELS = ("beginner", "intermediate", "advanced")


@pytest.fixture
def large(ana, rows, monkeypatch) -> list[SavedChoreography]:
    """Rows of all three levels, followed, of a user who counts as one with many; and one of another user."""
    for number, row in enumerate(rows):
        SavedChoreography.objects.filter(pk=row.pk).update(difficulty=LEVELS[number % 3])
    make_choreography(make_user("other"))
    monkeypatch.setattr(following, "LOOKED_AT", 0)
    following.TitleSweep()()
    return rows


def fresh(ana) -> list[SavedChoreography]:
    """Save rows as the original does: none has a document."""
    return [make_choreography(ana, title=title, difficulty="advanced", duration=31.0) for title in ("a", "Zz", "")]


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def reads_documents(api, address: str) -> bool:
    with CaptureQueriesContext(connection) as captured:
        assert api.get(address).status_code == 200
    return any('FROM "title_documents"' in query["sql"] for query in captured)


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.thinned(to_one_in=4)
def test_pages__in_every_order__hold_every_row_once_with_and_without_a_document(api, ana, large, sort):
    fresh(ana)
    assert reads_documents(api, f"/api/collections?sort={sort}")
    for level, size in product(("", *LEVELS), (1, 7, 100)):
        pages = walk(api, f"/api/collections?sort={sort}&page_size={size}&difficulty={level}")
        wanted = [str(row.pk) for row in choreographies_of(ana, sort=sort, difficulty=level)]
        assert list(chain(*pages)) == wanted, (level, size)
        assert {len(page) for page in pages[:-1]} <= {size}


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.thinned(to_one_in=4)
def test_pages__backwards__are_the_same_pages(api, ana, large, sort):
    fresh(ana)
    pages = [api.get(f"/api/collections?sort={sort}&page_size=10").json()]
    while pages[-1]["next"]:
        pages.append(api.get(pages[-1]["next"]).json())
    back = walk(api, pages[-1]["previous"], "previous")
    assert back[::-1] == [[row["id"] for row in page["results"]] for page in pages[:-1]]
    assert pages[0]["previous"] is None


@pytest.mark.parametrize(
    ("sort", "index"),
    [("newest", "newest"), ("oldest", "newest"), ("title", "title"), ("duration", "length")],
)
def test_further_page__enters_the_index_of_its_order_at_the_cursors_place(api, large, sort, index):
    further = api.get(f"/api/collections?sort={sort}&page_size=5").json()["next"]
    with CaptureQueriesContext(connection) as captured:
        api.get(further)
    (listed,) = [query["sql"] for query in captured if "UNION ALL" in query["sql"]]
    with connection.cursor() as cursor:
        for kind in ("seqscan", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{kind} = off")
        cursor.execute(f"EXPLAIN {listed}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    entered = re.search(rf"title_documents_{index}_idx.*\n\s+Index Cond: (.*)", plan)[1]
    assert "user_id = " in entered and "ROW(" in entered, plan  # noqa: PT018 - one condition


def test_row__that_the_original_changes__is_shown_as_it_is_and_moves_with_the_next_sweep(api, ana, large):
    first = choreographies_of(ana, sort="title").first()
    SavedChoreography.objects.filter(pk=first.pk).update(title="~ last of all")
    for size in (1, 10):
        pages = walk(api, f"/api/collections?sort=title&page_size={size}")
        assert sorted(chain(*pages)) == sorted(str(row.pk) for row in large), "each once"
    assert api.get("/api/collections?sort=title").json()["results"][0]["title"] == "~ last of all"
    following.TitleSweep()()
    assert list(chain(*walk(api, "/api/collections?sort=title"))) == [
        str(row.pk) for row in choreographies_of(ana, sort="title")
    ]


def test_row__whose_level_the_original_changes__follows_with_the_next_sweep(api, ana, large):
    changed = choreographies_of(ana, difficulty="beginner").first()
    SavedChoreography.objects.filter(pk=changed.pk).update(difficulty="advanced")
    assert str(changed.pk) not in ids(api.get("/api/collections?difficulty=beginner&page_size=100"))
    assert str(changed.pk) in ids(api.get("/api/collections?page_size=100"))
    following.TitleSweep()()
    assert str(changed.pk) in ids(api.get("/api/collections?difficulty=advanced&page_size=100"))


def test_row__that_the_backend_changes__moves_at_once(api, ana, large):
    changed = choreographies_of(ana, sort="title", difficulty="beginner").first()
    body = {"title": "💃💃", "difficulty": "advanced"}
    assert api.patch(f"/api/collections/{changed.pk}", body, content_type="application/json").status_code == 200
    assert ids(api.get("/api/collections?sort=title&page_size=100"))[-1] == str(changed.pk)
    assert str(changed.pk) in ids(api.get("/api/collections?difficulty=advanced&page_size=100"))


def test_row__that_is_given_to_another_user__is_not_shown_any_more(api, ana, large):
    SavedChoreography.objects.filter(pk=large[0].pk).update(user=make_user("new"))
    assert sorted(ids(api.get("/api/collections?page_size=100"))) == sorted(str(row.pk) for row in large[1:])


def test_page__of_rows_deleted_meanwhile__goes_on(api, ana, large):
    first = api.get("/api/collections?page_size=10").json()
    SavedChoreography.objects.filter(pk__in=[row["id"] for row in first["results"]]).delete()
    rest = list(chain(*walk(api, first["next"])))
    assert sorted(rest) == sorted(str(row.pk) for row in choreographies_of(ana))


def test_list__before_the_first_whole_pass__is_sorted_from_the_rows(api, ana, large):
    TitlePass.objects.all().delete()
    TitleDocument.objects.all().delete()
    assert not reads_documents(api, "/api/collections")
    assert ids(api.get("/api/collections?page_size=100")) == [str(row.pk) for row in choreographies_of(ana)]


def test_further_page__is_read_as_the_first_was(api, ana, large, monkeypatch):
    of_many = api.get("/api/collections?page_size=10").json()
    monkeypatch.setattr(following, "LOOKED_AT", 5_000)
    of_few = api.get("/api/collections?page_size=10").json()
    assert reads_documents(api, of_many["next"])
    assert ids(api.get(of_many["next"])) == ids(api.get(of_few["next"]))
    monkeypatch.setattr(following, "LOOKED_AT", 0)
    assert not reads_documents(api, of_few["next"])


def test_old_row__whose_document_is_missing__is_what_the_pass_is_for(api, ana, large):
    """The negative control: a row that a pass says to have followed, and has not, is not in the list."""
    TitleDocument.objects.filter(pk=large[0].pk).delete()
    assert str(large[0].pk) not in ids(api.get("/api/collections?page_size=100"))
    TitlePass.objects.update(began_at=large[0].created_at)
    SavedChoreography.objects.filter(pk=large[0].pk).update(created_at=large[0].created_at + timedelta(seconds=1))
    assert str(large[0].pk) in ids(api.get("/api/collections?page_size=100"))


def test_pass__that_left_a_row__is_not_noted(own_database):
    ana, ben = make_user("ana"), make_user("ben")
    make_choreography(ana, title="Noche")
    make_choreography(ben, title="Sol")
    with psycopg.connect(own_database.url("original_app")) as original:
        original.execute("SELECT FROM users WHERE id = %s FOR UPDATE", [ana.pk])
        following.TitleSweep()()
        assert (TitleDocument.objects.count(), following.passed_since()) == (1, None)
    following.TitleSweep()()
    assert TitleDocument.objects.count() == 2
    assert following.passed_since() is not None


def test_list__of_few__is_found_by_the_user_whatever_the_planner_expects(api, ana, rows):
    """Not along the index of all users' rows by time: a user whose rows are all old would wait for all others'."""
    with CaptureQueriesContext(connection) as captured:
        api.get("/api/collections?sort=oldest")
    (listed,) = [query["sql"] for query in captured if 'COALESCE("saved' in query["sql"]]
    with connection.cursor() as cursor:
        for kind in ("seqscan", "bitmapscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{kind} = off")
        cursor.execute(f"EXPLAIN {listed}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Sort Key: (COALESCE" in plan
        assert "created_at_" not in plan
        plainly = re.sub(r"COALESCE.([^,]+), [^)]+.", r"\1", listed)
        cursor.execute(f"EXPLAIN {plainly}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "created_at_" in plan, "the control: by the plain order it goes along that index"
