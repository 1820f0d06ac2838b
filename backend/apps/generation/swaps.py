"""One move replaced, all others kept: a new task from the plan that lies beside a finished task's video."""

import json
from typing import Any

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import task_of, video_of
from apps.media.sidecars import PLAN, sidecar_of
from apps.media.storage import StoredFile, media
from config.errors import InvalidError


def swap_wishes(*, user: User, task_id: str, move: int, **changed: Any) -> dict[str, Any]:
    """Return the wishes for a task that is this one with another move in the place of number ``move``.

    ``changed`` are ``seed`` and ``auto_save``, where they are given. Raises NotFoundError if there is no such task, or
    it was made without a plan; ConflictError if it has no video; InvalidError if it has no such move.
    """
    task = task_of(user, task_id)
    plan = sidecar_of(video_of(task), PLAN)
    moves = _number_of_moves(plan)
    if not 1 <= move <= moves:
        message = f"There is no move {move}; there are {moves}. Choose 1 to {moves}."
        raise InvalidError(message, errors={"move": [message]})
    return _asked(task) | {"swap": {"task_id": task.pk, "move": move}} | changed


def _asked(task: ChoreographyTask) -> dict[str, Any]:
    kept = ("song", "difficulty", "energy", "style", "auto_save", "corrections")
    return {name: task.facts.inputs[name] for name in kept if name in task.facts.inputs}


def _number_of_moves(plan: StoredFile) -> int:
    # The web server does not import the engine for this.
    return len(json.loads(b"".join(media().read(plan, 0, plan.size)))["moves"])
