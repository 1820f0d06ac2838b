"""The page of the collection: find by words and labels, and change in place."""

import re
from html import unescape

import pytest
from django.test import Client

from apps.collections import pages
from apps.collections.models import SavedChoreography
from apps.collections.services import change_choreography
from apps.labels.selectors import labels_by_choreography
from apps.sharing.favourites import add_favourite
from tests.sharing import shared
from tests.test_web import HTMX, save, text


def shown(client: Client, query: str) -> list[str]:
    """Return the titles on the page, asked for at the address that the original has too."""
    return re.findall(r"<h2>(.*?)</h2>", text(client.get(f"/collections/?{query}", follow=True)))


@pytest.fixture
def labelled(ana) -> SavedChoreography:
    saved = save(ana, title="Noche")
    change_choreography(user=ana, choreography_id=saved.pk, tags=["lento", "a&b"], category="Clase de sábado")
    save(ana, title="Nochecita", difficulty="advanced")
    save(ana, title="Sol", music_info={"source": "songs/mi_cielo.mp3"})
    return saved


def post(client: Client, row: SavedChoreography, was: dict[str, str] | None = None, **values: str):
    before = {"title": row.title, "difficulty": row.difficulty, "category": "", "tags": ""} | (was or {})
    sent = {f"was_{name}": value for name, value in before.items()} | before | values
    return client.post(f"/collection/{row.pk}/edit?part=kept", sent, headers=HTMX)


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("q=noche", ["Noche", "Nochecita"]),
        ("q=nochee", ["Noche", "Nochecita"]),
        ("q=cielo", ["Sol"]),
        ("q=noche&difficulty=advanced", ["Nochecita"]),
        ("tag=lento", ["Noche"]),
        ("tag=a%26b&category=clase+de+sabado", ["Noche"]),
        ("category=other", []),
        ("search=cielo", ["Sol"]),
        ("search=OCHE&sort=oldest", ["Noche", "Nochecita"]),
        ("difficulty=none&sort=none", ["Sol", "Nochecita", "Noche"]),
        ("q=noche&sort=title&page=1", ["Noche", "Nochecita"]),
        ("q=%00", ["Sol", "Nochecita", "Noche"]),
    ],
)
@pytest.mark.thinned(to_one_in=4)
def test_collection__is_found_by_words_labels_and_as_in_the_original(api, labelled, query, titles):
    assert shown(api, query) == titles


def test_collection__nothing_found__says_what_to_do(api, labelled):
    page = text(api.get("/collection?q=xyzzy"))
    assert "Nothing found. Try fewer words, or other filters." in page
    assert 'value="xyzzy"' in page


def test_collection__pages_of_a_search__lead_on_and_to_the_first(api, ana):
    for number in range(13):
        save(ana, title=f"Noche {number:02}")
    first = text(api.get("/collection?q=noche"))
    more = re.search(r'rel="next" href="([^"]+)"', first)[1]
    second = text(api.get(more, follow=True))
    assert re.findall(r"<h2>(.*?)</h2>", second) == ["Noche 00"]
    assert 'href="/collections/?q=noche">First page' in second


def test_collection__labels_lead_to_what_has_them(api, labelled):
    page = text(api.get("/collection"))
    links = re.findall(r'class="(?:tag|category)" href="/collections/\?([^"]+)"', page)
    assert [shown(api, link) for link in links] == [["Noche"]] * 3
    assert "<option>Clase de sábado</option>" in page


def test_edit__form_in_place__has_what_is_there(api, labelled):
    form = text(api.get(f"/collection/{labelled.pk}/edit?part=kept", headers=HTMX))
    assert "<html" not in form
    assert 'name="tags" value="a&b, lento"' in form
    assert 'name="category" value="Clase de sábado"' in form
    assert 'hx-target="closest .kept"' in form
    assert "<html" in text(api.get(f"/collection/{labelled.pk}/edit"))


def test_edit__link__is_an_address_that_the_original_has_too(api, labelled):
    """Without scripts it leads to the form; after a way back, to the original's."""
    link = re.search(r'class="change" href="([^"]+)"', text(api.get(f"/collection/{labelled.pk}")))[1]
    assert link == f"/collections/{labelled.pk}/edit/"
    assert 'class="edit"' in text(api.get(link, follow=True))


