"""Choose a song and follow the generation."""

import hashlib
import json
import re
import secrets
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseStopPolling

from apps.authentication.models import User
from apps.authentication.requests import MemberRequest
from apps.authentication.selectors import saves_automatically
from apps.choreography import selectors
from apps.choreography.executions import request_of, requests_of
from apps.choreography.models import ChoreographyTask
from apps.choreography.progress import STAGES
from apps.collections.api import Change
from apps.collections.models import SavedChoreography
from apps.collections.selectors import choreography_from_task
from apps.collections.services import save_choreography
from apps.generation import services
from apps.generation.wishes import GenerationRequest
from apps.songs.of_jobs import name_of_song, names_of_songs
from apps.songs.selectors import songs_for
from apps.songs.services import add_song, size_limit_bytes
from apps.songs.titles import title_of
from config.bodies import takes_file
from config.errors import (
    ConflictError,
    DomainError,
    GoneError,
    InvalidError,
    NotFoundError,
    QueueFullError,
    QuotaError,
    TooLargeError,
)
from config.inputs import OF_FORM
from config.problems import STATUS, retry_after
from web.members import members_only
from web.practice import again_of, doubts_of, with_practice_room

RECENT = 5
KEY = r"[\w-]{1,100}"  # of a page that shows the form
# The stages, for people.
STEPS = {
    "downloading": "Fetch the song",
    "analyzing": "Hear the beat",
    "selecting": "Choose the moves",
    "generating": "Put them on the beat",
    "finalizing": "Last touches",
}
FINISHED = {ChoreographyTask.Status.COMPLETED, ChoreographyTask.Status.FAILED}


@members_only
@require_http_methods(["GET", "HEAD", "POST"])
def studio(request: MemberRequest) -> HttpResponse:
    if request.method != "POST":
        return _studio(request)
    # An unticked box is not sent at all, and "the song decides" is sent as nothing.
    wishes = {name: request.POST[name] for name in GenerationRequest().get_fields() if request.POST.get(name)}
    form = GenerationRequest(data=wishes | {"auto_save": "auto_save" in request.POST}, context=OF_FORM)
    if not form.is_valid():
        return _studio(request, errors=form.errors)
    try:
        task = start_once(request, form.validated_data)
    except (QueueFullError, QuotaError) as error:
        return _studio(request, problem=error)
    return redirect("web:progress", task.pk)


def start_once(request: MemberRequest, wishes: dict[str, Any]) -> ChoreographyTask:
    """Start it; sent twice by one page, as by a double click, it is one.

    Who comes back to the page and wishes something else, or has cancelled what was started, gets another one.
    """
    key = request.POST.get("key", "")
    if not re.fullmatch(KEY, key):
        return services.start_generation(user=request.user, **wishes)
    wished = hashlib.sha256(json.dumps(wishes, sort_keys=True).encode()).hexdigest()
    try:
        return services.start_generation_once(user=request.user, idempotency_key=f"{key} {wished}", **wishes)[0]
    except GoneError:
        return services.start_generation(user=request.user, **wishes)


def _studio(
    request: MemberRequest, errors: Any = None, problem: DomainError | None = None, upload_problem: str = ""
) -> HttpResponse:
    recent = _recent(request.user)
    titles = _songs(recent)
    context = {
        "here": reverse("web:studio"),
        "songs": songs_for(request.user),
        "chosen": request.POST.get("song") or request.GET.get("song"),
        # What was chosen stays chosen when the form comes back.
        "wished": request.POST,
        "auto_save": "auto_save" in request.POST if "key" in request.POST else saves_automatically(request.user),
        "key": secrets.token_urlsafe(16),
        "recent": [(task, titles[task.pk]) for task in recent],
        "errors": errors,
        "problem": problem.message if problem and not upload_problem else "",
        "upload_problem": upload_problem,
    }
    status = STATUS[type(problem)] if problem else HTTPStatus.BAD_REQUEST if errors else HTTPStatus.OK
    response = render(request, "web/studio.html", context, status=status)
    for name, value in (retry_after(problem) if problem else {}).items():
        response[name] = value
    return response


def _recent(user: User) -> list[ChoreographyTask]:
    return selectors.shown_as_their_jobs(list(selectors.tasks_of(user)[:RECENT]))


