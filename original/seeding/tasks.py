"""Tasks: young, stuck and forgotten ones, in every state."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from choreography.generation import STAGES
from choreography.housekeeping import FORGOTTEN_AFTER, STUCK, STUCK_AFTER
from choreography.models import ChoreographyTask, SavedChoreography
from seeding.source import Source, change

MINUTE = timedelta(minutes=1)
TOOK = timedelta(seconds=40)

# So few that the original, which runs three at a time, accepts another one.
YOUNG_RUNNING = 2
FAILED_SHARE = 0.25
UNTIDY_SHARE = 0.2
REASONS = ("CH003  Noche de mayo.mp3 holds no sound.", "[Errno 28] No space left on device")

STARTED = {
    "status": "started",
    "progress": 0,
    "stage": "initializing",
    "message": "Starting choreography generation...",
    "result": None,
}
RUNNING = {
    "status": "running",
    "progress": STAGES["generating"][0],
    "stage": "generating",
    "message": STAGES["generating"][1],
    "result": None,
}
FAILED = {**RUNNING, "status": "failed", "progress": 0, "stage": "failed"}
COMPLETED = {
    "status": "completed",
    "progress": 100,
    "stage": "completed",
    "message": "Choreography generated successfully! (Auto-saved to collection)",
}
OLD = {"created_at": lambda task: task.created_at - FORGOTTEN_AFTER}

# The usual task completed within the last hour, and began longer ago than housekeeping waits.
UNTIDY: dict[str, dict[str, Any]] = {
    "tasks whose id is a word": {"task_id": lambda task: f"demo-{task.task_id[:8]}"},
    "tasks whose id has spaces and accents": {"task_id": lambda task: f"canción nº {task.task_id[:8]}"},
    "tasks whose id is a UUID in capitals": {"task_id": lambda task: task.task_id.upper()},
    "tasks whose id is a UUID without hyphens": {"task_id": lambda task: task.task_id.replace("-", "")},
    "tasks started and stuck": STARTED,
    "tasks running and stuck": RUNNING,
    "tasks started, older than an hour": {**STARTED, **OLD},
    "tasks running, older than an hour": {**RUNNING, **OLD},
    "tasks completed, older than an hour": OLD,
    "tasks failed, older than an hour": {**FAILED, **OLD, "error": STUCK},
    "tasks completed without a result": {"result": None},
    "tasks failed without a reason": FAILED,
}


def tasks_of(source: Source, choreographies: Sequence[SavedChoreography]) -> list[ChoreographyTask]:
    """Draw the tasks that made some of the choreographies, and tasks that made none."""
    chosen = source.chance.sample(choreographies, max(len(UNTIDY), len(choreographies) // 4))
    kinds = source.kinds(UNTIDY, len(chosen), share=UNTIDY_SHARE)
    tasks = [_task(source, saved, kind) for saved, kind in zip(chosen, kinds, strict=True)]
    return tasks + [_young_task(source, saved.user_id) for saved in chosen[:YOUNG_RUNNING]]


def _task(source: Source, saved: SavedChoreography, kind: str | None) -> ChoreographyTask:
    task = ChoreographyTask(
        task_id=str(source.uuid()),
        user_id=saved.user_id,
        result=_result(source, saved),
        created_at=source.ago(STUCK_AFTER + MINUTE, FORGOTTEN_AFTER - MINUTE),
        **COMPLETED,
    )
    if kind:
        change(task, UNTIDY[kind])
    elif source.chance.random() < FAILED_SHARE:
        change(task, {**FAILED, "error": source.chance.choice(REASONS)})
    task.updated_at = task.created_at + TOOK
    if task.status == "completed":
        saved.created_at = task.updated_at
        if saved.generation_parameters:
            saved.generation_parameters["task_id"] = task.task_id
    return task


def _young_task(source: Source, user_id: int) -> ChoreographyTask:
    begun = source.ago(TOOK, 2 * MINUTE)
    return ChoreographyTask(
        task_id=str(source.uuid()), user_id=user_id, created_at=begun, updated_at=begun + TOOK, **RUNNING
    )


def _result(source: Source, saved: SavedChoreography) -> dict[str, Any]:
    path = str(saved.video_path)
    return {
        "video_path": path,
        "video_filename": PurePosixPath(path).name,
        "processing_time": round(source.chance.uniform(2, 30), 3),
        "sequence_duration": round(source.chance.uniform(90, 260), 3),
        "moves_analyzed": source.chance.randint(12, 400),
        "metadata_path": None,
        "saved_choreography_id": str(saved.pk),
        "auto_saved": True,
    }
