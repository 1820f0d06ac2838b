"""The collection: saving and stats answer as the original did, pages and forms redirect to ours."""

import json
import uuid
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.authentication.requests import MemberRequest
from apps.collections import selectors, services
from apps.collections.models import SavedChoreography
from config.errors import QuotaError
from config.problems import STATUS
from original_addresses.successors import successor

# What the original's page sends has less than 1 KiB.
LARGEST_JSON_BYTES = 64 * 1024


class StoredJSON(forms.JSONField):
    """JSON that PostgreSQL can store, without NaN and without a NUL, and not too large."""

    def to_python(self, value: Any) -> Any:
        """Parse what was sent."""
        try:
            parsed = super().to_python(value)
            text = json.dumps(parsed, allow_nan=False, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(self.error_messages["invalid"], params={"value": value}) from error
        if rb"\u0000" in text.replace(rb"\\", b""):
            raise forms.ValidationError(self.error_messages["invalid"], params={"value": value})
        if len(text) > LARGEST_JSON_BYTES:
            raise forms.ValidationError(f"It has {len(text)} bytes; it may have at most {LARGEST_JSON_BYTES}.")
        return parsed


class SaveForm(forms.Form):
    """What the original's address takes."""

    title = forms.CharField(max_length=200)
    difficulty = forms.ChoiceField(choices=SavedChoreography.Difficulty.choices)
    video_path = forms.CharField(max_length=500)
    duration = forms.FloatField(min_value=0)
    music_info = StoredJSON(required=False)
    generation_parameters = StoredJSON(required=False)


class EditForm(forms.Form):
    """What the original's form changes."""

    title = forms.CharField(max_length=200)
    difficulty = forms.ChoiceField(choices=SavedChoreography.Difficulty.choices)


@login_required
@require_GET
def show_collection(request: MemberRequest) -> HttpResponse:
    return successor(request, "web:collection")


@login_required
@require_GET
def show_choreography(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    selectors.choreography_of(request.user, choreography_id)
    return successor(request, "web:choreography", choreography_id)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    selectors.choreography_of(request.user, choreography_id)
    if request.method != "POST":
        return successor(request, "web:edit", choreography_id)
    form = EditForm(request.POST)
    if form.is_valid():
        services.change_choreography(user=request.user, choreography_id=choreography_id, **form.cleaned_data)
    # An address that both systems have: the next request of the browser may reach the other system.
    return redirect("original_addresses:choreography", choreography_id)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    if request.method != "POST":
        selectors.choreography_of(request.user, choreography_id)
        return redirect(f"{resolve_url('web:choreography', choreography_id)}?delete=yes#delete")
    services.delete_choreography(user=request.user, choreography_id=choreography_id)
    return redirect("original_addresses:collection")  # see edit


@login_required
@require_POST
def save(request: MemberRequest) -> JsonResponse:
    form = SaveForm(request.POST)
    if not form.is_valid():
        errors = {field: list(reasons) for field, reasons in form.errors.items()}
        return JsonResponse({"success": False, "errors": errors}, status=HTTPStatus.BAD_REQUEST)
    try:
        saved = services.save_as_the_original(user=request.user, **form.cleaned_data)
    except QuotaError as error:
        errors = {NON_FIELD_ERRORS: [error.message]}
        return JsonResponse({"success": False, "errors": errors}, status=STATUS[QuotaError])
    message = "Choreography saved successfully!"
    return JsonResponse({"success": True, "choreography_id": str(saved.pk), "message": message})


@login_required
@require_GET
def stats(request: MemberRequest) -> JsonResponse:
    return JsonResponse(selectors.stats_of(request.user))
