"""A dancer in a real browser: from the first visit to the video in the collection."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
]
MISSING = "no browser: script/bootstrap --full installs one"


def is_installed() -> bool:
    """Return whether there is a browser, and the package that drives it."""
    try:
        import playwright.sync_api  # noqa: F401, PLC0415 - there only after script/bootstrap --full
    except ModuleNotFoundError:
        return False
    return shutil.which("chromium") is not None


@contextmanager
def page(*, width: int = 1280, height: int = 900, expected_errors: tuple[str, ...] = ()) -> Iterator["Page"]:
    """Open an empty page; an error that it reports itself fails at the end, unless it holds one of those words."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - see above

    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        opened = browser.new_page(viewport={"width": width, "height": height})
        opened.on("pageerror", lambda error: errors.append(str(error)))
        opened.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        yield opened
        browser.close()
    unexpected = [error for error in errors if not any(words in error for words in expected_errors)]
    assert not unexpected, unexpected


def register(at: "Page", url: str, name: str) -> None:
    """Create an account; the studio opens."""
    at.goto(f"{url}/register")
    at.get_by_label("Your name").fill(name.capitalize())
    at.get_by_label("Username").fill(name)
    at.get_by_label("E-mail").fill(f"{name}@example.org")
    at.get_by_label("Password").fill("salsa-no")
    at.get_by_role("button", name="Create account").click()
    at.wait_for_url("**/studio")


def make_choreography(at: "Page", song: str) -> None:
    """Choose a song in the studio and wait until its video is there."""
    at.get_by_role("radio", name=song, exact=True).check()
    at.get_by_role("button", name="Make my choreography").click()
    at.get_by_role("heading", name="Your choreography is ready").wait_for(timeout=60_000)


def play(at: "Page", *, from_s: float = 0.0) -> float:
    """Play the video until it has moved on by half a second; return how long it is, in seconds."""
    return float(
        at.locator("video").evaluate(
            """(video, from) => new Promise((done, fail) => {
                const listening = new AbortController();
                const end = (how, what) => { listening.abort(); video.pause(); how(what); };
                video.addEventListener("error", () => end(fail, video.error.message), listening);
                video.addEventListener("timeupdate", () => {
                    if (video.currentTime >= from + 0.5) { end(done, video.duration); }
                }, listening);
                setTimeout(() => end(fail, `stands still at ${video.currentTime} s`), 20_000);
                video.muted = true;
                video.currentTime = from;
                video.play().catch((error) => end(fail, error.message));
            })""",
            from_s,
        )
    )


def picture(at: "Page", file: Path) -> None:
    """Save what the page looks like."""
    file.parent.mkdir(parents=True, exist_ok=True)
    at.screenshot(path=str(file))
