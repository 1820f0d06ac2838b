"""A network that fails, in a real browser: every request that fails says so, can be sent again, and loses nothing."""

import re
import secrets
from typing import TYPE_CHECKING

import pytest

from handover_testing import browser
from tests import deeds, practice, studio
from tests.journeys import SONG, Network, no_worker, trouble, typed, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)

# What the browser itself reports.
CUT = ("ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED")
NO_ANSWER = "The server does not answer. Is the connection there?"


@pytest.mark.parametrize("deed", [*deeds.VISITORS, *deeds.MEMBERS], ids=lambda deed: deed.__name__)
@pytest.mark.thinned(to_one_in=7)
def test_request__while_offline__says_so_and_is_sent_again(chromium, guest, deed):
    member = guest if deed in deeds.MEMBERS else None
    with visit(chromium, guest=member, expected=CUT) as page:
        steps = deed(page, guest)
        request = next(steps)
        network = Network(page)
        before = typed(page)
        network.cut()
        request.send()
        trouble(page).get_by_text(NO_ANSWER).wait_for()
        after = typed(page)
        assert [one for one in after if one[0] != "file"] == [one for one in before if one[0] != "file"] or (
            request.at.evaluate("(at) => at.matches('input')")
        )
        again = trouble(page).get_by_role("button", name="Try again")
        again.click()  # still offline
        trouble(page).get_by_text(NO_ANSWER).wait_for()
        network.mend()
        again.click()
        assert list(steps) == []
        assert not trouble(page).locator("p").count()


def test_link__while_offline__says_so_and_leads_on_afterwards(chromium, guest):
    with visit(chromium, guest=guest, expected=CUT) as page:
        page.goto(f"{guest.url}/studio")
        network = Network(page)
        network.cut()
        practice.until(page, "!navigator.onLine")
        page.get_by_role("link", name="Collection").click()
        trouble(page).get_by_text(NO_ANSWER).wait_for()
        network.mend()
        practice.until(page, "navigator.onLine")
        trouble(page).get_by_role("button", name="Try again").click()
        page.get_by_role("heading", name="Your collection").wait_for()


def test_generation__the_network_goes_and_comes__is_followed_to_its_end(chromium, guest, systems):
    with visit(chromium, guest=guest, expected=CUT) as page:
        network = Network(page)
        with no_worker(systems):
            page.goto(f"{guest.url}/studio")
            page.get_by_role("radio", name=SONG, exact=True).check()
            page.get_by_role("button", name="Make my choreography").click()
            page.get_by_role("heading", name="Making your choreography").wait_for()
            network.cut()
            trouble(page).get_by_text(NO_ANSWER).wait_for()
            # It is asked for every second, and said once: whoever hears the page is not told every second.
            page.evaluate("(line) => { window.said = document.querySelector('.trouble p'); }")
            for _ in range(3):
                with page.expect_event("requestfailed"):
                    pass
            assert page.evaluate("document.querySelector('.trouble p') === window.said")
            network.mend()
            trouble(page).get_by_text(NO_ANSWER).wait_for(state="detached")
        page.get_by_role("heading", name="Your choreography is ready").wait_for(timeout=60_000)


@pytest.mark.full
def test_cancel__while_offline__is_sent_again(chromium, guest, systems):
    with visit(chromium, guest=guest, expected=CUT) as page, no_worker(systems):
        page.goto(f"{guest.url}/studio")
        page.get_by_role("radio", name=SONG, exact=True).check()
        page.get_by_role("button", name="Make my choreography").click()
        page.get_by_role("heading", name="Making your choreography").wait_for()
        network = Network(page)
        network.cut()
        page.get_by_role("button", name="Cancel").click()
        trouble(page).get_by_text(NO_ANSWER).wait_for()
        network.mend()
        page.get_by_role("button", name="Cancel").click()
        page.get_by_role("heading", name="This one is gone").wait_for()


# ---- the practice room


