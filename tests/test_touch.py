"""A dancer with a phone: everything by touch, and nothing wider than the screen."""

import re
import secrets
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from handover_testing import browser
from tests.journeys import SONG, TOO_WIDE, visit
from tests.people import PASSWORD
from tests.practice import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)

PLAYS = "!document.querySelector('.screen > video:not(.waits)').paused"
TIME = "document.querySelector('.screen > video:not(.waits)').currentTime"


def fits(page: "Page") -> None:
    assert not page.evaluate(TOO_WIDE)


def test_everything__by_touch__works_and_fits(chromium, guest):
    with visit(chromium, size="phone", expected=("404",)) as page:
        log_in_and_make(page, guest)
        practise(page)
        title = f"Con la mano {secrets.token_hex(3)}"
        page.get_by_label("Title").tap()
        page.get_by_label("Title").fill(title)
        page.get_by_role("button", name="Keep it in my collection").tap()
        page.get_by_role("link", name="Download the video").wait_for()
        fits(page)
        collect(page, title)


def log_in_and_make(page: "Page", guest) -> None:
    page.goto(f"{guest.url}/login")
    fits(page)
    page.get_by_label("E-mail or username").fill(guest.dancer.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").tap()
    page.wait_for_url("**/studio")
    fits(page)
    name = f"Luna {secrets.token_hex(3)}"
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Add a song…").tap()
    song = {"name": f"{name}.mp3", "mimeType": "audio/mpeg", "buffer": guest.song + name.encode()}
    chooser.value.set_files(song)
    page.get_by_role("status").get_by_text(f"“{name}” is here and chosen.").wait_for()
    page.locator(".list label", has_text=SONG).first.tap()
    page.locator(".choices label", has_text="Intermediate").tap()
    page.locator(".choices label", has_text="Fiery").tap()
    page.get_by_text("Keep it in my collection").tap()
    page.get_by_role("button", name="Make my choreography").tap()
    page.get_by_role("heading", name="Your choreography is ready").wait_for()
    fits(page)


def practise(page: "Page") -> None:
    play = page.locator("[data-part=play]")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    play.tap()
    until(page, PLAYS)
    page.locator(".screen > video").tap()
    until(page, f"!({PLAYS})")
    page.locator(".strip button").nth(1).tap()
    until(page, PLAYS)
    assert page.locator(".strip button").nth(1).get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Loop", exact=True).tap()
    assert page.locator(".strip [aria-pressed=true]").count() == 0
    play.tap()
    slider = page.get_by_label("Position")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(page, f"Math.abs({TIME} - document.querySelector('.screen > video').duration / 2) < 1.5")
    page.get_by_role("button", name="0.75").tap()
    assert page.locator(".screen > video:not(.waits)").evaluate("(video) => video.playbackRate") == 0.75
    page.get_by_role("button", name="Full screen").tap()
    until(page, "document.fullscreenElement?.querySelector('[data-part=counts]') != null")
    page.get_by_role("button", name="Full screen").tap()
    until(page, "!document.fullscreenElement")
    page.locator("summary", has_text="Practice").tap()
    page.get_by_text("Count me in").tap()
    assert page.get_by_label("Count me in").is_checked()
    fits(page)
    page.locator("summary", has_text="Practice").tap()


def collect(page: "Page", title: str) -> None:
    address = page.url
    page.get_by_role("link", name=f"Edit “{title}”").tap()
    page.get_by_label("Tags").fill("suave")
    fits(page)
    page.locator("form.edit").get_by_role("button", name="Save").tap()
    page.get_by_role("link", name="suave").wait_for()
    page.get_by_role("button", name="Favourite").tap()
    page.locator(".star[aria-pressed=true]").wait_for()
    page.locator(".choices label", has_text="With the link").tap()
    page.locator("#share-save").tap()
    page.get_by_label("Secret link").wait_for()
    fits(page)
    page.get_by_role("button", name="Revoke").tap()
    page.get_by_label("Secret link").wait_for(state="detached")
    page.get_by_role("link", name="Collection").first.tap()
    page.locator(".kept h2", has_text=title).wait_for()
    fits(page)
    page.locator(".kept h2", has_text=title).tap()
    page.locator("summary", has_text="Delete it…").tap()
    page.get_by_role("button", name="Delete for good").tap()
    page.get_by_role("heading", name="Your collection").wait_for()
    assert page.request.get(address).status == 404


def test_day__is_that_of_the_place_where_the_dancer_is(chromium, guest):
    kept = guest.kept("Sol")
    made_at = guest.dancer.backend.get(f"/api/collections/{kept.rpartition('/')[2]}").json()["created_at"]
    # At each moment it is another day than by UTC in one of the two.
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        day = datetime.fromisoformat(made_at).astimezone(ZoneInfo(zone))
        with visit(chromium, guest=guest, size="phone", timezone_id=zone) as page:
            page.goto(f"{guest.url}/collection")
            page.get_by_text(re.compile(f"^{day:%-d %b}[a-z]* {day:%Y}$")).first.wait_for()
            page.goto(kept)
            page.get_by_text(f"{day:%-d %B %Y}").wait_for()
