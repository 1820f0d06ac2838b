"""The choreographies a user has saved."""

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from choreography import collection
from choreography.forms import EditForm, SaveForm
from choreography.models import Difficulty, SavedChoreography
from users.requests import MemberRequest

PER_PAGE = 20


@login_required
@require_GET
def list_collection(request: MemberRequest) -> HttpResponse:
    asked = {name: request.GET.get(name, "") for name in ("difficulty", "search", "sort")}
    page = Paginator(collection.found_in(request.user, **asked), PER_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "page": page,
        "asked": asked,
        "difficulties": Difficulty.choices,
        "sorts": collection.SORTS,
        "query": query.urlencode(),
    }
    return render(request, "choreography/collection_list.html", context)


@login_required
@require_POST
def save(request: MemberRequest) -> JsonResponse:
    form = SaveForm(request.POST)
    if not form.is_valid():
        errors = {field: list(reasons) for field, reasons in form.errors.items()}
        return JsonResponse({"success": False, "errors": errors}, status=400)
    saved = SavedChoreography.objects.create(user=request.user, **form.cleaned_data)
    message = "Choreography saved successfully!"
    return JsonResponse({"success": True, "choreography_id": str(saved.pk), "message": message})


@login_required
@require_GET
def show_statistics(request: MemberRequest) -> JsonResponse:
    return JsonResponse(collection.statistics_of(request.user))


@login_required
@require_GET
def show_choreography(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    choreography = get_object_or_404(request.user.choreographies, pk=choreography_id)
    return render(request, "choreography/collection_detail.html", {"choreography": choreography})


@login_required
@require_http_methods(["GET", "POST"])
def edit_choreography(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    choreography = get_object_or_404(request.user.choreographies, pk=choreography_id)
    form = EditForm(request.POST if request.method == "POST" else None, instance=choreography)
    if form.is_valid():
        form.save()
        messages.success(request, "Your changes were saved.")
        return redirect("choreography", choreography_id)
    return render(request, "choreography/collection_edit.html", {"form": form, "choreography_id": choreography_id})


@login_required
@require_http_methods(["GET", "POST"])
def delete_choreography(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    choreography = get_object_or_404(request.user.choreographies, pk=choreography_id)
    if request.method == "POST":
        collection.delete(choreography)
        messages.success(request, f"“{choreography}” was deleted.")
        return redirect("collection")
    return render(request, "choreography/collection_delete.html", {"choreography": choreography})
