"""The server is started again while a dancer looks at a page: the page goes on by itself."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from handover_testing import browser
from sandbox.systems import Systems, until_healthy
from tests import deeds, practice
from tests.journeys import Network, no_worker, trouble, visit

pytestmark = pytest.mark.skipif(not browser.is_installed(), reason=browser.MISSING)

NO_ANSWER = "The server does not answer. Is the connection there?"
# A connection that is refused, or cut in the middle of an answer.
CUT = ("ERR_CONNECTION_", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE_CHUNKED", "ERR_CONTENT_LENGTH_MISMATCH")


@contextmanager
def away(systems: Systems, name: str, *, how: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    """End one of the systems; start it again after the block."""
    (system,) = [one for one in systems.running if one.name == name]
    system.stop(ask=how)
    try:
        yield
    finally:
        system.start()
        until_healthy(systems.backend_url, list(systems.running))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.thinned(to_one_in=2)
def test_generation__backend_and_worker_start_again__is_followed_to_its_end(chromium, guest, systems, how):
    with visit(chromium, guest=guest, expected=CUT) as page:
        with no_worker(systems):
            next(deeds.make(page, guest)).send()
            page.get_by_role("heading", name="Making your choreography").wait_for()
            with away(systems, "backend", how=how):
                trouble(page).get_by_text(NO_ANSWER).wait_for()
            trouble(page).get_by_text(NO_ANSWER).wait_for(state="detached")
        with away(systems, "worker"):
            pass
        page.get_by_role("heading", name="Your choreography is ready").wait_for(timeout=60_000)
        page.get_by_role("button", name="Play", exact=True).wait_for()


@pytest.mark.full
def test_room__backend_starts_again_while_the_video_comes__plays_on_to_the_end(chromium, guest, systems):
    with visit(chromium, guest=guest, expected=CUT) as page:
        page.goto(f"{guest.url}/studio/{guest.made()}")
        page.get_by_role("button", name="Play", exact=True).wait_for()
        video = page.locator(".screen > video")
        # So slow that the rest of the video is still to come.
        Network(page).slow()
        video.evaluate("(video) => { video.muted = true; video.src = video.dataset.also; video.play(); }")
        practice.until(page, "document.querySelector('.screen > video').currentTime > 1")
        with away(systems, "backend", how=signal.SIGKILL):
            assert video.evaluate("(video) => video.buffered.end(0) < video.duration - 5")
            practice.until(page, "document.querySelector('.trouble p')")
        practice.until(page, "document.querySelector('.screen > video').currentTime > 25")
        assert not trouble(page).locator("p").count()


def test_page__backend_starts_again_while_it_is_read__goes_on(chromium, guest, systems):
    with visit(chromium, guest=guest, expected=CUT) as page:
        steps = deeds.edit(page, guest)
        sending = next(steps)
        with away(systems, "backend"):
            sending.send()
            trouble(page).get_by_text(NO_ANSWER).wait_for()
        trouble(page).get_by_role("button", name="Try again").click()
        assert list(steps) == []
        assert not trouble(page).locator("p").count()
