"""What a page fetches, and when, in a real browser, from a server as in production; and what it says when it cannot."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from handover_testing import browser
from sandbox.systems import Place, Systems
from tests import practice
from tests.conftest import browser as dancer_of
from tests.conftest import registered, started

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)

SOUNDLESS = "The counts cannot be heard yet: the code for the sound could not be fetched."
MIRRORLESS = "The mirror could not be fetched, so the camera stays off."
ROOMLESS = "The practice room could not be fetched. The video plays without it."
HASH = re.compile(r"\.[0-9a-f]{12}(?=\.\w+$)")


@dataclass(frozen=True)
class Dance:
    """One choreography in a collection, and the cookies of its dancer."""

    house: str
    address: str
    cookies: list


@pytest.fixture(scope="module")
def collected(postgres, adopted_template, moves_library, tmp_path_factory) -> Iterator[Systems]:
    """Both systems; the page's files are as in production."""
    place = Place(tmp_path_factory.mktemp("house"), moves_library, collects=True)
    with started(postgres, adopted_template, place) as both:
        yield both


@pytest.fixture(scope="module")
def dance(collected, demo_song: Path) -> Dance:
    collected.place.put_song("Noche.mp3", demo_song.read_bytes())
    with dancer_of(collected) as visitor:
        registered(visitor)
        wishes = {"song": "Noche.mp3", "difficulty": "intermediate", "auto_save": True}
        task = visitor.post(visitor.backend, "/api/choreography/generate", json=wishes).json()["task_id"]
        assert visitor.until_ended(task)["status"] == "completed"
        kept = visitor.backend.get("/api/collections").json()["results"][0]["id"]
        cookies = [{"name": n, "value": v, "url": collected.backend_url} for n, v in visitor.backend.cookies.items()]
    return Dance(collected.backend_url, f"{collected.backend_url}/collection/{kept}", cookies)


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    with practice.chromium() as opened:
        yield opened


@contextmanager
def visit(chromium: "Browser", dance: Dance, *, without: str = "", address: str = "") -> Iterator[tuple["Page", list]]:
    """Open a page in a profile of its own, without files of a name; yield it and what it fetched."""
    profile = chromium.new_context()
    profile.add_cookies(dance.cookies)
    profile.add_init_script(practice.RECORDER)
    page = profile.new_page()
    errors: list[str] = []
    fetched: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: fetched.append(request.url.removeprefix(dance.house)))
    if without:
        lose(page, without)
    page.goto(address or dance.address)
    page.wait_for_load_state("networkidle")
    yield page, fetched
    profile.close()
    assert not errors, errors


def lose(page: "Page", name: str) -> None:
    page.route(re.compile(rf"/{name}\.[0-9a-f]{{12}}\.js"), lambda route: route.abort())


def scripts(fetched: list[str]) -> set[str]:
    """Return the scripts of the practice room among what was fetched."""
    names = [HASH.sub("", path.partition("?")[0]) for path in fetched]
    return {name.rsplit("/", 1)[1] for name in names if name.endswith("player.js") or "/practice/" in name}


OPENED = {"player.js", "room.js", "counts.js", "keys.js", "loop.js", "memory.js", "strip.js", "timeline.js"}


def test_page__fetches_nothing_of_the_practice_room_before_it_is_wanted(chromium, dance):
    with visit(chromium, dance, address=f"{dance.house}/collection") as (page, fetched):
        assert page.locator("ul.cards > li").count() == 1
        assert scripts(fetched) == set()
        assert [path for path in fetched if path.endswith("/video")] == []
    with visit(chromium, dance) as (page, fetched):
        page.get_by_role("button", name="Play", exact=True).wait_for()
        assert scripts(fetched) - {"practice.css"} == OPENED
        # Each under a name that changes with its content.
        assert [path for path in fetched if path.startswith("/static/") and not HASH.search(path)] == []
        page.locator("summary", has_text="Practice").click()
        page.get_by_role("button", name="Tap along").and_(page.locator(":enabled")).wait_for()
        page.locator("[name=counts]").select_option("es")
        practice.until(page, "document.querySelector('[data-player]').room.sound")
        page.get_by_role("button", name="Show me beside it").click()
        practice.until(page, "document.querySelector('video.own')?.videoWidth > 0")
        page.keyboard.press("l")
        practice.until(page, "document.querySelector('.screen > .waits')")
        assert scripts(fetched) == OPENED | {"again.js", "sound.js", "voice.js", "mirror.js", "seam.js"}
        assert page.get_by_role("alert").inner_text() == ""


