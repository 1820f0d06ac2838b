"""Make a dance again: with another move in the place of one, as another dance, or with the beats corrected."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.authentication.requests import MemberRequest
from apps.generation.swaps import again_wishes, swap_wishes
from apps.generation.wishes import GenerationRequest, SwapRequest
from config.errors import InvalidError
from config.inputs import OF_FORM
from web.members import members_only
from web.studio import start_once

MESSAGE = "The page sent what cannot be read. Load it again."


@members_only
@require_POST
def again(request: MemberRequest, task_id: str) -> HttpResponse:
    task = start_once(request, _wishes(request, task_id))
    return redirect("web:progress", task.pk)


def _wishes(request: MemberRequest, task_id: str) -> dict[str, Any]:
    if "move" in request.POST:
        swap = SwapRequest(data={"move": request.POST["move"]}, context=OF_FORM)
        if not swap.is_valid():
            raise InvalidError(MESSAGE, errors=dict(swap.errors))
        return swap_wishes(user=request.user, task_id=task_id, **swap.validated_data)
    wishes = again_wishes(user=request.user, task_id=task_id, **_corrected(request))
    form = GenerationRequest(data=wishes, context=OF_FORM)
    if not form.is_valid():
        raise InvalidError(MESSAGE, errors=dict(form.errors))
    return dict(form.validated_data)


def _corrected(request: MemberRequest) -> dict[str, Any]:
    if taps := request.POST.get("taps_s"):
        return {"taps_s": taps.split()}
    if "downbeat_at_s" in request.POST:
        return {"downbeat_at_s": request.POST["downbeat_at_s"]}
    return {"shift_half_beat": True} if "shift_half_beat" in request.POST else {}
