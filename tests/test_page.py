"""The page of the backend, in a real browser."""

import secrets

import pytest

from handover_testing import browser
from tests import studio
from tests.journeys import TOO_WIDE

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)


@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
@pytest.mark.thinned(to_one_in=2)
def test_page__from_the_first_visit__to_the_video_in_the_collection(systems, song_in_the_house, width):
    with browser.page(width=width) as page:
        studio.register(page, systems.backend_url, f"lola{secrets.token_hex(3)}")
        studio.make_choreography(page, "Noche")
        assert studio.play(page) == pytest.approx(30, abs=0.5)
        # Seeking needs HTTP Range.
        assert studio.play(page, from_s=20) == pytest.approx(30, abs=0.5)
        page.get_by_role("link", name="See it in my collection").click()
        page.get_by_role("link", name="Download the video").wait_for()
        assert studio.play(page) == pytest.approx(30, abs=0.5)
        assert not page.evaluate(TOO_WIDE)


@pytest.mark.full
def test_page__of_the_original__plays_what_the_backend_made(systems, song_in_the_house):
    with browser.page() as page:
        studio.register(page, systems.backend_url, f"lola{secrets.token_hex(3)}")
        studio.make_choreography(page, "Noche")
        page.goto(f"{systems.original_url}/collections/")
        page.get_by_role("link", name="Auto-saved Choreography").first.click()
        assert studio.play(page) == pytest.approx(30, abs=0.5)
