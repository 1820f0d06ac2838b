"""Change a choreography in the place where it is shown: its title, level, category and tags."""

import uuid
from http import HTTPStatus
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.authentication.models import User
from apps.authentication.requests import MemberRequest
from apps.collections import selectors, services
from apps.collections.api import Change
from apps.collections.models import SavedChoreography
from apps.labels.models import Label
from apps.labels.selectors import labels_by_choreography, labels_of
from apps.sharing.selectors import shared_among, shares_of
from apps.titles.words import folded
from config.errors import InvalidError, QuotaError
from config.problems import STATUS
from web.cards import facts_of
from web.hearts import hearts_of
from web.language import translated
from web.members import members_only

CHANGED = ("title", "difficulty", "category", "tags")
# So much of a tag is shown to say which one is meant.
NAMED = 40


@members_only
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    """Show the form in the place of what it changes; without scripts as a page of its own."""
    found = selectors.choreography_of(request.user, choreography_id)
    if request.method != "POST":
        return _form(request, found, _values(found), {})
    values = {name: request.POST.get(name, "") for name in CHANGED}
    try:
        with transaction.atomic():
            form = Change(data=_changes(request, values, choreography_id), partial=True)
            if not form.is_valid():
                return _form(request, found, values, _sentences(form))
            found = services.change_choreography(
                user=request.user, choreography_id=choreography_id, **form.validated_data
            )
    except (InvalidError, QuotaError) as error:
        return _form(request, found, values, error.errors or {"tags": [error.message]}, status=STATUS[type(error)])
    if request.htmx:
        return part_of(request, found)
    # An address that both systems have: the next request of the browser may reach the other system.
    return redirect("original_addresses:choreography", choreography_id)


def part_of(request: MemberRequest, found: SavedChoreography) -> HttpResponse:
    """Answer with the part of the page that shows one choreography: its card in the list, or the facts on its page."""
    facts = facts_of(found, has_video=bool(selectors.with_video([found])))
    facts |= {"shared_with": shared_among(request.user, [found.pk]).get(found.pk)}
    share = shares_of([found.pk]).get(found.pk)
    # It takes the place of what had the focus.
    context = facts | {"answers": True, "card": facts, "labels": labels_by_choreography([found.pk])[found.pk]}
    context |= {"hearts": hearts_of(request.user, found.pk, share=share)}
    return render(request, "web/_kept.html" if _part(request) == "kept" else "web/_facts.html", context)


def choices(user: User) -> dict[str, Any]:
    """Return what can be chosen from: the user's labels and the levels."""
    labels = list(labels_of(user))
    return {
        "all_tags": [label.name for label in labels if label.kind == Label.Kind.TAG],
        "all_categories": [label.name for label in labels if label.kind == Label.Kind.CATEGORY],
    }


def _changes(request: MemberRequest, values: dict[str, str], choreography_id: uuid.UUID) -> dict[str, Any]:
    """Return what was changed in the form, and no more: what was written meanwhile, in whichever way, stays."""
    changes: dict[str, Any] = {
        name: value for name, value in values.items() if value != request.POST.get(f"was_{name}", "")
    }
    if "tags" in changes:
        services.hold_choreography(request.user, choreography_id)
        have = labels_by_choreography([choreography_id])[choreography_id].tags
        changes["tags"] = _tags_now(have, _split(request.POST.get("was_tags", "")), _split(values["tags"]))
    return changes


def _tags_now(have: list[str], was: list[str], typed: list[str]) -> list[str]:
    """Return the tags that there are, without those that were taken out in the form, and with those put in."""
    before, after = ({folded(tag) for tag in tags} for tags in (was, typed))
    kept = [tag for tag in have if folded(tag) not in before - after]
    return [*kept, *(tag for tag in typed if folded(tag) not in before)]


def _split(tags: str) -> list[str]:
    return [tag for tag in tags.split(",") if tag.strip()]


def _sentences(form: Change) -> dict[str, list[str]]:
    """Return what is wrong with each field; of a list, with which of its values: people do not count places."""
    return {name: _of_each(form.initial_data.get(name), wrong) for name, wrong in form.errors.items()}


def _of_each(values: Any, wrong: Any) -> list[str]:
    if not isinstance(wrong, dict):
        return list(wrong)
    return [f"“{_named(values[at])}”: {translated(str(why))}" for at, reasons in wrong.items() for why in reasons]


def _named(value: str) -> str:
    shown = "".join(letter if letter.isprintable() else "�" for letter in value.strip())
    return shown if len(shown) <= NAMED else f"{shown[:NAMED]}…"


def _form(
    request: MemberRequest, found: SavedChoreography, values: dict[str, str], errors: Any, status: int | None = None
) -> HttpResponse:
    context = {
        "choreography": found,
        "values": values,
        "was": {name: request.POST.get(f"was_{name}", value) for name, value in _values(found).items()},
        "errors": errors,
        "part": _part(request),
        **choices(request.user),
    }
    template = "web/_edit.html" if request.htmx else "web/edit.html"
    return render(request, template, context, status=status or (HTTPStatus.BAD_REQUEST if errors else HTTPStatus.OK))


def _part(request: MemberRequest) -> str:
    """Return the class of the part of the page that asks."""
    return "kept" if request.GET.get("part") == "kept" else "about"


def _values(found: SavedChoreography) -> dict[str, str]:
    labels = labels_by_choreography([found.pk])[found.pk]
    return {
        "title": found.title,
        "difficulty": found.difficulty,
        "category": labels.category or "",
        "tags": ", ".join(labels.tags),
    }