def test_edit__saved_in_place__shows_the_card_anew(api, ana):
    row = save(ana)
    card = text(post(api, row, title="Sol", tags="fuego, Lento", category="Fiesta"))
    assert "<html" not in card
    assert re.findall(r'class="(?:tag|category)"[^>]*>([^<]+)<', card) == ["Fiesta", "fuego", "Lento"]
    assert "<h2>Sol</h2>" in card
    about = text(api.get(f"/collection/{row.pk}?part=about", headers=HTMX))
    assert '<h1 id="title" hx-swap-oob="true">Sol</h1>' in about


def test_edit__without_scripts__leads_back_by_an_address_of_both(api, ana):
    row = save(ana)
    answer = api.post(f"/collection/{row.pk}/edit", {"title": "Sol", "was_title": row.title, "difficulty": ""})
    assert (answer.status_code, answer["Location"]) == (302, f"/collections/{row.pk}/")
    assert SavedChoreography.objects.get().title == "Sol"


def test_edit__writes_only_what_was_changed_in_the_form(api, ana):
    """The original wrote another title while the form was open."""
    row = save(ana)
    SavedChoreography.objects.update(title="Of the original")
    assert post(api, row, difficulty="advanced").status_code == 200
    changed = SavedChoreography.objects.get()
    assert (changed.title, changed.difficulty) == ("Of the original", "advanced")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"title": ""}, "This field may not be blank."),
        ({"difficulty": "none"}, ""),
        ({"tags": "x" * 41}, "cannot be a name"),
        ({"category": "!"}, "cannot be a name"),
        ({"tags": ",".join(map(str, range(11)))}, "one choreography may have 10"),
    ],
)
def test_edit__that_cannot_be__keeps_the_form_and_says_why(api, ana, values, words):
    row = save(ana)
    answer = post(api, row, **values)
    assert (answer.status_code, words in text(answer), 'class="edit"' in text(answer)) == (400, True, True)
    assert SavedChoreography.objects.get().title == "Noche"


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (f"lento, {'x' * 201}", f"“{'x' * 40}…”: Ensure this field has no more than 200 characters."),
        ("lento, no\x07che", "“no�che”: Character 3 (U+0007) is a control character. Write one line without such."),
    ],
)
def test_edit__one_tag_that_cannot_be__is_named_with_the_reason(api, ana, tags, words):
    answer = post(api, save(ana), tags=tags)
    assert answer.status_code == 400
    assert re.findall(r'<p class="wrong" role="alert">(.*?)</p>', text(answer)) == [words]


def test_edit__one_tag_that_cannot_be__is_explained_in_the_language_of_the_page(api, ana):
    api.cookies["language"] = "es"
    answer = text(post(api, save(ana), tags="no\x07che"))
    assert "“no�che”: El carácter 3 (U+0007)" in answer


def test_edit__of_another_user__is_404(api, ben):
    row = save(ben)
    assert post(api, row, title="Mine").status_code == 404
    assert SavedChoreography.objects.get().title == "Noche"


def test_title_and_labels__with_markup__are_text(api, ana):
    row = save(ana, title="<mark>x</mark>")
    change_choreography(user=ana, choreography_id=row.pk, tags=["<i>\"'"], category="</option><mark>")
    for path in ("/collection?q=<mark>x", f"/collection/{row.pk}", f"/collection/{row.pk}/edit"):
        page = api.get(path).content.decode()
        assert not re.search(r"<mark>|<i>", page.split("<main")[1]), path


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Sol", "Mar", "Luna"]),
        ("sort=oldest", ["Luna", "Mar", "Sol"]),
        ("sort=title", ["Luna", "Mar", "Sol"]),
        ("sort=duration", ["Mar", "Sol", "Luna"]),
        ("sort=unknown&show=unknown", ["Sol", "Mar", "Luna"]),
        ("show=private", ["Luna"]),
        ("show=unlisted", ["Mar"]),
        ("show=public", ["Sol"]),
        ("show=favourites", ["Estrella", "Mar"]),
        ("show=favourites&sort=title", ["Estrella", "Mar"]),
        ("show=favourites&q=mar", ["Mar"]),
        ("show=public&q=mar", []),
        ("show=favourites&difficulty=advanced", []),
        ("search=mar&page=1", ["Mar"]),
    ],
)
@pytest.mark.thinned(to_one_in=4)
def test_collection__is_filtered_and_ordered(api, ana, ben, query, found):
    rows = {}
    for number, (title, visibility) in enumerate({"Luna": "private", "Mar": "unlisted", "Sol": "public"}.items()):
        rows[title] = shared(ana, visibility, title=title, duration=[10.0, 30.0, 20.0][number])
    his = shared(ben, title="Estrella")
    for row in (his, rows["Mar"]):
        add_favourite(user=ana, choreography_id=row.pk)
    assert shown(api, query) == found


