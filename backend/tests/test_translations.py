"""The texts of the pages: each has a translation, and the compiled catalogue is of the sources."""

import ast
import re

import pytest
from django.template import Engine
from django.utils import translation

from apps.collections.models import SavedChoreography
from tests import translations
from web import language
from web.language import translated


def test_catalogue__has_every_text_translated_none_fuzzy_and_none_besides():
    po = translations.PO.read_text()
    known = translations.read_po(po)
    found = translations.texts()
    assert sorted(found - known.keys()) == [], "run script/translations, and translate them"
    assert sorted(known.keys() - found) == [], "run script/translations"
    assert [text for text, to in known.items() if not all(to)] == []
    assert "fuzzy" not in po
    assert len(found) > 300


def test_functions_that_say_something__are_all_there():
    assert translations.missing_in_sources(translations.SAYING) == set()
    assert translations.missing_in_sources({"admit", "_end_after"}) == {"_end_after"}


def test_compiled_files__are_of_the_catalogue():
    known = translations.read_po(translations.PO.read_text())
    assert translations.MO.read_bytes() == translations.mo_of(known), "run script/translations"
    assert translations.PATTERNS.read_text() == translations.patterns(), "run script/translations"


# Names, keys and units, which are the same in both languages.
SAME = {"Compás", "Shift", "L", "A", "B", "M", "F", "UTC"}


def test_templates__say_nothing_in_one_language_alone():
    files = sorted((translations.BACKEND / "web" / "templates").rglob("*.html"))
    assert {"_card.html", "account.html", "base.html"} < {file.name for file in files}
    bare = {file.name: translations.BareTexts(file.read_text()).found for file in files}
    assert {name: left for name, found in bare.items() if (left := [text for text in found if text not in SAME])} == {}


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ('<button type="submit">Save</button>', ["Save"]),
        ('<button>{% translate "Save" %}</button>', []),
        ('<img alt="A couple" src="a b.png">', ["A couple"]),
        ("{% if x %}<p>{{ title }} · by\n{{ name }}</p>{% endif %}", ["by"]),
        ("{% blocktranslate with name=x %}by {{ name }}{% endblocktranslate %}{# a note #}", []),
        ('<a data-copy="#link" data-copied="It is copied">♥ 3</a>', ["It is copied"]),
        ('<a data-offline="{% translate "No answer" %}"></a>', []),
    ],
)
def test_bare_text_of_a_template__is_found(template, found):
    assert translations.BareTexts(template).found == found


def test_card__in_spanish__has_no_english(api, ana):
    """Also where the systems gave the title; a title of the dancer's stays, whatever it says."""
    for title in ("Auto-saved Choreography", "", "Beginner"):
        columns = {"video_path": "x.mp4", "difficulty": "beginner", "duration": 1.0}
        SavedChoreography.objects.create(user=ana, title=title, **columns)
    shown = {}
    for code in ("en", "es"):
        api.cookies["language"] = code
        cards = re.findall(
            r'<li class="kept">(.*?)<div class="labels">', api.get("/collection").content.decode(), re.DOTALL
        )
        shown[code] = [" ".join(re.sub(r"<[^>]+>", " ", card).split()) for card in cards]
    day = r" \d+ \w+\.? \d{4}$"
    assert sorted(re.sub(day, "", card) for card in shown["en"]) == [
        "No video 0:01 Auto-saved Choreography Beginner",
        "No video 0:01 Beginner Beginner",
        "No video 0:01 Untitled Beginner",
    ]
    assert sorted(re.sub(day, "", card) for card in shown["es"]) == [
        "Sin vídeo 0:01 Beginner Principiante",
        "Sin vídeo 0:01 Coreografía guardada automáticamente Principiante",
        "Sin vídeo 0:01 Sin título Principiante",
    ]


def test_translations__keep_what_is_filled_in():
    for text, to in translations.read_po(translations.PO.read_text()).items():
        for each in to:
            for mark in ("{}", "{of}"):
                assert text[0].count(mark) == each.count(mark), each
            assert set(translations.FILLED.findall(" ".join(text))) >= set(translations.FILLED.findall(each)), each


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ('{% load i18n %}{% if x %}{% translate "One" %}{% endif %}', {("One",)}),
        (
            "{% load i18n %}{% for a in b %}{% blocktranslate %}Hi {{ a }}{% endblocktranslate %}{% endfor %}",
            {("Hi %(a)s",)},
        ),
        ("{% load i18n %}{% blocktranslate count n=1 %}a{% plural %}b{% endblocktranslate %}", {("a", "b")}),
        ('{% include "web/_field.html" with label=_("Two") %}', {("Two",)}),
        ("Bare", set()),
    ],
)
def test_text_of_a_template__is_found(template, found):
    assert set(translations.of_template(Engine.get_default().from_string(template))) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise InvalidError("Is bad.")', ["Is bad."]),
        ('raise QuotaError(f"You have {n} of {most + 1} here.", code="quota")', ["You have {} of {} here."]),
        ('raise InvalidError("x", errors={"title": ["Is too long."]})', ["Is too long."]),
        ('message = "Too late." if late else "Too early."', ["Too late.", "Too early."]),
        ('OVER = "It is over."\nraise NotFoundError(OVER, code="over")', ["It is over."]),
        ('LATE = "Too late."\nfail(lease, reason=LATE if late else "Too early.")', ["Too early.", "Too late."]),
        ('status, detail = 503, "Is away."', ["Is away."]),
        ('log.info("nothing here")', []),
        ('cursor.execute("SELECT a FROM b")', []),
    ],
)
def test_text_of_a_source__is_found(source, found):
    assert list(translations.of_source(ast.parse(source))) == found


