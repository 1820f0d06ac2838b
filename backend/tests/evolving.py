"""Tests in either phase: a database at a stage of the evolution, and the words of the table."""

import os

from apps.choreography.models import TOLD, ChoreographyTask

IMPROVED = ChoreographyTask.PHASE > 1
# EVOLVED chooses another stage.
STAGE = os.environ.get("EVOLVED", "contracted" if IMPROVED else "before")
# From the start of the evolution on, the check of Phase 2 refuses unknown words of either phase.
CHECKED = STAGE in ("expanded", "switched", "contracted")
# What this phase's sessions find; while both shapes live, a view, which no change of the table's names reaches.
SEEN = f"{f'phase{ChoreographyTask.PHASE}' if STAGE in ('expanded', 'switched') else 'public'}.choreography_tasks"


def stored(told: str) -> str:
    """Return the table's word for a status as clients know it."""
    return {ours: word for word, ours in TOLD.items()}.get(told, told) if IMPROVED else told


def spelled(task_id: str) -> str:
    """Return the id that a task is given in this phase when it is written with this one."""
    return str(ChoreographyTask._meta.pk.to_python(task_id))
