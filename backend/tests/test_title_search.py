"""Search by words: what is found, in which order, whoever wrote it, and of whose."""

from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.db.models import F, Value

from apps.collections import search
from apps.collections.models import SavedChoreography
from apps.titles import following
from apps.titles.models import TitleDocument, TitleWord
from tests.conftest import make_user
from tests.test_collections import make_choreography


def titles(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [row["title"] for row in answer.json()["results"]]


def find(client, q: str, **wanted: str) -> list[str]:
    return titles(client.get("/api/collections", {"q": q, **wanted}))


@pytest.fixture(params=["few", "followed", "many"])
def kept(request, ana, monkeypatch):
    """Return a function that keeps titles, the first the newest; the ways in which they are searched."""

    def keep(*wanted: str, user=ana) -> list[SavedChoreography]:
        made = [make_choreography(user, title=title) for title in wanted]
        for number, row in enumerate(made):
            when = row.created_at - timedelta(minutes=number)
            SavedChoreography.objects.filter(pk=row.pk).update(created_at=when)
        if request.param != "few":
            following.follow_slice(following.FIRST)
        if request.param == "many":
            monkeypatch.setattr(following, "LOOKED_AT", 0)
        return made

    return keep


def test_search__best_match_first__then_the_newest(api, kept):
    kept("Noche larga", "Una noche", "Nochecita", "Noche", "Sol", "La noche de demo")
    assert find(api, "noche") == ["Noche", "Noche larga", "Una noche", "La noche de demo", "Nochecita"]
    assert find(api, "noc") == ["Noche larga", "Una noche", "Nochecita", "Noche", "La noche de demo"]
    assert find(api, "noche la") == ["La noche de demo", "Noche larga"]


def test_search__accents_case_and_signs_do_not_count(api, kept):
    kept("La canción del niño", "Otra")
    for q in ("cancion del nino", "CANCIÓN  del Niño", "niño, canción!", "canc nin", "cancion_nino"):
        assert find(api, q) == ["La canción del niño"], q


def test_search__stop_words_are_words_like_others(api, kept):
    words = ["la", "the", "de", "y", "and", "los", "is"]
    kept(*(f"{word} Noche" for word in words))
    for word in words:
        assert find(api, word)[0] == f"{word} Noche"
        assert find(api, f"noche {word}")[0] == f"{word} Noche"


def test_search__mistyped__finds_what_is_alike(api, kept):
    kept("La bachata", "Salsa", "La noche")
    for q in ("bachatta", "bahcata", "bachsta", "vachata", "la bachatta"):
        assert find(api, q) == ["La bachata"], q


def test_search__something_matches_as_typed__nothing_alike_is_shown(api, kept):
    kept("Rosa", "Rosas", "Rusa")
    assert find(api, "rosa") == ["Rosa", "Rosas"]


@pytest.mark.parametrize("q", ["xyzzy", "!!!", "' | 1:*", "a\\", "noche & !sol", "1:noche", "%", "💃"])
def test_search__nothing_matches__is_an_empty_list(api, kept, q):
    kept("Sol")
    assert find(api, q) == []


@pytest.mark.parametrize(
    "title", ["💃 fuego", "O'Brien's", "C++ | a:* & b", "夜のバチャータ", "ﷺ", "Straße", "a" * 200]
)
def test_search__any_title_is_found_by_itself(api, kept, title):
    kept(title, "Sol")
    assert find(api, title) == [title]


def test_search__song_of_an_auto_saved_choreography__is_found(api, ana, kept):
    made = kept("Auto-saved Choreography", "Sol")[0]
    SavedChoreography.objects.filter(pk=made.pk).update(music_info={"source": "mi_corazon.mp3"})
    following.follow_slice(following.FIRST)
    assert find(api, "corazón") == ["Auto-saved Choreography"]


def test_search__untidy_rows__are_found_by_their_title(api, kept):
    untidy = [None, [], "x", 5, {"source": None}, {"source": {"a": 1}}, {"other": "x"}]
    for made, music_info in zip(kept(*(["Noche"] * 7)), untidy, strict=True):
        SavedChoreography.objects.filter(pk=made.pk).update(music_info=music_info)
    following.follow_slice(following.FIRST)
    assert find(api, "noche") == ["Noche"] * 7


def test_search__of_another_user__finds_nothing(api, ben, kept):
    kept("Noche", "Bachata", user=ben)
    assert [find(api, q) for q in ("noche", "noch", "bachatta")] == [[], [], []]


def test_search__row_given_to_another_user__is_found_by_that_user_alone(api, ana, ben, kept):
    made = kept("Noche")[0]
    SavedChoreography.objects.filter(pk=made.pk).update(user=ben)
    assert find(api, "noche") == []
    api.force_login(ben)
    following.follow_slice(following.FIRST)
    assert find(api, "noche") == ["Noche"]


def test_search__title_changed_by_the_original__is_found_at_once_and_no_longer_as_it_was(api, ana):
    """The original changes the row in place; the document still says the old title."""
    made = make_choreography(ana, title="Noche")
    following.follow_slice(following.FIRST)
    SavedChoreography.objects.filter(pk=made.pk).update(title="Sol")
    assert (find(api, "noche"), find(api, "sol")) == ([], ["Sol"])


def test_search__many_rows__what_the_original_wrote_is_found_after_the_next_sweep(api, ana, monkeypatch):
    monkeypatch.setattr(following, "LOOKED_AT", 0)
    made = make_choreography(ana, title="Noche")
    following.follow_slice(following.FIRST)
    SavedChoreography.objects.filter(pk=made.pk).update(title="Sol")
    assert (find(api, "noche"), find(api, "sol")) == ([], []), "what is no longer true is never shown"
    following.TitleSweep()()
    assert find(api, "sol") == ["Sol"]


def test_search__many_rows__own_writes_are_found_at_once(api, ana, monkeypatch):
    monkeypatch.setattr(following, "LOOKED_AT", 0)
    body = {"title": "Noche", "difficulty": "beginner", "video_path": "x.mp4", "duration": 1}
    made = api.post("/collections/save/", body).json()["choreography_id"]
    assert find(api, "noche") == ["Noche"]
    api.patch(f"/api/collections/{made}", {"title": "Sol"}, content_type="application/json")
    assert (find(api, "noche"), find(api, "sol")) == ([], ["Sol"])


def test_search__deleted_by_either_system__is_gone_with_its_document(api, ana):
    made = make_choreography(ana, title="Noche")
    following.follow_slice(following.FIRST)
    with connection.cursor() as cursor:  # as the original: no code of ours
        cursor.execute("DELETE FROM saved_choreographies WHERE id = %s", [made.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert (find(api, "noche"), TitleDocument.objects.count()) == ([], 0)


def test_words__that_no_title_has_any_more__are_forgotten(ana, ben):
    made = make_choreography(ana, title="Noche larga")
    make_choreography(ana, title="Larga")
    make_choreography(ben, title="Noche")
    following.TitleSweep()()
    made.delete()
    following.TitleSweep()()
    words = set(TitleWord.objects.exclude(word="").values_list("user__username", "word"))
    assert words == {("ana", "larga"), ("ben", "noche")}


@pytest.mark.parametrize("looked_at", [5_000, 0])
@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.thinned(to_one_in=3)
def test_search__pages__hold_every_match_once_in_order(api, ana, monkeypatch, looked_at, size):
    monkeypatch.setattr(search, "WINDOW", 4)
    names = ["Noche", "Noche larga", "Nochecita", "Sol", "Una noche"]
    for number in range(25):
        make_choreography(ana, title=names[number % 5])
    following.follow_slice(following.FIRST)
    monkeypatch.setattr(following, "LOOKED_AT", looked_at)
    seen, address = [], f"/api/collections?q=noche&page_size={size}"
    while address:
        page = api.get(address).json()
        seen += [(row["title"], row["created_at"], row["id"]) for row in page["results"]]
        address = page["next"]
    rank = {"Noche": 1, "Noche larga": 2, "Una noche": 2, "Nochecita": 3}
    rows = SavedChoreography.objects.exclude(title="Sol").order_by("-created_at", "-id")
    wanted = [str(row.pk) for row in sorted(rows, key=lambda row: rank[row.title])]
    assert [key for *_, key in seen] == wanted


def test_search__filters__hold(api, ana, kept):
    kept("Noche", "Noche dos")
    SavedChoreography.objects.filter(title="Noche dos").update(difficulty="advanced")
    assert find(api, "noche", difficulty="advanced") == ["Noche dos"]
    assert find(api, "noche", search="dos") == ["Noche dos"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"q": "x" * 201}, "q"),
        ({"q": "a\0"}, "q"),
        ({"q": "a", "sort": "title"}, "sort"),
        ({"q": "a", "cursor": "x"}, "cursor"),
    ],
)
def test_search__that_cannot_be__is_refused(api, asked, field):
    answer = api.get("/api/collections", asked)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])


