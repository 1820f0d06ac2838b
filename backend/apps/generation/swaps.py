"""A dance made again: one move replaced and all others kept, from the plan that lies beside the video; or another dance
to the same song, with what was heard of it corrected.
"""

import json
from typing import Any

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import task_of, video_of
from apps.media.sidecars import PLAN, sidecar_of
from apps.media.storage import StoredFile, media
from apps.songs.of_jobs import name_of_song
from apps.songs.selectors import check_song
from config.errors import ConflictError, InvalidError, NotFoundError


def swap_wishes(*, user: User, task_id: str, move: int, **changed: Any) -> dict[str, Any]:
    """Return the wishes for a task that is this one with another move in the place of number ``move``.

    ``changed`` are ``seed`` and ``auto_save``, where they are given. Raises NotFoundError if there is no such task, it
    was made without a plan, or its song is gone; ConflictError if it has no video; InvalidError if it has no such move.
    """
    task = task_of(user, task_id)
    plan = sidecar_of(video_of(task), PLAN)
    moves = _number_of_moves(plan)
    if not 1 <= move <= moves:
        message = f"There is no move {move}; there are {moves}. Choose 1 to {moves}."
        raise InvalidError(message, errors={"move": [message]})
    _check_song(user, task)
    return asked_of(task) | {"swap": {"task_id": task.pk, "move": move}} | changed


def again_wishes(*, user: User, task_id: str, **corrected: Any) -> dict[str, Any]:
    """Return the wishes for another dance to the song of this task, with what was heard wrongly corrected.

    ``corrected`` are corrections in place of those that the task had. Raises NotFoundError if there is no such task, or
    its song is gone, ConflictError if it does not say what was asked for: the original's do not.
    """
    task = task_of(user, task_id)
    if not task.facts.inputs:
        raise ConflictError("What was asked for is not known any more. Choose the song in the studio.")
    _check_song(user, task)
    wishes = asked_of(task)
    # Taps say it all: nothing is corrected besides.
    before = {} if corrected.get("taps_s") else dict(wishes.pop("corrections", None) or {})
    before |= {"taps_s": None} if corrected else {}
    if corrected.get("shift_half_beat"):
        corrected["shift_half_beat"] = not before.get("shift_half_beat")  # from where it is now
    return wishes | ({"corrections": before | corrected} if before | corrected else {})


def asked_of(task: ChoreographyTask) -> dict[str, Any]:
    """Return what may be asked for once more of what was asked for; nothing if that is not known."""
    inputs = task.facts.inputs or {}
    kept = ("song", "difficulty", "energy", "style", "auto_save", "corrections")
    return {name: inputs[name] for name in kept if name in inputs}


def _check_song(user: User, task: ChoreographyTask) -> None:
    inputs = task.facts.inputs or {}
    try:
        check_song(user, str(inputs.get("song", "")))
    except NotFoundError as error:
        name = name_of_song(task.pk, inputs) or "The song"
        detail = f"{name} is not there any more, so no other dance can be made of it. Upload it again, and begin anew."
        raise NotFoundError(detail, code="song-missing") from error


def _number_of_moves(plan: StoredFile) -> int:
    # The web server does not import the engine for this.
    return len(json.loads(b"".join(media().read(plan, 0, plan.size)))["moves"])
