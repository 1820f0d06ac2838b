"""Choose a song, follow its task, watch the video."""

from pathlib import PurePosixPath

from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from choreography import housekeeping, media
from choreography.forms import CreateForm
from choreography.generation import start_generation
from choreography.models import ChoreographyTask, Difficulty
from users.requests import MemberRequest

MAX_RUNNING = 3


@require_GET
def select_song(request: HttpRequest) -> HttpResponse:
    songs = [(name, PurePosixPath(name).stem) for name in media.song_names()]
    saves = request.user.is_authenticated and request.user.saves_automatically()
    context = {"songs": songs, "difficulties": Difficulty.choices, "auto_save": saves}
    return render(request, "choreography/select_song.html", context)


@require_POST
def create(request: HttpRequest) -> JsonResponse:
    if not request.user.is_authenticated:
        return JsonResponse({"error": "Log in to create a choreography."}, status=401)
    form = CreateForm(request.POST)
    if not form.is_valid():
        errors = {field: list(messages) for field, messages in form.errors.items()}
        return JsonResponse({"error": "Invalid form data", "errors": errors}, status=400)
    wanted = form.cleaned_data
    if wanted["song_selection"] not in media.song_names():
        return JsonResponse({"error": f"There is no song {wanted['song_selection']}."}, status=404)

    housekeeping.fail_stuck_tasks()
    running = ChoreographyTask.objects.filter(status=ChoreographyTask.Status.RUNNING).count()
    if running >= MAX_RUNNING:
        error = "Too many choreographies are being made. Try again in a minute."
        return JsonResponse({"error": error, "active_tasks": running, "limit": MAX_RUNNING}, status=429)
    task = start_generation(
        user_id=request.user.pk,
        song=wanted["song_selection"],
        difficulty=wanted["difficulty"],
        auto_save=wanted["auto_save"] and request.user.saves_automatically(),
    )
    return JsonResponse({"task_id": task.task_id, "status": "started"})


@login_required
@require_GET
def show_task(request: MemberRequest, task_id: str) -> JsonResponse:
    found = _task_or_refusal(request, task_id)
    return found if isinstance(found, JsonResponse) else JsonResponse(found.as_json())


@login_required
@require_http_methods(["POST", "DELETE"])
def cancel_task(request: MemberRequest, task_id: str) -> JsonResponse:
    found = _task_or_refusal(request, task_id)
    if isinstance(found, JsonResponse):
        return found
    status = found.status
    found.delete()
    return JsonResponse({"message": "Task cancelled", "task_id": task_id, "previous_status": status})


@login_required
@require_GET
def list_tasks(request: MemberRequest) -> JsonResponse:
    housekeeping.forget_old_tasks()
    return JsonResponse({"tasks": [task.as_json() for task in request.user.choreography_tasks.all()]})


@login_required
@require_GET
def video(request: MemberRequest, name: str) -> FileResponse:
    found = media.open_video(request.user.pk, name)
    if found is None:
        raise Http404(f"no video {name}")
    return FileResponse(found, content_type="video/mp4")


def _task_or_refusal(request: MemberRequest, task_id: str) -> ChoreographyTask | JsonResponse:
    task = ChoreographyTask.objects.filter(task_id=task_id).first()
    if task is None:
        return JsonResponse({"error": "Task not found", "task_id": task_id}, status=404)
    if task.user_id != request.user.pk:
        return JsonResponse({"error": "This task belongs to somebody else."}, status=403)
    return task