@pytest.mark.parametrize(("counts", "lost"), [("click", "sound"), ("en", "voice")])
@pytest.mark.thinned(to_one_in=2)
def test_sound__that_cannot_be_fetched__says_so_and_is_heard_after_another_try(chromium, dance, counts, lost):
    with visit(chromium, dance, without=lost) as (page, fetched):
        page.locator("summary", has_text="Practice").click()
        page.locator("[name=counts]").select_option(counts)
        alert = page.get_by_role("alert")
        alert.get_by_text(SOUNDLESS).wait_for()
        before = len(fetched)
        again = alert.get_by_role("button", name="Try again")
        again.click()
        alert.get_by_text(SOUNDLESS).wait_for()
        assert any(f"/{lost}." in path for path in fetched[before:]), "it was asked for once more"
        page.unroute_all()
        again.click()
        practice.until(page, "document.querySelector('[data-player]').room.sound")
        assert alert.inner_text() == ""
        page.get_by_role("button", name="Play", exact=True).click()
        practice.until(page, "sounds.filter((sound) => sound.playing).length >= 3")


@pytest.mark.full
def test_mirror__that_cannot_be_fetched__says_so_and_opens_after_another_try(chromium, dance):
    with visit(chromium, dance, without="mirror") as (page, _):
        page.locator("summary", has_text="Practice").click()
        page.get_by_role("button", name="Show me beside it").click()
        alert = page.get_by_role("alert")
        alert.get_by_text(MIRRORLESS).wait_for()
        assert page.locator("video.own").count() == 0
        page.unroute_all()
        alert.get_by_role("button", name="Try again").click()
        practice.until(page, "document.querySelector('video.own')?.videoWidth > 0")
        assert page.get_by_role("button", name="Show me beside it").get_attribute("aria-pressed") == "true"


@pytest.mark.full
def test_notice__while_the_video_fills_the_screen__is_seen(chromium, dance):
    with visit(chromium, dance, without="mirror") as (page, _):
        page.get_by_role("button", name="Full screen").click()
        practice.until(page, "document.fullscreenElement")
        page.locator("summary", has_text="Practice").click()
        page.get_by_role("button", name="Show me beside it").click()
        page.get_by_role("alert").get_by_text(MIRRORLESS).wait_for()
        # Chromium paints nothing beside what fills the screen.
        seen = "document.fullscreenElement.contains(document.querySelector('.trouble'))"
        assert page.evaluate(seen)


def test_room__that_cannot_be_fetched__is_the_plain_video_until_another_try(chromium, dance):
    with visit(chromium, dance, without="loop") as (page, _):
        alert = page.get_by_role("alert")
        alert.get_by_text(ROOMLESS).wait_for()
        page.locator("[data-speed='0.5']").click()
        assert page.locator(".screen > video").evaluate("(video) => [video.controls, video.playbackRate]") == [
            True,
            0.5,
        ]
        page.unroute_all()
        alert.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="Play", exact=True).wait_for()
        assert page.get_by_role("alert").inner_text() == ""


def test_loop__without_the_code_for_jumps_without_a_gap__jumps_all_the_same(chromium, dance):
    with visit(chromium, dance, without="seam") as (page, _):
        page.locator("[data-speed='1.25']").click()
        page.locator("[data-part=strip] button").first.click()
        practice.until(page, "document.querySelector('[data-player]').room.loop.round >= 3")
        assert page.locator(".screen > .waits").count() == 0
        page.unroute_all()  # the next round asks again
        practice.until(page, "document.querySelector('.screen > .waits')")
