"""axe finds nothing: on every page, light and dark, in English and Spanish, at a desk and on a phone.

The long run shows every page in each of these combinations; the short run each page in one of them, and all of them.
"""

import itertools
import os
import re
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from handover_testing import browser
from sandbox.systems import Systems
from tests.conftest import browser as dancer_of
from tests.conftest import registered
from tests.journeys import TOO_WIDE, Guest, Network, no_worker, trouble, visit
from tests.practice import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)

# All rules of WCAG 2.2 up to AA, and what axe calls good practice.
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
# The theme of the device, and the one that was chosen against it.
THEMES = {"light": ("light", None), "dark": ("dark", None), "dark, chosen": ("light", "dark")}
PASSED_AT_LEAST = 10
IS_DARK = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).every((level) => level < 60)"
# What the browser itself reports of the pages that are there to say no.
ERRORS = ("400", "401", "403", "404", "ERR_")


def findings(page: "Page") -> list[str]:
    """Return what axe finds on the page as it is."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - there only with a browser

    results: dict[str, Any] = Axe().run(page, options=RULES).response
    assert len(results["passes"]) > PASSED_AT_LEAST
    return [
        f"{page.url} {found['id']}: {node['html'][:160]} {node['failureSummary']}"
        for found in results["violations"]
        for node in found["nodes"]
    ]


# ---- the pages, each as a dancer may see it. By their addresses and parts, as they are in two languages.

View = Callable[["Page", Guest, Systems], Any]


def to(path: str) -> View:
    def open_it(page: "Page", guest: Guest, systems: Systems) -> None:
        page.goto(f"{guest.url}{path}")

    return open_it


def refused_log_in(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(f"{guest.url}/login")
    page.locator("[name=login]").fill(f"lola{secrets.token_hex(4)}")
    page.locator("[name=password]").fill("wrong")
    page.locator(".entrance .main").click()
    page.locator(".alarm").wait_for()


def refused_registration(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(f"{guest.url}/register")
    for name, value in {"display_name": "Lola", "username": guest.dancer.name, "email": "a@b.example"}.items():
        page.locator(f"[name={name}]").fill(value)
    page.locator("[name=password]").fill("abc")
    page.locator(".entrance .main").click()
    page.locator(".wrong").first.wait_for()


def sent_letter(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(f"{guest.url}/forgotten")
    page.locator("[name=email]").fill(f"{guest.dancer.name}@example.org")
    page.locator(".entrance .main").click()
    page.locator(".notice").wait_for()


def new_password(page: "Page", guest: Guest, systems: Systems) -> None:
    sent_letter(page, guest, systems)
    log = systems.place.folder / "log" / "backend.log"
    while not (links := re.findall(r"/reset/\S+", log.read_text())):
        page.reload()
    page.goto(f"{guest.url}{links[-1]}")


def public_choreography(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(guest.kept("Para todos", visibility="public").replace("/collection/", "/public/"))
    room(page)


def shared_choreography(page: "Page", guest: Guest, systems: Systems) -> None:
    address = guest.kept("Con enlace", visibility="unlisted")
    key = address.rsplit("/", 1)[1]
    page.goto(guest.dancer.backend.get(f"/api/collections/{key}/share").json()["link"])
    room(page)


VISITORS: dict[str, View] = {
    "log in": to("/login"),
    "log in, refused": refused_log_in,
    "register": to("/register"),
    "register, refused": refused_registration,
    "forgotten": to("/forgotten"),
    "forgotten, sent": sent_letter,
    "reset": new_password,
    "reset, over": to("/reset/x/y"),
    "public": to("/public"),
    "public choreography": public_choreography,
    "shared": shared_choreography,
    "not there": to("/nowhere"),
}


def room(page: "Page") -> None:
    page.locator("[data-part=practice]").wait_for()


def own_song(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(guest.own_song())
    page.locator("summary").click()


def studio(page: "Page", guest: Guest, systems: Systems) -> None:
    guest.own_song()
    page.goto(f"{guest.url}/studio")
    page.locator(".choices [value=advanced]").check()


def making(page: "Page", guest: Guest, systems: Systems) -> list[str]:
    with no_worker(systems):
        page.goto(f"{guest.url}/studio")
        page.locator(".list input").first.check()
        page.locator(".go .main").click()
        page.locator(".making").wait_for()
        found = findings(page)
        page.locator("#cancel").click()
        page.locator(".sorry").wait_for()
    return found


def ready(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(f"{guest.url}/studio/{guest.made()}")
    room(page)


def practice_room(page: "Page", guest: Guest, systems: Systems) -> list[str]:
    ready(page, guest, systems)
    page.locator("[data-part=practice] summary").click()
    page.locator(".strip button").nth(1).click()
    until(page, "document.querySelector('[data-part=next]').textContent")
    page.locator("[data-part=play]").click()
    return findings(page)


def full_screen(page: "Page", guest: Guest, systems: Systems) -> None:
    practice_room(page, guest, systems)
    page.locator("[data-part=fill]").click()
    until(page, "document.fullscreenElement")


def failed(page: "Page", guest: Guest, systems: Systems) -> None:
    task = guest.made()
    with psycopg.connect(systems.database.url("owner")) as connection:
        change = "UPDATE choreography_tasks SET status = 'failed', error = 'No beat was heard.' WHERE task_id = %s"
        assert connection.execute(change, [task]).rowcount == 1
    page.goto(f"{guest.url}/studio/{task}")
    page.locator(".sorry").wait_for()


def choreography(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(guest.kept("Bajo la luna", visibility="unlisted"))
    room(page)
    page.locator("a.change").click()
    page.locator("form.edit").wait_for()
    page.locator("details.after summary").click()


def form_alone(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(f"{guest.kept('Bajo la luna')}/edit")


def collection(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(guest.kept("Bajo la luna"))
    page.locator(".star").click()
    page.locator(".star[aria-pressed=true]").wait_for()
    page.goto(f"{guest.url}/collections/")


def token(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(f"{guest.url}/account")
    page.locator("[name=name]").fill("Mi programa")
    page.locator("[action$=tokens] button").click()
    page.locator(".secret").wait_for()
    page.locator("#leave summary").click()


def offline(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(f"{guest.url}/account")
    Network(page).cut()
    page.locator("[action$=profile] button").click()
    trouble(page).locator("button").first.wait_for()


def logged_out(page: "Page", guest: Guest, systems: Systems) -> None:
    page.goto(f"{guest.url}/account")
    page.context.clear_cookies(name="sessionid")
    page.locator("[action$=profile] button").click()
    trouble(page).locator("a").wait_for()


def second_factor(page: "Page", guest: Guest, systems: Systems) -> list[str]:
    """Set up: the password, the picture, the code of a wrong app."""
    with psycopg.connect(systems.database.url("owner")) as connection:
        change = "UPDATE users SET is_staff = true WHERE username = %s"
        assert connection.execute(change, [guest.dancer.name]).rowcount == 1
    page.goto(f"{guest.url}/account/second-factor")
    found = findings(page)
    page.locator("main [name=password]").fill("salsa-no")
    page.locator("main form button").first.click()
    page.locator(".qr").wait_for()
    return found


def goodbye(page: "Page", guest: Guest, systems: Systems) -> None:
    with dancer_of(systems) as visitor:
        leaving = Guest(guest.url, registered(visitor), guest.song)
        page.context.clear_cookies(name="sessionid")
        page.context.add_cookies(leaving.cookies())
        page.goto(f"{guest.url}/account")
        page.locator("#leave summary").click()
        page.locator("#leave [name=password]").fill("salsa-no")
        page.locator("#leave button").click()
        page.locator(".door .notice").wait_for()


MEMBERS: dict[str, View] = {
    "studio": studio,
    "own song": own_song,
    "making, cancelled": making,
    "ready": ready,
    "practice room": practice_room,
    "practice room, full screen": full_screen,
    "failed": failed,
    "choreography": choreography,
    "edit": form_alone,
    "collection": collection,
    "collection, nothing found": to("/collections/?q=nothing-is-called-so"),
    "favourites": to("/collections/?show=favourites"),
    "clean up": to("/collection/clean-up"),
    "account": token,
    "discover": to("/public"),
    "offline": offline,
    "logged out": logged_out,
    "second factor": second_factor,
    "goodbye": goodbye,
}


COMBINATIONS = list(itertools.product(("desk", "phone"), ("en", "es"), THEMES))
PAGES = [(False, *one) for one in VISITORS.items()] + [(True, *one) for one in MEMBERS.items()]


def pages_in(number: int) -> list[tuple[bool, str, View]]:
    """Return the pages that are looked at in a combination, each with whether its visitor is a member."""
    return PAGES if os.environ.get("COMPAS_FULL") == "1" else PAGES[number :: len(COMBINATIONS)]


@pytest.mark.parametrize("number", range(len(COMBINATIONS)), ids=map("-".join, COMBINATIONS))
def test_pages__axe__finds_nothing(chromium, guest, systems, number):
    size, language, theme = COMBINATIONS[number]
    device, chosen = THEMES[theme]
    cookies = {"language": language} | ({"theme": chosen} if chosen else {})
    found: list[str] = []
    with dancer_of(systems) as visitor:
        member = Guest(guest.url, registered(visitor), guest.song)
        for is_member, name, view in pages_in(number):
            who = member if is_member else None
            with visit(chromium, guest=who, size=size, color_scheme=device, expected=ERRORS) as page:
                page.context.add_cookies([{"name": n, "value": v, "url": guest.url} for n, v in cookies.items()])
                on_the_way = view(page, member, systems)
                here = [*(on_the_way if isinstance(on_the_way, list) else []), *findings(page)]
                found += [f"{name}: {one}" for one in here]
                assert page.locator("html").get_attribute("lang") == language, name
                assert page.evaluate(IS_DARK) == (theme != "light"), name
                if page.evaluate(TOO_WIDE):
                    found.append(f"{name}: wider than the screen")
    assert not found, "\n".join(found)


def test_axe__a_page_with_faults__finds_them(chromium, guest):
    with visit(chromium) as page:
        page.goto(f"{guest.url}/login")
        assert findings(page) == []
        page.evaluate("""() => {
            document.querySelector(".aside:last-child").style.color = "#ccc";
            document.querySelector("label").remove();
            document.querySelector(".entrance").append(document.createElement("button"));
        }""")
        names = "\n".join(findings(page))
        assert all(f" {rule}: " in names for rule in ("color-contrast", "label", "button-name"))
