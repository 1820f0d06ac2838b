"""Start a generation, follow it, cancel it, fetch its video: JSON as the original's page and scripts read it."""

from http import HTTPStatus
from pathlib import PurePosixPath
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.authentication.requests import MemberRequest
from apps.choreography import selectors
from apps.choreography.models import ChoreographyTask
from apps.collections.models import SavedChoreography
from apps.generation import services
from apps.media.files import video_file
from apps.media.folders import folder_of
from apps.media.streaming import video_response
from config.errors import GoneError, NotFoundError, QueueFullError, QuotaError
from config.problems import STATUS, retry_after
from config.rendering import finite

MAX_RUNNING = 3


class CreateForm(forms.Form):
    """What the original's page sends."""

    song_selection = forms.CharField(max_length=255, strip=False)
    difficulty = forms.ChoiceField(choices=SavedChoreography.Difficulty.choices)
    auto_save = forms.CharField(required=False)

    def clean_auto_save(self) -> bool:
        """Read the flag; without one the answer is yes."""
        return self.cleaned_data["auto_save"].lower() not in {"false", "off", "no", "0"}


@require_GET
def select_song(_request: HttpRequest) -> HttpResponse:
    return redirect("web:studio")


@require_POST
def create(request: HttpRequest) -> JsonResponse:
    if not request.user.is_authenticated:
        return _json({"error": "Log in to create a choreography."}, HTTPStatus.UNAUTHORIZED)
    form = CreateForm(request.POST)
    if not form.is_valid():
        errors = {field: list(messages) for field, messages in form.errors.items()}
        return _json({"error": "Invalid form data", "errors": errors}, HTTPStatus.BAD_REQUEST)
    running = ChoreographyTask.objects.filter(status=ChoreographyTask.Status.RUNNING).count()
    if running >= MAX_RUNNING:
        error = "Too many choreographies are being made. Try again in a minute."
        body = {"error": error, "active_tasks": running, "limit": MAX_RUNNING}
        return _json(body, HTTPStatus.TOO_MANY_REQUESTS)
    wanted = form.cleaned_data
    try:
        task = services.start_generation(
            user=request.user,
            song=wanted["song_selection"],
            difficulty=wanted["difficulty"],
            auto_save=wanted["auto_save"],
        )
    except NotFoundError as error:
        return _json({"error": error.message}, HTTPStatus.NOT_FOUND)
    except (QueueFullError, QuotaError) as error:
        return _json({"error": error.message, "limit": error.limit}, STATUS[type(error)], retry_after(error))
    return _json({"task_id": task.task_id, "status": "started"})


@login_required
@require_GET
def show_task(request: MemberRequest, task_id: str) -> JsonResponse:
    try:
        return _json(_as_the_original(selectors.task_of(request.user, task_id)))
    except (NotFoundError, GoneError):
        return _refusal(task_id)


@login_required
@require_http_methods(["POST", "DELETE"])
def cancel(request: MemberRequest, task_id: str) -> JsonResponse:
    try:
        status = services.cancel_as_the_original(user=request.user, task_id=task_id)
    except (NotFoundError, GoneError):
        return _refusal(task_id)
    return _json({"message": "Task cancelled", "task_id": task_id, "previous_status": status})


@login_required
@require_GET
def list_tasks(request: MemberRequest) -> JsonResponse:
    # The original deletes old tasks of all users here. The backend does not: nothing needs it.
    tasks = selectors.shown_as_their_jobs(list(selectors.tasks_of(request.user)))
    return _json({"tasks": [_as_the_original(task) for task in tasks]})


@login_required
@require_GET
def video(request: MemberRequest, name: str) -> HttpResponseBase:
    if PurePosixPath(name).name != name:
        raise Http404
    folder = folder_of(request.user.pk)
    file = video_file(f"{folder}/{name}", owner_id=request.user.pk)
    if str(PurePosixPath(file.name).parent) != folder:
        raise Http404
    return video_response(request, file)


def _refusal(task_id: str) -> JsonResponse:
    # The original answers 403 for a task of another user, 404 for a missing one.
    if ChoreographyTask.objects.filter(pk=task_id).exists():
        return _json({"error": "This task belongs to somebody else."}, HTTPStatus.FORBIDDEN)
    return _json({"error": "Task not found", "task_id": task_id}, HTTPStatus.NOT_FOUND)


def _as_the_original(task: ChoreographyTask) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "status": task.told_status,
        "progress": task.progress,
        "stage": task.stage,
        "message": task.message,
        "result": task.result,
        "error": task.error,
        "created_at": task.created_at.timestamp(),
    }


def _json(
    body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> JsonResponse:
    return JsonResponse(finite(body), status=status, headers=headers)