def test_cursor__of_another_search__is_refused(api, ana):
    for _ in range(3):
        make_choreography(ana, title="Noche")
    other = api.get("/api/collections?q=noche&page_size=1").json()["next"].replace("q=noche", "q=noc")
    assert api.get(other).status_code == 400


def test_search__documents_of_an_older_rule_for_words__do_not_count_and_are_made_again(api, ana):
    make_choreography(ana, title="Noche")
    following.follow_slice(following.FIRST)
    TitleDocument.objects.update(mark=F("mark") + 1, words=Value(f"'{ana.pk}:noche' '{ana.pk}:old'"))
    assert (find(api, "noche"), find(api, "old")) == (["Noche"], [])
    following.follow_slice(following.FIRST)
    assert "old" not in TitleDocument.objects.get().words


def test_search__writes_nothing(api, ana):
    make_choreography(ana, title="Noche")
    find(api, "noche")
    assert TitleDocument.objects.count() == 0


def test_follow__row_that_another_session_deletes__is_left_without_waiting(own_database):
    """The original's delete is neither held up nor made to fail, and nothing refers to what is gone."""
    ana = make_user()
    made = [make_choreography(ana, title="Noche"), make_choreography(ana, title="Sol")]
    with psycopg.connect(own_database.url("original_app")) as original:
        original.execute("DELETE FROM saved_choreographies WHERE id = %s", [made[0].pk])
        following.follow_slice(following.FIRST)
        original.commit()
    assert [document.title for document in TitleDocument.objects.all()] == ["Sol"]


def test_follow__user_whose_row_is_locked__is_left_without_waiting(own_database):
    ana, ben = make_user("ana"), make_user("ben")
    make_choreography(ana, title="Noche")
    make_choreography(ben, title="Sol")
    with psycopg.connect(own_database.url("original_app")) as original:
        original.execute("SELECT FROM users WHERE id = %s FOR UPDATE", [ana.pk])
        following.follow_slice(following.FIRST)
        assert [document.title for document in TitleDocument.objects.all()] == ["Sol"]
    following.follow_slice(following.FIRST)
    assert TitleDocument.objects.count() == 2
    assert set(TitleWord.objects.values_list("word", flat=True)) == {"noche", "sol"}


def test_document__row_deleted_while_it_is_written__is_not_written(ana):
    made = make_choreography(ana, title="Noche")
    rows = following.unfollowed(ana.pk)
    made.delete()
    following._write(rows)
    assert TitleDocument.objects.count() == 0