@takes_file(size_limit_bytes)
@members_only
@require_POST
def upload_song(request: MemberRequest) -> HttpResponse:
    """Add a song and choose it; answers with the list of songs alone."""
    try:
        context, status = _add(request), HTTPStatus.OK
    except (InvalidError, TooLargeError, QuotaError) as error:
        if not request.htmx:
            return _studio(request, problem=error, upload_problem=error.message)
        context, status = {"upload_problem": error.message}, STATUS[type(error)]
    if request.htmx:
        return render(request, "web/_songs.html", {"songs": songs_for(request.user), **context}, status=status)
    return redirect(f"{reverse('web:studio')}?{urlencode({'song': context['chosen']})}")


def _add(request: MemberRequest) -> dict[str, str]:
    upload = request.FILES.get("file")
    if upload is None:
        raise InvalidError("Choose a file with a song first.")
    song, created = add_song(upload=upload, user=request.user)
    # Whole sentences: another language may put the title elsewhere.
    added = f"“{song.title}” is here and chosen." if created else f"“{song.title}” was here already; it is chosen."
    return {"chosen": song.id, "added": added}


@with_practice_room
@members_only
@require_safe
def progress(request: MemberRequest, task_id: str) -> HttpResponse:
    """How far it is; then the video. The page asks again every second until then."""
    try:
        task = selectors.task_of(request.user, task_id)
    except NotFoundError:
        if not request.htmx:
            raise
        # It was cancelled, or purged by the original.
        return HttpResponseStopPolling(content=_part(request, "web/_gone.html", {}))
    if not request.htmx:
        return render(request, "web/progress.html", _progress(request, task))
    if request.GET.get("seen") == _seen(task):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    part = _part(request, "web/_progress.html", _progress(request, task))
    return HttpResponseStopPolling(content=part) if task.status in FINISHED else HttpResponse(part)


def _seen(task: ChoreographyTask) -> str:
    # With the message: the place in the queue changes, and the row does not.
    return f"{task.updated_at.isoformat()} {task.message}"


def _part(request: MemberRequest, template: str, context: dict[str, Any]) -> bytes:
    return render(request, template, context).content


def _progress(request: MemberRequest, task: ChoreographyTask) -> dict[str, Any]:
    result = selectors.result_of(task)
    asked = request_of(task)
    song = name_of_song(task.pk, asked)
    return {
        "task": task,
        "seen": _seen(task),
        "song": title_of(song) if song else "",
        "finished": task.status in FINISHED,
        "steps": _steps(task),
        "has_video": _has_video(task),
        "kept": choreography_from_task(request.user, task.pk),
        "video_name": PurePosixPath(str(result.get("video_filename") or "")).name,
        "duration_s": result.get("sequence_duration"),
        "difficulty": asked.get("difficulty", SavedChoreography.Difficulty.INTERMEDIATE),
        "again": again_of(task),
        "doubts": doubts_of(task),
    }


def _steps(task: ChoreographyTask) -> list[tuple[str, str]]:
    """Return the stages for people, each done, now or ahead."""
    states = []
    for stage, (reached, _) in STAGES.items():
        state = "now" if task.stage == stage else "done" if task.progress > reached else "ahead"
        states.append((STEPS[stage], state))
    return states


def _songs(tasks: list[ChoreographyTask]) -> dict[str, str]:
    """Return the title of each task's song; nothing for the original's tasks, which do not say."""
    names = names_of_songs(requests_of(tasks))
    return {task_id: title_of(name) if name else "" for task_id, name in names.items()}


def _has_video(task: ChoreographyTask) -> bool:
    try:
        return bool(selectors.video_of(task))
    except (NotFoundError, ConflictError):
        return False


@members_only
@require_POST
def keep(request: MemberRequest, task_id: str) -> HttpResponse:
    """Keep it under the title and level that were typed, or those of the song and the request."""
    form = Change(
        data={name: request.POST[name] for name in ("title", "difficulty") if request.POST.get(name)}, partial=True
    )
    if not form.is_valid():
        raise InvalidError(" ".join(reason for reasons in form.errors.values() for reason in reasons))
    saved, _ = save_choreography(user=request.user, task_id=task_id, **form.validated_data)
    return redirect("web:choreography", saved.pk)
