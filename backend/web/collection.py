"""The pages of the collection: find, and look at one."""

import uuid
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.request import Request

from apps.authentication.models import User
from apps.authentication.requests import MemberRequest
from apps.collections import selectors
from apps.collections.models import SavedChoreography
from apps.collections.pages import CURSOR, CollectionPage, page_of
from apps.labels.selectors import labels_by_choreography
from apps.sharing.models import Visibility
from apps.sharing.selectors import favourites_of, marked_by, name_shown, seen_as, share_of, shared_among, shares_of
from web.cards import facts_of
from web.editing import choices, part_of
from web.hearts import hearts_of, hearts_of_all
from web.members import members_only
from web.practice import made_by, with_practice_room
from web.sharing import dialog_of

PAGE_SIZE = 12
# Counting goes no further: how many more there are costs more than it tells.
COUNTED = 1_000
LONGEST_QUESTION = 200
FILTERS = ("q", "show", "tag", "category", "difficulty", "search", "sort")
# Of whom a card is, and who sees it: values of "show".
SHOWN = ("favourites", *Visibility.values)


@members_only
@require_safe
def collection(request: MemberRequest) -> HttpResponse:
    wanted = _wanted(request)
    among = _shown(request.user, wanted.get("show", ""))
    if "page" in request.GET and not {"q", "show", "tag", "category"} & wanted.keys():
        page = _numbered(request, wanted)
    else:
        page = page_of(request.user, Request(request), wanted, size=PAGE_SIZE, among=among)
    total = selectors.choreographies_of(request.user)[: COUNTED + 1].count()
    context = {
        "cards": _cards(request.user, page.rows),
        "total": total,
        "stats": selectors.stats_of(request.user) if total <= COUNTED or "stats" in request.GET else None,
        "counted": COUNTED,
        # Who keeps nothing may have marked what others show.
        "marked": not total and favourites_of(request.user).exists(),
        "wanted": wanted,
        "next": _query(page.next),
        "previous": _query(page.previous),
        "first": urlencode(wanted) if CURSOR in request.GET and not page.previous else None,
        **choices(request.user),
    }
    return render(request, "web/collection.html", context)


@with_practice_room
@members_only
@require_safe
def choreography(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    found = selectors.choreography_of(request.user, choreography_id)
    if request.htmx and "part" in request.GET:
        return part_of(request, found)
    share = share_of(request.user, choreography_id)
    context = facts_of(found, has_video=bool(selectors.with_video([found]))) | dialog_of(request, share)
    context |= {
        "hearts": hearts_of(request.user, found.pk, share=share),
        "labels": labels_by_choreography([found.pk])[found.pk],
        "video_name": PurePosixPath(str(found.video_path)).name,
        "deleting": "delete" in request.GET,
        **made_by(request.user, found),
    }
    return render(request, "web/choreography.html", context)


def _cards(user: User, rows: list[SavedChoreography]) -> list[dict[str, Any]]:
    """Return what the page shows of each; favourites may belong to others."""
    keys = [row.pk for row in rows]
    mine = {row.pk for row in rows if row.user_id == user.pk}
    playable, labels, shares = selectors.with_video(rows), labels_by_choreography(mine), shares_of(keys)
    seen_by, hearts = shared_among(user, mine), hearts_of_all(user, {key: shares.get(key) for key in keys})
    return [
        facts_of(row, has_video=row.pk in playable)
        | {"is_yours": row.pk in mine, "labels": labels.get(row.pk), "shared_with": seen_by.get(row.pk)}
        | {"hearts": hearts[row.pk], "by": "" if row.pk in mine else name_shown(shares[row.pk])}
        for row in rows
    ]


def _shown(user: User, show: str) -> QuerySet[SavedChoreography] | None:
    if show == "favourites":
        return marked_by(user)
    return seen_as(user, Visibility(show)) if show else None


def _wanted(request: MemberRequest) -> dict[str, str]:
    """Return what is asked for; like the original, without filters that cannot be."""
    asked = {name: request.GET.get(name, "").replace("\0", "").strip()[:LONGEST_QUESTION] for name in FILTERS}
    if asked["difficulty"] not in SavedChoreography.Difficulty.values:
        asked["difficulty"] = ""
    if asked["sort"] not in selectors.SORTS or asked["q"]:
        asked["sort"] = ""
    if asked["show"] not in SHOWN:
        asked["show"] = ""
    return {name: value for name, value in asked.items() if value}


def _numbered(request: MemberRequest, wanted: dict[str, str]) -> CollectionPage:
    """Return the page of a number, as bookmarks of the original have it; out of range is the last page."""
    page: Any = Paginator(selectors.choreographies_of(request.user, **wanted), PAGE_SIZE).get_page(request.GET["page"])

    def link(number: int) -> str:
        return f"?{urlencode(wanted | {'page': str(number)})}"

    return CollectionPage(
        list(page.object_list),
        link(page.number + 1) if page.has_next() else None,
        link(page.number - 1) if page.has_previous() else None,
    )


def _query(link: str | None) -> str | None:
    return urlsplit(link).query if link else None
