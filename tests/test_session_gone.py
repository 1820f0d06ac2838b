"""A session ends while a page is used: the page says so, and leads to the log-in and back, with what was typed."""

from typing import TYPE_CHECKING

import psycopg
import pytest

from handover_testing import browser
from tests import deeds, practice
from tests.journeys import UNKEPT, Guest, no_worker, trouble, typed, until_typed, visit
from tests.people import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)

GONE = "You are logged out. What you typed is kept; log in to go on."


def without_the_cookie(page: "Page", systems) -> None:
    page.context.clear_cookies(name="sessionid")


def without_any_cookie(page: "Page", systems) -> None:
    page.context.clear_cookies()


def without_the_row(page: "Page", systems) -> None:
    (key,) = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "sessionid"]
    with psycopg.connect(systems.database.url("owner")) as connection:
        assert connection.execute("DELETE FROM django_session WHERE session_key = %s", [key]).rowcount == 1


ENDS = [without_the_cookie, without_any_cookie, without_the_row]


def log_in(page: "Page", guest: Guest) -> None:
    trouble(page).get_by_text(GONE).wait_for()
    trouble(page).get_by_role("link", name="Log in").click()
    page.get_by_label("E-mail or username").fill(guest.dancer.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
@pytest.mark.parametrize("deed", deeds.MEMBERS, ids=lambda deed: deed.__name__)
@pytest.mark.thinned(to_one_in=18)
def test_request__session_is_over__leads_to_the_log_in_and_back_with_what_was_typed(
    chromium, guest, systems, deed, end
):
    with visit(chromium, guest=guest, expected=("401", "403")) as page:
        steps = deed(page, guest)
        request = next(steps)
        end(page, systems)
        request.send()
        trouble(page).get_by_text(GONE).wait_for()
        address, left = page.url, typed(page, unkept=UNKEPT)
        log_in(page, guest)
        page.wait_for_url(address)
        until_typed(page, left)
        if deed is not deeds.find:  # which was done at once
            if request.folded_in:
                request.folded_in.click()
            request.send()
        assert list(steps) == []


@pytest.mark.full
def test_generation__session_is_over_while_it_is_watched__leads_back_to_it(chromium, guest, systems):
    with visit(chromium, guest=guest, expected=("401",)) as page:
        steps = deeds.make(page, guest)
        next(steps).send()
        page.wait_for_url("**/studio/*-*")
        address = page.url
        page.get_by_role("heading", name="Your choreography is ready").wait_for()
        without_the_cookie(page, systems)
        page.reload()
        page.get_by_role("heading", name="Welcome back").wait_for()
        page.get_by_label("E-mail or username").fill(guest.dancer.name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(address)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
@pytest.mark.thinned(to_one_in=3)
def test_generation__session_is_over_while_it_is_made__says_so_once(chromium, guest, systems, end):
    with no_worker(systems), visit(chromium, guest=guest, expected=("401",)) as page:
        steps = deeds.make(page, guest)
        next(steps).send()
        page.get_by_role("heading", name="Making your choreography").wait_for()
        address = page.url
        end(page, systems)
        trouble(page).get_by_text(GONE).wait_for()
        page.evaluate("window.said = document.querySelector('.trouble p')")
        with page.expect_response("**/studio/*"):
            pass
        assert page.evaluate("document.querySelector('.trouble p') === window.said")
        log_in(page, guest)
        page.wait_for_url(address)
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("heading", name="This one is gone").wait_for()


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
@pytest.mark.full
def test_room__session_is_over__leads_back_to_the_move_with_what_was_typed(chromium, guest, systems, end):
    with visit(chromium, guest=guest, expected=("401",)) as page:
        page.goto(f"{guest.url}/studio/{guest.made()}")
        page.get_by_role("button", name="Play", exact=True).wait_for()
        page.get_by_label("Title").fill("Bajo la luna")
        page.locator(".strip button").nth(2).click()
        address = page.url
        assert address.endswith("#move=3")
        end(page, systems)
        # The browser has this video already; it asks for it by another name.
        page.locator(".screen > video:not(.waits)").evaluate("(video) => { video.src = video.dataset.also; }")
        log_in(page, guest)
        page.wait_for_url(address)
        page.locator(".strip button[aria-pressed=true]").wait_for()
        practice.until(page, "document.querySelector('form.keep [name=title]').value === 'Bajo la luna'")
        page.get_by_role("button", name="Play", exact=True).click()
        practice.until(page, "!document.querySelector('.screen > video:not(.waits)').paused")


def test_room__session_is_over_before_it_opens__says_so(chromium, guest, systems):
    with visit(chromium, guest=guest, expected=("401",)) as page:
        address = f"{guest.url}/studio/{guest.made()}"

        def meanwhile(route) -> None:
            without_the_row(page, systems)
            route.continue_()

        page.route("**/timeline*", meanwhile, times=1)
        page.goto(address)
        trouble(page).get_by_text(GONE).wait_for()


@pytest.mark.full
def test_form__log_in_in_another_tab__is_taken(chromium, guest, systems):
    with visit(chromium, guest=guest, expected=("401",)) as page:
        steps, there = deeds.edit(page, guest), deeds.keep(other := page.context.new_page(), guest)
        request, with_another_page = next(steps), next(there)
        without_the_row(page, systems)
        third = page.context.new_page()
        third.goto(f"{guest.url}/login")
        third.get_by_label("E-mail or username").fill(guest.dancer.name)
        third.get_by_label("Password").fill(PASSWORD)
        third.get_by_role("button", name="Log in").click()
        third.wait_for_url("**/studio")
        # Both pages hold the token of before.
        request.send()
        assert list(steps) == []
        with_another_page.send()
        assert list(there) == []
        other.close()


def test_form__the_next_page_does_not_come__the_way_back_has_what_was_typed(chromium, guest):
    with visit(chromium, guest=guest, expected=("503", "ERR_")) as page:
        steps = deeds.keep(page, guest)
        request = next(steps)
        before = typed(page)
        page.route("**/keep", lambda route: route.abort("connectionreset"))
        with page.expect_event("requestfailed"):
            request.send()
        page.unroute_all()
        page.go_back()
        until_typed(page, before)
        request.send()
        assert list(steps) == []
