"""Make room: what the user's files take, and the two ways to have fewer."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.authentication.requests import MemberRequest
from apps.collections import clean_up
from apps.collections.selectors import choreographies_of, stats_of
from apps.quotas.limits import stored_bytes
from web.members import members_only


@members_only
@require_http_methods(["GET", "HEAD", "POST"])
def make_room(request: MemberRequest) -> HttpResponse:
    """Do what the button says: ``do`` is ``files`` or, with ``sure``, ``everything``."""
    if request.method == "POST" and request.POST.get("do") == "files":
        removed = clean_up.remove_unkept_files(user=request.user)
        messages.success(request, f"Files removed: {removed}.")
        return redirect("web:clean-up")
    if request.method == "POST" and request.POST.get("do") == "everything" and "sure" in request.POST:
        deleted = clean_up.delete_collection(user=request.user)
        left = choreographies_of(request.user).count()
        messages.success(request, f"Choreographies deleted: {deleted}. Left: {left}.")
        return redirect("web:clean-up")
    unkept = clean_up.unkept_files(request.user)
    context = {
        "stats": stats_of(request.user),
        "stored": stored_bytes(request.user),
        "most": settings.USER_STORED_MB * 1024 * 1024,
        "unkept": len(unkept),
        "unkept_bytes": sum(file.size for file in unkept),
        "unsure": request.method == "POST",
    }
    return render(request, "web/clean_up.html", context, status=400 if context["unsure"] else 200)
