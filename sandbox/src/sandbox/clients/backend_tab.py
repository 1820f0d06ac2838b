"""A tab of the backend that stays open: what its page links to and what its scripts do, whoever answers by now."""

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING

import httpx

from sandbox.clients import original_tab, playing
from sandbox.clients.browser import Tab
from sandbox.clients.diary import TaskSeen, now
from sandbox.clients.page import Page

if TYPE_CHECKING:
    from sandbox.clients.dancer import Dancer, KeptTab

NOT_FOUND, NO_NEWS, STOP_POLLING = 404, 204, 286
SEEN = re.compile(r'name="seen" value="([^"]*)"')
PROGRESS = re.compile(r'<progress max="100" value="(\d+)"')
# The page's own script asks the original's address when the page's own is gone.
HANDLED = {"original": NOT_FOUND}


async def studio(who: "Dancer", tab: "KeptTab") -> None:
    """Click to the studio."""
    await who.browser.open(tab, "studio", tab.page.link("Studio"), check=who.is_greeted)


async def collection(who: "Dancer", tab: "KeptTab") -> None:
    """Click to the collection, and from there to a choreography and its video."""
    newest = next(reversed(who.owns.saved), "")
    answer = await who.browser.open(
        tab, "collection", tab.page.link("Collection"),
        check=lambda answer: "" if newest in answer.text else f"{newest} is missing",
    )  # fmt: skip
    if answer is None or not newest:
        return
    here = Tab(who.browser.here)
    link = next((address for address, _ in Page(answer.text).links if newest in address), "")
    shown = await who.browser.open(here, "choreography", link or f"/no link to {newest}")
    if shown is not None and newest in who.owns.videos:
        await playing.play(who, Tab(who.browser.here), newest, Page(shown.text).videos)


async def play(who: "Dancer", tab: "KeptTab") -> None:
    """Play on in the video that the tab shows."""
    if tab.videos:
        await playing.play(who, tab, tab.videos[0], tab.videos[1:])


async def make(who: "Dancer", tab: "KeptTab", song: str) -> None:
    """Send the studio's form, follow the choreography to its end; it is kept by itself."""
    form = tab.page.form("Make my choreography")
    data = form.fields | {"song": song, "difficulty": "beginner"}
    there = await who.browser.ask(tab, "make", "HEAD", form.action, handled=HANDLED)
    if there is None:
        return
    if there.status_code == NOT_FOUND:
        await original_tab.make(who, tab, song)
        return
    who.owns.on_their_way += 1
    answer = await who.browser.open(tab, "make", form.action, method="POST", data=data)
    if answer is not None:
        task_id = answer.url.path.removeprefix("/studio/")
        begun = TaskSeen(task_id, who.name, now(), who.browser.here)
        who.browser.diary.write(begun)
        who.owns.tasks.append(task_id)
        await follow(who, Tab(who.browser.here), tab, begun, answer.text)
    who.owns.on_their_way -= 1


async def follow(who: "Dancer", tab: Tab, kept: "KeptTab", begun: TaskSeen, html: str) -> None:
    """Ask for the task as htmx does until it has ended, and where the original keeps it when the address is gone."""
    seen, progress = _seen(html), 0
    while now() < begun.started + who.wishes.task_within_s:
        await asyncio.sleep(who.wishes.poll_s["backend"])
        answer = await who.browser.ask(
            tab, "poll", "GET", f"/studio/{begun.task}?seen={seen}", headers={"HX-Request": "true"},
            expect=(200, NO_NEWS, STOP_POLLING), handled=HANDLED,
            check=partial(_backwards, least=progress),
        )  # fmt: skip
        if answer is None or answer.status_code == NO_NEWS:
            continue
        if answer.status_code == NOT_FOUND:
            if await _ask_the_original(who, tab, begun, progress):
                return
            continue
        seen, progress = _seen(answer.text) or seen, _progress(answer.text) or progress
        if answer.status_code == STOP_POLLING:
            ready = "Your choreography is ready" in answer.text
            original_tab.write_end(who, begun, "completed" if ready else "failed")
            _take(who, kept, Page(answer.text))
            return


async def _ask_the_original(who: "Dancer", tab: Tab, begun: TaskSeen, progress: int) -> bool:
    """Return whether the task has ended."""
    answer = await who.browser.ask(
        tab, "poll", "GET", f"/task/{begun.task}/", check=lambda answer: original_tab.backwards(answer, progress)
    )
    if answer is None or answer.json()["status"] not in original_tab.FINISHED:
        return False
    task = answer.json()
    original_tab.write_end(who, begun, task["status"])
    if (result := task["result"]) and (identity := result["saved_choreography_id"]):
        who.owns.saved[identity] = ""
        who.owns.videos[identity] = result["video_filename"]
    return True


def _take(who: "Dancer", kept: "KeptTab", page: Page) -> None:
    """Remember what the finished page shows: the choreography in the collection, and its video."""
    identity = next(
        (address.rstrip("/").rpartition("/")[2] for address, text in page.links if "collection" in text), ""
    )
    if identity:
        who.owns.saved[identity] = ""
        who.owns.videos[identity] = ""
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
