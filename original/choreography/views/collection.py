"""The choreographies a user has saved."""

import uuid

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from choreography.models import Difficulty, SavedChoreography
from users.models import User

PER_PAGE = 20
SORTS = {"newest": "-created_at", "oldest": "created_at", "title": "title", "duration": "-duration"}


@login_required
@require_GET
def list_collection(request: HttpRequest) -> HttpResponse:
    asked = {name: request.GET.get(name, "") for name in ("difficulty", "search", "sort")}
    page = Paginator(_filtered(request.user, **asked), PER_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "page": page,
        "asked": asked,
        "difficulties": Difficulty.choices,
        "sorts": SORTS,
        "query": query.urlencode(),
    }
    return render(request, "choreography/collection_list.html", context)


@login_required
@require_GET
def show_choreography(request: HttpRequest, choreography_id: uuid.UUID) -> HttpResponse:
    choreography = get_object_or_404(request.user.choreographies, pk=choreography_id)
    return render(request, "choreography/collection_detail.html", {"choreography": choreography})


def _filtered(user: User, *, difficulty: str, search: str, sort: str) -> QuerySet[SavedChoreography]:
    found = user.choreographies.order_by(SORTS.get(sort, SORTS["newest"]), "id")
    if difficulty in Difficulty.values:
        found = found.filter(difficulty=difficulty)
    # PostgreSQL has no text with a NUL in it.
    if words := search.replace("\0", "").strip():
        found = found.annotate(music_text=Cast("music_info", TextField()))
        found = found.filter(Q(title__icontains=words) | Q(music_text__icontains=words))
    return found
