"""Dancers in a browser of their own: at a desk or with a phone, without a mouse, on a network that fails."""

import json
import os
import secrets
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from PIL import Image

from sandbox.systems import Systems
from tests import people
from tests.people import PASSWORD
from tests.practice import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

SIZES: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 360, "height": 780}, "is_mobile": True, "has_touch": True},
    # As a page that is zoomed in: a keyboard is also at a narrow window.
    "narrow": {"viewport": {"width": 390, "height": 844}},
}
# Not window.innerWidth: a phone zooms out until all of a page that is too wide is seen, and innerWidth grows with it.
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
SONG = "Noche"
SLOW_BYTES_S, SLOW_LATENCY_MS = 50_000, 400
STOPS_AT_MOST = 120
PATIENCE_MS = 60_000
LOOKS = 50  # at what is open in the database, before a worker is stopped at another moment
# The focus is seen if so many pixels (2 around the element), change with such a contrast (WCAG 2.2, 2.4.13).
THICK_PX, CONTRAST, ROUND_CORNERS = 2, 3.0, 0.8
FOCUSED = """
const at = document.activeElement;
const shown = [at, at.closest("label"), ...(at.labels ?? [])].filter(Boolean).find((one) => {
  const style = getComputedStyle(one);
  if (style.opacity === "0" || one.offsetWidth < 3) return false;
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
});
"""
# What stands in the fields of all forms; a browser may keep no password and no file for later.
TYPED = """(unkept) => [...document.forms].flatMap((form) => [...form.elements])
  .filter((field) => field.name && !["hidden", "submit", "button", ...unkept].includes(field.type))
  .map((field) => [field.name, field.value, field.checked ?? null])"""
UNKEPT = ["password", "file"]


