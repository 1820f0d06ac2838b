"""Traffic goes to the other system under people's feet: an open page goes on."""

import os
import secrets
import signal
from urllib.parse import urlsplit

import httpx
import pytest

from handover.proof.proxy import Proxy, proxy
from handover_testing import browser
from tests import studio

# What the page itself may report: an address that only the backend has, and a request that was under way when the
# switch cut its connection, which a DNS record would not do.
GONE, CUT = "404", "ERR_EMPTY_RESPONSE"


def place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port


def address_of(way: Proxy) -> str:
    return f"http://127.0.0.1:{way.port}"


def test_switch__points_at_another_server__the_next_request_goes_there(systems):
    with proxy(*place(systems.backend_url)) as way, httpx.Client(base_url=address_of(way)) as client:
        assert client.get("/health").json()["service"] == "backend"
        way.point_at(*place(systems.original_url))
        # The connection was kept alive; it is cut, so that the client has to come anew.
        assert client.get("/health").json()["service"] == "original"


@pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)
def test_page__traffic_goes_back_to_the_original_meanwhile__shows_the_same_task_to_its_end(systems, song_in_the_house):
    (worker,) = [system.process.pid for system in systems.running if system.name == "worker"]
    with (
        proxy(*place(systems.backend_url)) as way,
        browser.page(expected_errors=(GONE, CUT)) as page,
    ):
        studio.register(page, address_of(way), f"lola{secrets.token_hex(3)}")
        os.kill(worker, signal.SIGSTOP)
        try:
            page.get_by_role("radio", name="Noche", exact=True).check()
            page.get_by_role("button", name="Make my choreography").click()
            page.get_by_role("heading", name="Making your choreography").wait_for()
            way.point_at(*place(systems.original_url))
            with page.expect_response(lambda answer: "/task/" in answer.url and answer.status == 200):
                pass
        finally:
            os.kill(worker, signal.SIGCONT)
        page.locator("video[src^='/video/']").wait_for(timeout=60_000)
        assert studio.play(page) == pytest.approx(30, abs=0.5)


@pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)
def test_page__traffic_went_back_to_the_original__its_links_lead_on(systems):
    # The page asks which system answers before it sends a form.
    with proxy(*place(systems.backend_url)) as way, browser.page(expected_errors=(GONE, CUT)) as page:
        studio.register(page, address_of(way), f"lola{secrets.token_hex(3)}")
        for link, heading in (("Collection", "My collection"), ("Studio", "Choose a song, get a bachata")):
            way.point_at(*place(systems.backend_url))
            page.goto(f"{address_of(way)}/studio")
            way.point_at(*place(systems.original_url))
            page.get_by_role("link", name=link).click()
            page.get_by_role("heading", name=heading).wait_for()
        way.point_at(*place(systems.backend_url))
        page.goto(f"{address_of(way)}/studio")
        way.point_at(*place(systems.original_url))
        page.get_by_role("button", name="Log out").click()
        page.get_by_role("link", name="Register").first.wait_for()


@pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)
def test_page__traffic_went_back_to_the_original__its_form_and_its_player_go_on_there(systems, song_in_the_house):
    with proxy(*place(systems.backend_url)) as way, browser.page(expected_errors=(GONE, CUT)) as page:
        studio.register(page, address_of(way), f"lola{secrets.token_hex(3)}")
        studio.make_choreography(page, "Noche")
        way.point_at(*place(systems.original_url))
        # Asked for anew, past the browser's cache, its own address is gone; the player takes the original's.
        anew = "video => { video.muted = true; video.src += '?anew'; video.play().catch(() => {}); }"
        page.locator("video").evaluate(anew)
        page.wait_for_function("() => document.querySelector('video').currentTime > 0.5")
        assert "/video/" in page.locator("video").get_attribute("src")

        way.point_at(*place(systems.backend_url))
        page.goto(f"{address_of(way)}/studio")
        way.point_at(*place(systems.original_url))
        page.get_by_role("radio", name="Noche", exact=True).check()
        page.get_by_role("button", name="Make my choreography").click()
        page.wait_for_url("**/select-song/#task=*")
        page.locator("#video[src^='/video/']").wait_for(timeout=60_000)


@pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)
@pytest.mark.parametrize("moved", ["before the form", "between the form and its page"])
def test_page__traffic_goes_back_while_the_form_is_sent__the_choreography_is_made_and_shown(
    moved, systems, song_in_the_house
):
    """The page has asked who is there; the traffic moves after that."""
    with proxy(*place(systems.backend_url)) as way, browser.page(expected_errors=(GONE, CUT)) as page:

        def send(route):
            if route.request.method != "POST":
                route.continue_()
            elif moved == "before the form":
                way.point_at(*place(systems.original_url))
                route.continue_()
            else:
                answer = route.fetch(max_redirects=0)
                way.point_at(*place(systems.original_url))
                route.fulfill(response=answer)

        studio.register(page, address_of(way), f"lola{secrets.token_hex(3)}")
        page.route("**/studio", send)
        page.get_by_role("radio", name="Noche", exact=True).check()
        page.get_by_role("button", name="Make my choreography").click()
        page.wait_for_url("**/select-song/#task=*")
        page.locator("#video[src^='/video/']").wait_for(timeout=60_000)