def open_room(page: "Page", address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Play", exact=True).wait_for()


@pytest.mark.parametrize("part", ["timeline", "practice/room.js", "practice/loop.js"])
@pytest.mark.thinned(to_one_in=3)
def test_room__a_part_of_it_does_not_come__is_fetched_again_by_hand_and_by_itself(chromium, guest, part):
    address = f"{guest.url}/studio/{guest.made()}"
    for by_hand in (True, False):
        with visit(chromium, guest=guest, expected=("ERR_",)) as page:
            gone = [f"**/*{part}*", "**/api/auth/me"]
            for pattern in gone:
                page.route(pattern, lambda route: route.abort("internetdisconnected"))
            page.goto(address)
            trouble(page).get_by_text(NO_ANSWER).wait_for()
            for pattern in gone:
                page.unroute(pattern)
            if by_hand:
                trouble(page).get_by_role("button", name="Try again").click()
            page.get_by_role("button", name="Play", exact=True).wait_for()
            trouble(page).get_by_text(NO_ANSWER).wait_for(state="detached")
            page.locator("summary", has_text="Practice").click()
            page.get_by_role("button", name="Tap along").click()  # the part that comes last
            page.get_by_role("button", name="Pause", exact=True).wait_for()


@pytest.mark.full
def test_video__the_network_goes_while_it_plays__goes_on_at_the_same_place(chromium, guest):
    with visit(chromium, guest=guest, expected=("ERR_",)) as page:
        page.route(re.compile(r"/video|/me$"), lambda route: route.abort("internetdisconnected"))
        page.goto(f"{guest.url}/studio/{guest.made()}")
        trouble(page).get_by_text(NO_ANSWER).wait_for()
        page.unroute_all()
        trouble(page).get_by_text(NO_ANSWER).wait_for(state="detached")
        assert studio.play(page, from_s=20) == pytest.approx(30, abs=0.5)


def test_video__is_not_there_any_more__says_so_and_blames_no_server(chromium, guest):
    kept = guest.kept("Sol", visibility="unlisted")
    here = f"/api/collections/{kept.rpartition('/')[2]}"
    link, headers = (
        guest.dancer.backend.get(f"{here}/share").json()["link"],
        {"X-CSRFToken": guest.dancer.backend.cookies["csrftoken"]},
    )
    for address, end in ((link, f"{here}/share/link"), (kept, here)):
        with visit(chromium, guest=guest, expected=("404",)) as page:
            page.goto(address)
            play = page.get_by_role("button", name="Play", exact=True)
            play.wait_for()
            assert guest.dancer.backend.delete(end, headers=headers).status_code == 204
            play.click()
            trouble(page).get_by_text("It is not there any more.").wait_for()
            assert trouble(page).get_by_role("button", name="Try again").count() == 0


@pytest.mark.full
def test_where_the_1_is__sent_late__is_where_it_was_pressed(chromium, guest):
    with visit(chromium, guest=guest, expected=CUT) as page:
        open_room(page, f"{guest.url}/studio/{guest.made()}")
        page.locator("summary", has_text="Practice").click()
        video = page.locator(".screen > video")
        video.evaluate("(video) => { video.currentTime = 4.2; }")
        network = Network(page)
        network.cut()
        page.get_by_role("button", name="The 1 is here").click()
        trouble(page).get_by_text(NO_ANSWER).wait_for()
        video.evaluate("(video) => { video.currentTime = 9; }")
        network.mend()
        with page.expect_request("**/again") as sent:
            trouble(page).get_by_role("button", name="Try again").click()
        assert "downbeat_at_s=4.200" in sent.value.post_data


# ---- 50 kB/s


@pytest.mark.parametrize("size", ["desk", "phone"])
@pytest.mark.thinned(to_one_in=2)
def test_everything__at_50_kb_s__works_and_never_says_that_the_network_is_gone(chromium, guest, size):
    with visit(chromium, size=size) as page:
        page.set_default_timeout(90_000)
        Network(page).slow()
        page.add_init_script(
            """new MutationObserver(() => { window.complained ||= document.querySelector(".trouble p"); })
                .observe(document, { childList: true, subtree: true })"""
        )

        def calm() -> None:
            assert not page.evaluate("window.complained?.textContent")

        for deed in (deeds.log_in, deeds.add_a_song, deeds.make):
            steps = deed(page, guest)
            next(steps).send()
            assert list(steps) == []
            calm()
        page.get_by_role("button", name="Play", exact=True).click()
        practice.until(page, "document.querySelector('.screen > video').currentTime > 2")
        page.get_by_label("Title").fill(f"Lento {secrets.token_hex(2)}")
        page.get_by_role("button", name="Keep it in my collection").click()
        page.get_by_role("link", name="Download the video").wait_for()
        calm()