@dataclass(frozen=True)
class Guest:
    """The backend as one dancer uses it."""

    url: str
    dancer: people.Browser
    song: bytes

    def cookies(self) -> list[dict[str, str]]:
        """Log in, and return what a browser holds then."""
        with httpx.Client(base_url=self.url) as anew:
            answer = anew.post("/api/auth/login", json={"login": self.dancer.name, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            return [{"name": n, "value": v, "url": self.url} for n, v in anew.cookies.items()]

    def own_song(self) -> str:
        """Add a song of the dancer's own; return the address of its page."""
        name = f"Sol {secrets.token_hex(4)}"
        file = (f"{name}.mp3", self.song + name.encode(), "audio/mpeg")
        added = self.dancer.post(self.dancer.backend, "/api/songs", files={"file": file})
        assert added.status_code == 201, added.text
        return f"{self.url}/studio/songs/{added.json()['id']}"

    def made(self) -> str:
        """Make a choreography; return its task."""
        wishes = {"song": f"{SONG}.mp3", "difficulty": "beginner", "auto_save": False}
        answer = self.dancer.post(self.dancer.backend, "/api/choreography/generate", json=wishes)
        assert answer.status_code == 202, answer.text
        ended = self.dancer.until_ended(answer.json()["task_id"])
        assert ended["status"] == "completed", ended
        return str(ended["task_id"])

    def kept(self, title: str, **changes: Any) -> str:
        """Make one and keep it; return its address."""
        task = self.made()
        saved = self.dancer.post(self.dancer.backend, "/api/collections", json={"task_id": task, "title": title})
        assert saved.status_code == 201, saved.text
        key = saved.json()["id"]
        if changes:
            headers = {"X-CSRFToken": self.dancer.backend.cookies["csrftoken"]}
            shared = self.dancer.backend.patch(f"/api/collections/{key}/share", json=changes, headers=headers)
            assert shared.status_code == 200, shared.text
        return f"{self.url}/collection/{key}"


@contextmanager
def visit(
    chromium: "Browser", *, guest: Guest | None = None, size: str = "desk", expected: Sequence[str] = (), **profile: Any
) -> Iterator["Page"]:
    """Open an empty page in a browser without a past; an error that it reports fails at the end.

    With a ``guest`` its dancer is logged in. ``expected``: words of errors that belong to the test.
    """
    context = chromium.new_context(**SIZES[size], **({"reduced_motion": "reduce"} | profile))
    if guest:
        context.add_cookies(guest.cookies())
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield page
    context.close()
    # htmx repeats what the browser says of a request.
    words = (*expected, *(["htmx:"] if expected else []))
    unexpected = [error for error in errors if not any(word in error for word in words)]
    assert not unexpected, unexpected


@contextmanager
def no_worker(systems: Systems) -> Iterator[None]:
    """Let nothing be made meanwhile."""
    (worker,) = [system.process.pid for system in systems.running if system.name == "worker"]
    try:
        _stop_at_rest(systems, worker)
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


def _stop_at_rest(systems: Systems, worker: int) -> None:
    """Stop a process between its transactions: stopped in one it would keep what it has locked from all others."""
    open_ones = (
        "SELECT FROM pg_stat_activity"
        " WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
    )
    with systems.database.server.connect(systems.database.name) as looking:
        while True:
            os.kill(worker, signal.SIGSTOP)
            for _ in range(LOOKS):
                if not looking.execute(open_ones).rowcount:
                    return
                looking.execute("SELECT pg_sleep(0.02)")
            os.kill(worker, signal.SIGCONT)


class Network:
    """The network of one page, as the browser's own tools let it fail."""

    def __init__(self, page: "Page") -> None:
        self._tools = page.context.new_cdp_session(page)
        self._tools.send("Network.enable")

    def cut(self) -> None:
        self._be(offline=True)

    def mend(self) -> None:
        self._be()

    def slow(self) -> None:
        self._be(bytes_s=SLOW_BYTES_S, latency_ms=SLOW_LATENCY_MS)

    def _be(self, *, offline: bool = False, bytes_s: int = -1, latency_ms: int = 0) -> None:
        conditions = {"offline": offline, "latency": latency_ms}
        conditions |= {"downloadThroughput": bytes_s, "uploadThroughput": bytes_s}
        self._tools.send("Network.emulateNetworkConditions", conditions)


def trouble(page: "Page") -> "Locator":
    """Return where the page says what did not work."""
    return page.locator(".trouble")


def typed(page: "Page", *, unkept: Sequence[str] = ()) -> list[list[Any]]:
    """Return what stands in the forms of the page."""
    found: list[list[Any]] = page.evaluate(TYPED, list(unkept))
    return found


def until_typed(page: "Page", wanted: list[list[Any]]) -> None:
    """Wait until that stands in the forms again."""
    until(page, f"JSON.stringify(({TYPED})({json.dumps(UNKEPT)})) === JSON.stringify({json.dumps(wanted)})")


class Keyboard:
    """Hands on the keys, and no mouse. Wherever they stop, the focus must be seen."""

    def __init__(self, page: "Page") -> None:
        self.page = page
        # With a listener the browser opens no dialog of its own, however soon a key is pressed.
        page.on("filechooser", lambda _: None)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Write into the field that has the focus, in the place of what stands there."""
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(text)

    def to(self, target: "Locator", *, by: str = "Tab", at_most: int = STOPS_AT_MOST) -> None:
        """Press Tab until the target has the focus."""
        target.wait_for(state="attached")
        for _ in range(at_most):
            self.page.keyboard.press(by)
            if not self.page.evaluate("document.activeElement === document.body"):
                assert self.page.evaluate(f"() => {{ {FOCUSED} return Boolean(shown); }}"), self.where()
            if target.evaluate("(at) => at === document.activeElement"):
                self.assert_seen()
                return
        raise AssertionError(f"{target} is never reached; the focus is on {self.where()}")

    def where(self) -> str:
        """Return what has the focus."""
        return str(self.page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))

    def assert_seen(self) -> None:
        """Look at the pixels around what has the focus, with it and without."""
        around: list[float] = self.page.evaluate(
            f"""() => {{
                {FOCUSED}
                const {{ x, y, width, height }} = (shown ?? at).getBoundingClientRect();
                return [x, y, width, height];
            }}"""
        )
        x, y, width, height = around
        clip = {"x": max(0, x - 8), "y": max(0, y - 8), "width": width + 16, "height": height + 16}
        page = self.page
        with_it = page.screenshot(clip=clip, caret="hide")
        page.evaluate("(window.was = document.activeElement).blur()")
        without = page.screenshot(clip=clip, caret="hide")
        page.evaluate("window.was.focus({ preventScroll: true, focusVisible: true })")
        changed = int((_contrast(with_it, without) >= CONTRAST).sum())
        assert changed >= 2 * THICK_PX * (width + height) * ROUND_CORNERS, (changed, around, self.where())


def _contrast(one: bytes, other: bytes) -> "np.ndarray[Any, Any]":
    """Return the contrast of each pixel of two pictures, by the formula of WCAG 2."""
    lights = [_luminance(one), _luminance(other)]
    return (np.maximum(*lights) + 0.05) / (np.minimum(*lights) + 0.05)


def _luminance(picture: bytes) -> "np.ndarray[Any, Any]":
    levels = np.asarray(Image.open(BytesIO(picture)).convert("RGB")) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])