def test_collection__of_a_search_among_favourites__goes_on_until_the_page_is_full(api, ana, monkeypatch):
    monkeypatch.setattr(pages, "WIDE", 3)
    rows = [shared(ana, "private", title=f"Noche {number:02}") for number in range(40)]
    for row in rows[::2]:
        add_favourite(user=ana, choreography_id=row.pk)
    first = api.get("/collection?show=favourites&q=noche").content.decode()
    more = unescape(re.search(r'rel="next" href="/collections/\?([^"]+)"', first)[1])
    second = api.get(f"/collection?{more}").content.decode()
    shown = [re.findall(r"<h2>Noche (\d+)</h2>", page) for page in (first, second)]
    assert [len(page) for page in shown] == [12, 8]
    assert shown[0] + shown[1] == [f"{number:02}" for number in range(38, -1, -2)]
    assert 'rel="next"' not in second


def test_collection__of_a_search_among_favourites__finds_those_of_others_too(api, ana, ben):
    for number in range(8):
        add_favourite(user=ana, choreography_id=shared(ana, "private", title=f"Noche {2 * number}").pk)
        add_favourite(user=ana, choreography_id=shared(ben, title=f"Noche {2 * number + 1}").pk)
    add_favourite(user=ana, choreography_id=shared(ben, title="Noche").pk)
    shared(ben, title="Noche of no mark")
    first = api.get("/collection?show=favourites&q=noche").content.decode()
    more = unescape(re.search(r'rel="next" href="/collections/\?([^"]+)"', first)[1])
    second = api.get(f"/collection?{more}").content.decode()
    found = [re.findall(r"<h2>(Noche.*?)</h2>", page) for page in (first, second)]
    assert found[0] + found[1] == ["Noche", *(f"Noche {number}" for number in range(15, -1, -1))]
    assert shown(api, "show=favourites&q=noche&difficulty=advanced") == []
    assert shown(api, "q=noche") == [f"Noche {number}" for number in range(14, -1, -2)]


def test_collection__of_one_who_keeps_nothing__leads_to_what_is_marked(api, ana, ben):
    assert "show=favourites" not in text(api.get("/collection"))
    add_favourite(user=ana, choreography_id=shared(ben, title="Estrella").pk)
    assert 'href="/collections/?show=favourites"' in text(api.get("/collection"))
    assert shown(api, "show=favourites") == ["Estrella"]


def test_edit__of_tags_in_two_tabs__loses_none(api, ana):
    row = save(ana, title="Noche")
    change_choreography(user=ana, choreography_id=row.pk, tags=["lento", "viejo"])
    was = {"tags": "lento, viejo"}
    for tags in ("lento, viejo, clase", "lento, fiesta"):
        assert post(api, row, was, tags=tags).status_code == 200
    assert labels_by_choreography([row.pk])[row.pk].tags == ["clase", "fiesta", "lento"]


def test_collection__tells_how_much_it_holds(api, ana):
    for difficulty, duration in (("beginner", 60.0), ("beginner", 120.0), ("advanced", float("nan"))):
        shared(ana, "private", difficulty=difficulty, duration=duration)
    page = api.get("/collection").content.decode()
    assert "3 choreographies · 3:00 of dancing, 1:30 each" in page
    assert ('difficulty=beginner">Beginner 2<' in page, 'difficulty=advanced">Advanced 1<' in page) == (True, True)
    assert "difficulty=intermediate" not in page
