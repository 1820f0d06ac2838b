"""How soon one system reads a row that the other has written: asked at their addresses, without DNS."""

import asyncio
import itertools
import time

import httpx

from sandbox.clients.diary import Diary, Lag, now
from sandbox.clients.page import Page
from sandbox.clients.settings import CrowdSettings

SEEN_WITHIN_S = 10.0
ANSWERED_WITHIN_S = 30.0
POLL_S = 0.01
NO_ANSWER = (httpx.HTTPError, ValueError, KeyError)
PASSWORD = "salsa-no"  # noqa: S105 - of a person who exists for a few minutes


async def watch_lag(settings: CrowdSettings, diary: Diary) -> None:
    """Save on one system and look on the other, in turn, until cancelled."""
    host = httpx.URL(settings.url)
    addresses = {system: host.copy_with(host=address) for address, system in settings.systems.items()}
    # By address, so that these requests do not count as people's.
    async with httpx.AsyncClient(timeout=ANSWERED_WITHIN_S, trust_env=False) as person:
        await _log_in(person, addresses["original"], f"lag{settings.seed}")
        for writer, reader in itertools.cycle((("original", "backend"), ("backend", "original"))):
            try:
                seconds = await _lag(person, addresses[writer], addresses[reader])
                diary.write(Lag(now(), writer, reader, seconds))
            except NO_ANSWER:
                pass  # one of the two is away: no row was written, or it could not be read
            await asyncio.sleep(settings.lag_every_s)


async def _log_in(person: httpx.AsyncClient, url: httpx.URL, name: str) -> None:
    page = await person.get(url.join("/auth/register/"))
    form = next(form for form in Page(page.text).forms if "password" in form.fields)
    typed = {"username": name, "display_name": name, "email": f"{name}@example.org", "password": PASSWORD}
    answer = await person.post(url.join("/auth/register/"), data=form.fields | typed)
    answer.raise_for_status() if answer.status_code >= 400 else None  # noqa: PLR2004
    # The two addresses stand for one host name: one cookie is good for both.
    cookies = {cookie.name: cookie.value for cookie in person.cookies.jar}
    person.cookies.clear()
    person.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    person.headers["X-CSRFToken"] = cookies["csrftoken"] or ""


async def _lag(person: httpx.AsyncClient, writer: httpx.URL, reader: httpx.URL) -> float | None:
    """Return the seconds from the answer of the writing system to the first of the other that shows the row.

    None when it did not show it in time. Raises one of NO_ANSWER.
    """
    data = {"title": "Sol", "difficulty": "beginner", "video_path": "none.mp4", "duration": "1"}
    written = await person.post(writer.join("/collections/save/"), data=data)
    identity = written.json()["choreography_id"]
    began = time.monotonic()
    while time.monotonic() < began + SEEN_WITHIN_S:
        shown = await person.get(reader.join(f"/collections/{identity}/"))
        # A page of it, or the way to one: a row that is not there is a 404.
        if shown.status_code in {200, 302}:
            return time.monotonic() - began
        await asyncio.sleep(POLL_S)
    return None
