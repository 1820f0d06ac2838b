"""A headless browser, where one is installed."""

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


def picture(at: "Page", file: Path) -> None:
    """Save what the page looks like."""
    file.parent.mkdir(parents=True, exist_ok=True)
    at.screenshot(path=str(file))
