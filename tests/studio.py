"""A dancer in a real browser: from the first visit to the video."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page


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
                setTimeout(() => end(fail, `stands still at ${video.currentTime} s`), 60_000);
                video.muted = true;
                video.currentTime = from;
                video.play().catch((error) => end(fail, error.message));
            })""",
            from_s,
        )
    )
