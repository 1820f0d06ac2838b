"""Every task has ended once: the person's memory, the rows of both systems, the job and the file agree."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from sandbox.postgres import Database
from tests.crashes.deviations import Deviation, duplicate, lost, orphan
from tests.crashes.disk import files_in
from tests.crashes.ledger import Entry, Ledger

Row = dict
# The original's own names; what a killed original leaves there is removed by the backend's `sweep_files`.
SIDECAR = re.compile(r"^(.*)(\.timeline\.json|\.captions\.vtt|\.chapters\.vtt|\.jpg|\.plan\.json)$")
# What every video of the backend has beside it.
BESIDE_A_VIDEO = (".timeline.json", ".captions.vtt", ".chapters.vtt", ".jpg", ".plan.json")
NAME_OF_THE_ORIGINAL = re.compile(r"_balanced_choreography\w*\.mp4$")


@dataclass(frozen=True)
class Records:
    """What the database and the disk hold."""

    jobs: dict[str, Row]
    tasks: dict[str, Row]
    saved: dict[str, list[Row]]  # by task
    videos: set[str]  # names below the media root
    sidecars: set[str] = field(default_factory=set)


def read_records(database: Database, media: Path) -> Records:
    """Read everything."""
    with psycopg.connect(database.server.url("postgres", database.name), row_factory=dict_row) as session:
        jobs = {row["task_id"]: row for row in session.execute("SELECT * FROM backend.jobs")}
        tasks = {row["task_id"]: row for row in session.execute("SELECT * FROM public.choreography_tasks")}
        saved = defaultdict(list)
        for row in session.execute("SELECT * FROM public.saved_choreographies"):
            saved[(row["generation_parameters"] or {}).get("task_id", "")].append(row)
    output = media / "output"
    files = {
        path.relative_to(media).as_posix()
        for path in files_in(output, "**/*")
        if path.is_file() and ".drafts" not in path.relative_to(output).parts
    }
    sidecars = {name for name in files if SIDECAR.match(name)}
    return Records(jobs, tasks, dict(saved), files - sidecars, sidecars)


def audit_tasks(ledger: Ledger, records: Records) -> list[Deviation]:
    """Compare what people were told with what there is."""
    found = [lost(text) for text in ledger.wrong]
    found += [duplicate(f"one Idempotency-Key started {sorted(ids)}") for ids in ledger.keys.values() if len(ids) > 1]
    for task_id in sorted(records.jobs.keys() | records.tasks.keys() | ledger.entries.keys()):
        entry, job, task = ledger.entries.get(task_id), records.jobs.get(task_id), records.tasks.get(task_id)
        # A cancelled task of the original has a job, too: it holds the end alone.
        if job is not None and job["request"]:
            found += _of_a_job(entry, job, task, records)
        else:
            found += _of_the_original(task_id, entry, task)
        found += _saved_once(task_id, entry, job, task, records.saved.get(task_id, []))
    gone = {entry.task_id for entry in ledger.entries.values() if entry.delete_asked}
    return found + list(_files(records, gone)) + list(_sidecars(records))


def _of_a_job(entry: Entry | None, job: Row, task: Row | None, records: Records) -> Iterator[Deviation]:
    name, outcome = job["task_id"], job["outcome"]
    if outcome is None:
        yield lost(f"task {name} has not ended (attempt {job['attempt']}, holder {job['owner'] or 'none'})")
        return
    if job["token"] is not None or job["lease_expires_at"] is not None:
        yield orphan(f"the lease of task {name}, which has ended, is still held")
    if outcome == "cancelled":
        if entry is not None and not entry.cancel_asked:
            yield lost(f"task {name} counts as cancelled, and its person did not cancel it")
        if task is not None:
            yield lost(f"task {name} is cancelled, and its row is still there ({task['status']})")
        return
    if entry is not None and entry.cancelled:
        # Cancelled on the original after it had ended: the row goes, the job keeps the outcome.
        if task is not None:
            yield lost(f"task {name} was cancelled, and its row is still there ({task['status']})")
    elif task is None:
        yield lost(f"task {name} is {outcome}, and its row is gone")
    elif task["status"] != outcome:
        yield lost(f"the job of task {name} is {outcome}, and its row is {task['status']}")
    elif outcome == "failed" and not (task["error"] and job["error"]):
        yield lost(f"task {name} failed without a reason")
    video = f"output/user_{job['user_id']}/{name}.mp4"
    deleted = entry is None or entry.delete_asked
    if outcome == "completed" and video not in records.videos and not deleted:
        yield lost(f"task {name} is completed, and its file {video} is missing")


def _of_the_original(name: str, entry: Entry | None, task: Row | None) -> Iterator[Deviation]:
    if task is None:
        if entry is not None and not entry.cancel_asked:
            yield lost(f"task {name} was acknowledged, and there is no row of it")
    elif task["status"] not in {"completed", "failed"}:
        yield lost(f"task {name} of the original has not ended ({task['status']})")
    elif task["status"] == "failed" and not task["error"]:
        yield lost(f"task {name} of the original failed without a reason")
    elif entry is not None and entry.cancelled:
        yield lost(f"task {name} was cancelled, and its row is still there ({task['status']})")


def _saved_once(
    name: str, entry: Entry | None, job: Row | None, task: Row | None, saved: list[Row]
) -> Iterator[Deviation]:
    if len(saved) > 1:
        yield duplicate(f"task {name} is {len(saved)} times in the collection")
    completed = job["outcome"] == "completed" if job is not None else bool(task and task["status"] == "completed")
    if entry is None:
        return
    if completed and not saved and entry.is_sure_to_be_saved:
        yield lost(f"task {name} is completed and was to be saved, and the collection does not have it")
    if saved and entry.deleted:
        yield lost(f"the choreography of task {name} was deleted, and the collection still has it")
    if saved and job is not None and job["request"] and not completed and not entry.cancel_asked:
        yield lost(f"task {name} is {job['outcome']}, and the collection has it")


def _files(records: Records, gone: set[str]) -> Iterator[Deviation]:
    names = Counter(names_of_videos(records))
    for name in sorted(records.videos - names.keys()):
        if not NAME_OF_THE_ORIGINAL.search(name):
            job = records.jobs.get(Path(name).stem)
            how = f"its job is {job['outcome']} after attempt {job['attempt']}" if job else "it has no job"
            yield orphan(f"no row and no job names the file {name} ({how})")
    by_task = defaultdict(list)
    for name in records.videos:
        by_task[Path(name).stem].append(name)
    for task_id, files in sorted(by_task.items()):
        if len(files) > 1 and not NAME_OF_THE_ORIGINAL.search(files[0]):
            yield duplicate(f"task {task_id} has {len(files)} files: {sorted(files)}")
    owners = defaultdict(set)
    for task_id, rows in records.saved.items():
        for row in rows:
            owners[row["video_path"]].add(task_id)
            if row["video_path"] not in records.videos:
                yield lost(f"the collection names {row['video_path']} of task {task_id}, which is missing")
    for task_id, task in records.tasks.items():
        # The original gives the name of a deleted video to the next one of that song.
        if task["status"] == "completed" and task_id not in gone:
            owners[task["result"]["video_path"]].add(task_id)
    for name, tasks in sorted(owners.items()):
        if len(tasks) > 1:
            yield duplicate(f"{len(tasks)} tasks name the file {name}: {sorted(tasks)}")


def _sidecars(records: Records) -> Iterator[Deviation]:
    for name in sorted(records.sidecars):
        video = SIDECAR.sub(r"\1.mp4", name)
        if video not in records.videos:
            yield orphan(f"the file {name} lies beside no video")
    for name in sorted(records.videos):
        job = records.jobs.get(Path(name).stem)
        if job is None or not job["request"]:
            continue  # the original's videos have none
        missing = [end for end in BESIDE_A_VIDEO if name.removesuffix(".mp4") + end not in records.sidecars]
        if missing:
            yield lost(f"the video {name} has no {', '.join(missing)} beside it")


def names_of_videos(records: Records) -> Iterator[str]:
    """Yield every file that a row or a job names."""
    for rows in records.saved.values():
        yield from (row["video_path"] for row in rows)
    for task in records.tasks.values():
        if task["status"] == "completed":
            yield task["result"]["video_path"]
    for job in records.jobs.values():
        if job["outcome"] == "completed":
            yield f"output/user_{job['user_id']}/{job['task_id']}.mp4"
