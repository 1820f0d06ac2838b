"""An open tab of the backend: what its page links to and what its scripts do, whichever system answers by now."""

import asyncio
import re
from functools import partial

import httpx

from sandbox.clients import original_tab, playing
from sandbox.clients.browser import Tab
from sandbox.clients.diary import TaskSeen, now
from sandbox.clients.page import Page, missing_in
from sandbox.clients.person import KeptTab, Person

NOT_FOUND, NO_NEWS, STOP_POLLING = 404, 204, 286
SEEN = re.compile(r'name="seen" value="([^"]*)"')
PROGRESS = re.compile(r'<progress max="100" value="(\d+)"')
# The page's own script asks the original's address when the page's own is gone.
HANDLED = {"original": NOT_FOUND}


async def studio(person: Person, tab: KeptTab) -> None:
    """Click to the studio."""
    await person.browser.open(tab, "studio", tab.page.link("Studio"), check=person.is_greeted)


async def collection(person: Person, tab: KeptTab) -> None:
    """Click to the collection, and from there to a choreography and its video."""
    newest = next(reversed(person.owns.saved), "")
    answer = await person.browser.open(
        tab, "collection", tab.page.link("Collection"),
        check=lambda answer: missing_in(answer.text, [newest]),
    )  # fmt: skip
    if answer is None or not newest:
        return
    here = Tab(person.browser.last_system)
    link = next((address for address, _ in Page(answer.text).links if newest in address), "")
    shown = await person.browser.open(here, "choreography", link or f"/no link to {newest}")
    if shown is not None and newest in person.owns.videos:
        await playing.play(person, Tab(person.browser.last_system), newest, Page(shown.text).videos)


async def play(person: Person, tab: KeptTab) -> None:
    """Play on in the video that the tab shows."""
    if tab.videos:
        await playing.play(person, tab, tab.videos[0], tab.videos[1:])


async def make(person: Person, tab: KeptTab, song: str) -> None:
    """Send the studio's form, follow the choreography to its end; it is kept by itself."""
    form = tab.page.form("Make my choreography")
    data = form.fields | {"song": song, "difficulty": "beginner"}
    there = await person.browser.ask(tab, "make", "HEAD", form.action, handled=HANDLED)
    if there is None:
        return
    if there.status_code == NOT_FOUND:
        await original_tab.make(person, tab, song)
        return
    person.owns.on_their_way += 1
    answer = await person.browser.open(tab, "make", form.action, method="POST", data=data, handled=HANDLED)
    if answer is not None and answer.url.path != form.action:
        task_id = answer.url.path.removeprefix("/studio/")
        begun = TaskSeen(task_id, person.name, now(), person.browser.last_system)
        person.browser.diary.write(begun)
        person.owns.tasks.append(task_id)
        await follow(person, Tab(person.browser.last_system), tab, begun, answer.text)
    person.owns.on_their_way -= 1
    if answer is not None and answer.status_code == NOT_FOUND and answer.url.path == form.action:
        await original_tab.make(person, tab, song)


async def follow(person: Person, tab: Tab, kept: KeptTab, begun: TaskSeen, html: str) -> None:
    """Ask for the task as htmx does until it has ended, and where the original keeps it when the address is gone."""
    seen, progress = _seen(html), 0
    while now() < begun.started + person.settings.task_within_s:
        await asyncio.sleep(person.settings.poll_s["backend"])
        answer = await person.browser.ask(
            tab, "poll", "GET", f"/studio/{begun.task}?seen={seen}", headers={"HX-Request": "true"},
            expect=(200, NO_NEWS, STOP_POLLING), handled=HANDLED,
            check=partial(_backwards, least=progress),
        )  # fmt: skip
        if answer is None or answer.status_code == NO_NEWS:
            continue
        if answer.status_code == NOT_FOUND:
            if await _ask_the_original(person, tab, begun, progress):
                return
            continue
        seen, progress = _seen(answer.text) or seen, _progress(answer.text) or progress
        if answer.status_code == STOP_POLLING:
            ready = "Your choreography is ready" in answer.text
            original_tab.write_end(person, begun, "completed" if ready else "failed")
            _take(person, kept, Page(answer.text))
            return


async def _ask_the_original(person: Person, tab: Tab, begun: TaskSeen, progress: int) -> bool:
    """Return whether the task has ended."""
    answer = await person.browser.ask(
        tab, "poll", "GET", f"/task/{begun.task}/", check=lambda answer: original_tab.backwards(answer, progress)
    )
    if answer is None or answer.json()["status"] not in original_tab.FINISHED:
        return False
    task = answer.json()
    original_tab.write_end(person, begun, task["status"])
    if (result := task["result"]) and (identity := result["saved_choreography_id"]):
        person.owns.saved[identity] = ""
        person.owns.videos[identity] = result["video_filename"]
    return True


def _take(person: Person, kept: KeptTab, page: Page) -> None:
    """Remember what the finished page shows: the choreography in the collection, and its video."""
    identity = next(
        (address.rstrip("/").rpartition("/")[2] for address, text in page.links if "collection" in text), ""
    )
    if identity:
        person.owns.saved[identity] = ""
        person.owns.videos[identity] = ""
    if page.videos:
        kept.videos = (identity, *page.videos)


def _seen(html: str) -> str:
    found = SEEN.search(html)
    return found[1] if found else ""


def _progress(html: str) -> int:
    found = PROGRESS.search(html)
    return int(found[1]) if found else 0


def _backwards(answer: httpx.Response, least: int) -> str:
    progress = _progress(answer.text)
    return f"progress {progress} after {least}" if answer.status_code == 200 and 0 < progress < least else ""  # noqa: PLR2004


ACTS = ((studio, 2), (collection, 3), (play, 4))
