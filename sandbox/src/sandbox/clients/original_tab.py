"""A tab of the original that stays open: its script's requests, its links and its forms, whoever answers by now."""

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx

from sandbox.clients import playing
from sandbox.clients.diary import TaskSeen, now

if TYPE_CHECKING:
    from sandbox.clients.dancer import Dancer, KeptTab

TOO_MANY = 429
FINISHED = {"completed", "failed"}


async def statistics(who: "Dancer", tab: "KeptTab") -> None:
    """Ask how many choreographies there are."""
    least = len(who.owns.saved)

    def check(answer: httpx.Response) -> str:
        # What was begun meanwhile may have been finished before the answer, too.
        most = len(who.owns.saved) + who.owns.on_their_way
        return who.owns.count(answer.json()["total_count"], least, most)

    await who.browser.ask(tab, "statistics", "GET", "/collections/stats/", check=check)


async def tasks(who: "Dancer", tab: "KeptTab") -> None:
    """List the tasks; those that the person knows are there."""
    known = set(who.owns.tasks)

    def check(answer: httpx.Response) -> str:
        missing = known - {task["task_id"] for task in answer.json()["tasks"]}
        return f"{len(missing)} tasks are missing" if missing else ""

    await who.browser.ask(tab, "tasks", "GET", "/tasks/", check=check)


async def collection(who: "Dancer", tab: "KeptTab") -> None:
    """Open the collection."""
    newest = list(who.owns.saved)[-1:]
    await who.browser.open(tab, "collection", "/collections/", check=lambda answer: _shows(answer, *newest))


async def choreography(who: "Dancer", tab: "KeptTab") -> None:
    """Open a choreography."""
    if who.owns.saved:
        chosen = who.chance.choice(list(who.owns.saved))
        title = who.owns.saved[chosen]
        await who.browser.open(
            tab, "choreography", f"/collections/{chosen}/", check=lambda answer: _shows(answer, title)
        )


async def rename(who: "Dancer", tab: "KeptTab") -> None:
    """Send the form that changes the title."""
    if who.owns.saved:
        chosen = who.chance.choice(list(who.owns.saved))
        title = _title(who)
        data = {"csrfmiddlewaretoken": tab.token, "title": title, "difficulty": "beginner"}
        answer = await who.browser.open(
            tab, "rename", f"/collections/{chosen}/edit/", method="POST", data=data,
            check=lambda answer: _shows(answer, title),
        )  # fmt: skip
        if answer is not None:
            who.owns.saved[chosen] = title


async def delete(who: "Dancer", tab: "KeptTab") -> None:
    """Delete a choreography; never the last one, whose video is played."""
    if len(who.owns.saved) > 1:
        oldest = next(iter(who.owns.saved))
        answer = await who.browser.open(
            tab, "delete", f"/collections/{oldest}/delete/", method="POST",
            data={"csrfmiddlewaretoken": tab.token},
            check=lambda answer: "it is still there" if oldest in answer.text else "",
        )  # fmt: skip
        if answer is not None:
            playing.forget(who, oldest)


async def play(who: "Dancer", tab: "KeptTab") -> None:
    """Play on, somewhere in the newest video."""
    named = [(identity, name) for identity, name in who.owns.videos.items() if name]
    if named:
        identity, name = named[-1]
        await playing.play(who, tab, identity, [f"/video/{quote(name)}/"])


async def cancel(who: "Dancer", tab: "KeptTab") -> None:
    """Start a choreography and think better of it at once."""
    if who.is_making or who.making.locked():
        return
    async with who.making:
        task_id = await _create(who, tab, who.chance.choice(who.wishes.songs))
        if task_id:
            data = {"csrfmiddlewaretoken": tab.token}
            path = f"/task/{task_id}/cancel/"
            if await who.browser.ask(tab, "cancel", "POST", path, data=data) is not None:
                who.browser.diary.write(
                    TaskSeen(task_id, who.name, now(), who.browser.here, now(), who.browser.here, "", cancelled=True)
                )


async def make(who: "Dancer", tab: "KeptTab", song: str) -> None:
    """Start a choreography, follow it to its end, keep it."""
    task_id = await _create(who, tab, song)
    if not task_id:
        return
    begun = TaskSeen(task_id, who.name, now(), who.browser.here)
    who.browser.diary.write(begun)
    who.owns.tasks.append(task_id)
    result = await follow(who, tab, begun)
    if result:
        await _save(who, tab, song, result)


async def follow(who: "Dancer", tab: "KeptTab", begun: TaskSeen) -> dict[str, str] | None:
    """Ask for the task until it has ended; return its result."""
    seen = 0
    while now() < begun.started + who.wishes.task_within_s:
        await asyncio.sleep(who.wishes.poll_s["original"])
        answer = await who.browser.ask(tab, "poll", "GET", f"/task/{begun.task}/", check=partial(backwards, least=seen))
        if answer is None:
            continue
        task = answer.json()
        seen = task["progress"]
        if task["status"] in FINISHED:
            write_end(who, begun, task["status"])
            return task["result"] if task["status"] == "completed" else None
    return None


def backwards(answer: httpx.Response, least: int) -> str:
    """Return what is wrong with a task's progress."""
    task = answer.json()
    if task["status"] != "failed" and not least <= task["progress"] <= 100:  # noqa: PLR2004 - per cent
        return f"progress {task['progress']} after {least}"
    return ""


def write_end(who: "Dancer", begun: TaskSeen, status: str) -> None:
    """Write down how a task ended."""
    who.browser.diary.write(
        TaskSeen(begun.task, who.name, begun.started, begun.started_by, now(), who.browser.here, status)
    )


async def _create(who: "Dancer", tab: "KeptTab", song: str) -> str:
    data = {"csrfmiddlewaretoken": tab.token, "song_selection": song, "difficulty": "beginner", "auto_save": "false"}
    answer = await who.browser.ask(tab, "create", "POST", "/create/", data=data, expect=(200, TOO_MANY))
    return str(answer.json()["task_id"]) if answer is not None and answer.status_code != TOO_MANY else ""


async def _save(who: "Dancer", tab: "KeptTab", song: str, result: dict[str, str]) -> None:
    title = _title(who)
    data = {
        "csrfmiddlewaretoken": tab.token,
        "title": title,
        "difficulty": "beginner",
        "video_path": result["video_path"],
        "duration": result["sequence_duration"],
        "music_info": json.dumps({"source": song, "difficulty": "beginner"}),
    }
    who.owns.on_their_way += 1
    answer = await who.browser.ask(
        tab, "save", "POST", "/collections/save/", data=data, check=lambda answer: str(answer.json().get("errors", ""))
    )
    who.owns.on_their_way -= 1
    if answer is not None:
        identity = answer.json()["choreography_id"]
        who.owns.saved[identity] = title
        who.owns.videos[identity] = result["video_filename"]


def _title(who: "Dancer") -> str:
    return f"Luna {who.chance.getrandbits(32):08x}"


def _shows(answer: httpx.Response, *texts: str) -> str:
    missing = [text for text in texts if text not in answer.text]
    return f"{missing} is missing" if missing else ""


ACTS = (
    (statistics, 3),
    (tasks, 1),
    (collection, 2),
    (choreography, 2),
    (play, 3),
    (rename, 1),
    (delete, 0.5),
    (cancel, 0.2),
)