def test_page__speaks_the_language_of_the_browser_until_another_is_chosen(client, db):
    spanish = client.get("/login", headers={"Accept-Language": "es-MX,es;q=0.9"})
    assert ('<html lang="es"' in spanish.content.decode(), "Hola de nuevo" in spanish.content.decode()) == (True, True)
    foot = re.findall(r'name="language" value="(..)"[^>]*>(.*?)<', spanish.content.decode())
    assert foot == [("en", "English"), ("es", "Español")]
    assert (spanish["Content-Language"], "Accept-Language" in spanish["Vary"]) == ("es", True)
    assert '<html lang="en"' in client.get("/login", headers={"Accept-Language": "fr"}).content.decode()
    chosen = client.post("/look", {"language": "en", "next": "/login"}, headers={"Accept-Language": "es"})
    assert chosen["Location"] == "/login"
    assert "Welcome back" in client.get("/login", headers={"Accept-Language": "es"}).content.decode()


def test_choice__that_there_is_not__is_left_out(client, db):
    answer = client.post("/look", {"language": "xx", "theme": "pink", "next": "https://evil.example/"})
    assert (answer["Location"], dict(answer.cookies)) == ("/studio", {})


def test_choice__of_a_member__is_remembered_in_the_account_for_another_browser(api, ana, client):
    api.post("/look", {"language": "es"})
    api.post("/look", {"theme": "dark"})
    ana.refresh_from_db()
    assert ana.preferences == {"language": "es", "theme": "dark"}
    answer = client.post("/login", {"login": "ana", "password": "secreto"})
    assert {name: answer.cookies[name].value for name in ("language", "theme")} == ana.preferences
    page = client.get("/studio").content.decode()
    assert ('data-theme="dark"' in page, "¿Qué bailamos?" in page) == (True, True)
    own = type(client)()
    own.cookies["theme"] = "light"
    assert "theme" not in own.post("/login", {"login": "ana", "password": "secreto"}).cookies


@pytest.mark.parametrize(
    ("theme", "linked"),
    [
        (None, 'dark.css" media="(prefers-color-scheme: dark)">'),
        ("dark", 'dark.css">'),
        ("light", None),
        ('"><script>', 'dark.css" media="(prefers-color-scheme: dark)">'),
    ],
)
def test_theme__is_decided_by_the_server(client, db, theme, linked):
    if theme:
        client.cookies["theme"] = theme
    page = client.get("/login").content.decode()
    assert (linked or "dark.css") in page if linked else "dark.css" not in page
    assert '"><script>' not in page


def test_programs__are_answered_in_english(api, ana):
    spanish = {"Accept-Language": "es", "Cookie": f"sessionid={api.cookies['sessionid'].value}; language=es"}
    answer = api.post("/api/choreography/generate", {}, content_type="application/json", headers=spanish)
    assert answer.json()["errors"]["song"] == ["This field is required."]
    assert api.get("/task/none/", headers=spanish).json()["error"] == "Task not found"
    assert api.post("/create/", {}, headers=spanish).json()["errors"]["difficulty"] == ["This field is required."]


@pytest.mark.parametrize(
    ("text", "spanish"),
    [
        ("Waiting: 3 ahead of you", "En espera: 3 delante de ti"),
        ("Waiting: more than 50 ahead of you", "En espera: más de 50 delante de ti"),
        (
            "Something went wrong here (KeyError). Please try again.",
            "Algo ha fallado aquí (KeyError). Inténtalo otra vez.",
        ),
        (
            "This link is over, or was used already. Ask for a new one.",
            "Este enlace ha caducado o ya se ha usado. Pide uno nuevo.",
        ),
        ("There is no such choreography.", "Esa coreografía no existe."),
        (
            "You have 100 waiting choreographies; at most 100 may wait. Wait until one is made, or cancel one.",
            "Tienes 100 coreografías en espera; pueden esperar como mucho 100."
            " Espera a que se cree una o cancela alguna.",
        ),
        # What the engine says of a song.
        (
            "Tú.mp3 is no sound file (another format). Choose an mp3, m4a, ogg, opus, flac, wav or mp4.",
            "Tú.mp3 no es un archivo de sonido (otro formato). Elige un mp3, m4a, ogg, opus, flac, wav o mp4.",
        ),
        (
            "1 different taps within a song of 75.0 s are needed to find its beats: tap along on at least 4 beats,"
            " or clear the corrections.",
            "1 golpes distintos dentro de una canción de 75.0 s no bastan para hallar sus tiempos:"
            " marca al menos 4 tiempos o quita las correcciones.",
        ),
        ("A song that is called so", "A song that is called so"),
        ("A dance on the beach", "A dance on the beach"),
        ("", ""),
    ],
)
def test_text_of_a_service__is_translated_when_it_is_shown(text, spanish):
    with translation.override("es"):
        assert translated(text) == spanish
    with translation.override("en"):
        assert translated(text) == text


def test_error_of_a_form__is_translated(api):
    api.cookies["language"] = "es"
    page = api.post("/account/password", {"old_password": "wrong-one", "new_password": "bailamos"}).content.decode()
    assert "No es correcta." in page
    page = api.post("/account/profile", {"display_name": ""}).content.decode()
    assert "no puede estar en blanco" in page
    assert "Esa dirección no existe." in api.get("/nowhere").content.decode()


def test_patterns__that_say_the_most_come_first():
    lengths = [len(known) for _, known in language._patterns()]
    assert lengths == sorted(lengths, reverse=True)
