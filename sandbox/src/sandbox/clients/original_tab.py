"""An open tab of the original: its script's requests, links and forms, whichever system answers by now."""

import asyncio
import json
from functools import partial
from urllib.parse import quote

import httpx

from sandbox.clients import playing
from sandbox.clients.diary import TaskSeen, now
from sandbox.clients.page import missing_in
from sandbox.clients.person import KeptTab, Person

TOO_MANY = 429
FINISHED = {"completed", "failed"}


async def statistics(person: Person, tab: KeptTab) -> None:
    """Ask how many choreographies there are."""
    least = len(person.owns.saved)

    def check(answer: httpx.Response) -> str:
        # What was begun meanwhile may have been finished before the answer, too.
        most = len(person.owns.saved) + person.owns.on_their_way
        return person.owns.count(answer.json()["total_count"], least, most)

    await person.browser.ask(tab, "statistics", "GET", "/collections/stats/", check=check)


async def tasks(person: Person, tab: KeptTab) -> None:
    """List the tasks; those that the person knows are there."""
    known = set(person.owns.tasks)

    def check(answer: httpx.Response) -> str:
        missing = known - {task["task_id"] for task in answer.json()["tasks"]}
        return f"{len(missing)} tasks are missing" if missing else ""

    await person.browser.ask(tab, "tasks", "GET", "/tasks/", check=check)


async def collection(person: Person, tab: KeptTab) -> None:
    """Open the collection."""
    newest = list(person.owns.saved)[-1:]
    await person.browser.open(tab, "collection", "/collections/", check=lambda answer: missing_in(answer.text, newest))


async def choreography(person: Person, tab: KeptTab) -> None:
    """Open a choreography."""
    if person.owns.saved:
        chosen = person.random.choice(list(person.owns.saved))
        title = person.owns.saved[chosen]
        await person.browser.open(
            tab, "choreography", f"/collections/{chosen}/", check=lambda answer: missing_in(answer.text, [title])
        )


async def rename(person: Person, tab: KeptTab) -> None:
    """Send the form that changes the title."""
    if person.owns.saved:
        chosen = person.random.choice(list(person.owns.saved))
        title = _title(person)
        data = {"csrfmiddlewaretoken": tab.token, "title": title, "difficulty": "beginner"}
        answer = await person.browser.open(
            tab, "rename", f"/collections/{chosen}/edit/", method="POST", data=data,
            check=lambda answer: missing_in(answer.text, [title]),
        )  # fmt: skip
        if answer is not None:
            person.owns.saved[chosen] = title


async def delete(person: Person, tab: KeptTab) -> None:
    """Delete a choreography; never the last one, whose video is played."""
    if len(person.owns.saved) > 1:
        oldest = next(iter(person.owns.saved))
        answer = await person.browser.open(
            tab, "delete", f"/collections/{oldest}/delete/", method="POST",
            data={"csrfmiddlewaretoken": tab.token},
            check=lambda answer: "it is still there" if oldest in answer.text else "",
        )  # fmt: skip
        if answer is not None:
            playing.forget(person, oldest)


async def play(person: Person, tab: KeptTab) -> None:
    """Play on, somewhere in the newest video."""
    named = [(identity, name) for identity, name in person.owns.videos.items() if name]
    if named:
        identity, name = named[-1]
        await playing.play(person, tab, identity, [f"/video/{quote(name)}/"])


async def cancel(person: Person, tab: KeptTab) -> None:
    """Start a choreography and cancel it at once."""
    if person.is_making or person.making_slots.locked():
        return
    async with person.making_slots:
        task_id = await _create(person, tab, person.random.choice(person.settings.songs))
        if task_id:
            data = {"csrfmiddlewaretoken": tab.token}
            path = f"/task/{task_id}/cancel/"
            if await person.browser.ask(tab, "cancel", "POST", path, data=data) is not None:
                system = person.browser.last_system
                person.browser.diary.write(
                    TaskSeen(task_id, person.name, now(), system, now(), system, "", cancelled=True)
                )


async def make(person: Person, tab: KeptTab, song: str) -> None:
    """Start a choreography, follow it to its end, keep it."""
    task_id = await _create(person, tab, song)
    if not task_id:
        return
    begun = TaskSeen(task_id, person.name, now(), person.browser.last_system)
    person.browser.diary.write(begun)
    person.owns.tasks.append(task_id)
    result = await follow(person, tab, begun)
    if result:
        await _save(person, tab, song, result)


async def follow(person: Person, tab: KeptTab, begun: TaskSeen) -> dict[str, str] | None:
    """Ask for the task until it has ended; return its result."""
    seen = 0
    while now() < begun.started + person.settings.task_within_s:
        await asyncio.sleep(person.settings.poll_s["original"])
        answer = await person.browser.ask(
            tab, "poll", "GET", f"/task/{begun.task}/", check=partial(backwards, least=seen)
        )
        if answer is None:
            continue
        task = answer.json()
        seen = task["progress"]
        if task["status"] in FINISHED:
            write_end(person, begun, task["status"])
            return task["result"] if task["status"] == "completed" else None
    return None


def backwards(answer: httpx.Response, least: int) -> str:
    """Return what is wrong with a task's progress."""
    task = answer.json()
    if task["status"] != "failed" and not least <= task["progress"] <= 100:  # noqa: PLR2004 - per cent
        return f"progress {task['progress']} after {least}"
    return ""


def write_end(person: Person, begun: TaskSeen, status: str) -> None:
    """Write down how a task ended."""
    person.browser.diary.write(
        TaskSeen(begun.task, person.name, begun.started, begun.started_by, now(), person.browser.last_system, status)
    )


async def _create(person: Person, tab: KeptTab, song: str) -> str:
    data = {"csrfmiddlewaretoken": tab.token, "song_selection": song, "difficulty": "beginner", "auto_save": "false"}
    answer = await person.browser.ask(tab, "create", "POST", "/create/", data=data, expect=(200, TOO_MANY))
    return str(answer.json()["task_id"]) if answer is not None and answer.status_code != TOO_MANY else ""


async def _save(person: Person, tab: KeptTab, song: str, result: dict[str, str]) -> None:
    title = _title(person)
    data = {
        "csrfmiddlewaretoken": tab.token,
        "title": title,
        "difficulty": "beginner",
        "video_path": result["video_path"],
        "duration": result["sequence_duration"],
        "music_info": json.dumps({"source": song, "difficulty": "beginner"}),
    }
    person.owns.on_their_way += 1
    answer = await person.browser.ask(
        tab, "save", "POST", "/collections/save/", data=data, check=lambda answer: str(answer.json().get("errors", ""))
    )
    person.owns.on_their_way -= 1
    if answer is not None:
        identity = answer.json()["choreography_id"]
        person.owns.saved[identity] = title
        person.owns.videos[identity] = result["video_filename"]


def _title(person: Person) -> str:
    return f"Luna {person.random.getrandbits(32):08x}"


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
