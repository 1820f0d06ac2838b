"""Pages with a practice room: what a browser lets them do besides, and what is known of its task."""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from apps.authentication.models import User
from apps.choreography.models import ChoreographyTask
from apps.choreography.selectors import task_of
from apps.collections.models import SavedChoreography
from config.errors import GoneError, NotFoundError
from config.security import POLICY, permissions

View = Callable[..., HttpResponse]

# The camera of the dancer who looks, and the round that was recorded of it, at an address within the page.
HEADERS = {
    "Content-Security-Policy": f"{POLICY}; media-src 'self' blob:",
    "Permissions-Policy": permissions(own={"camera"}),
}


def with_practice_room(view: View) -> View:
    """Let the page use the camera and play what it recorded; no other page may."""

    @wraps(view)
    def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    return allowed


def again_of(task: ChoreographyTask) -> dict[str, str] | None:
    """Return what the form needs that makes a task's dance again; None for one that does not say what was asked for."""
    if not task.facts.inputs or task.status != ChoreographyTask.Status.COMPLETED:
        return None
    return {"task": task.pk, "key": secrets.token_urlsafe(16)}


def doubts_of(task: ChoreographyTask) -> dict[str, Any]:
    """Return what the page says of a song in which the beat may have been heard wrongly."""
    heard = task.facts.hearing or {"looks_like_four_beats": True, "uncertain": []}
    spans = [f"{_clock(span['start_s'])}-{_clock(span['end_s'])}" for span in heard["uncertain"]]
    return {"other_meter": not heard["looks_like_four_beats"], "uncertain": ", ".join(spans)}


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def made_by(user: User, saved: SavedChoreography) -> dict[str, Any]:
    """Return what a page tells of the task that made a choreography, while there is one."""
    made = saved.generation_parameters
    task_id = made.get("task_id") if isinstance(made, dict) else None
    try:
        task = task_of(user, str(task_id)) if task_id else None
    except (NotFoundError, GoneError):
        task = None  # it was purged, and with it what was asked for
    return {"again": again_of(task), "doubts": doubts_of(task)} if task else {}
