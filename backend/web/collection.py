"""The pages of the collection."""

import math
import uuid
from pathlib import PurePosixPath
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.authentication.requests import MemberRequest
from apps.collections import selectors
from apps.collections.models import SavedChoreography
from apps.collections.services import AUTO_SAVED_TITLE
from apps.songs.selectors import title_of
from web.members import members_only

PAGE_SIZE = 12


@members_only
@require_safe
def collection(request: MemberRequest) -> HttpResponse:
    pages = Paginator(selectors.choreographies_of(request.user), PAGE_SIZE)
    page = pages.get_page(request.GET.get("page"))
    playable = selectors.with_video(page.object_list)
    cards = [_facts(choreography, has_video=choreography.pk in playable) for choreography in page.object_list]
    return render(request, "web/collection.html", {"page": page, "cards": cards, "total": pages.count})


@members_only
@require_safe
def choreography(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    found = selectors.choreography_of(request.user, choreography_id)
    return render(request, "web/choreography.html", _facts(found, has_video=bool(selectors.with_video([found]))))


def _facts(found: SavedChoreography, *, has_video: bool) -> dict[str, Any]:
    song = _song(found)
    # All auto-saved choreographies have the same title; the song tells them apart.
    title = song if song and found.title == AUTO_SAVED_TITLE else found.title or "Untitled"
    long_enough = math.isfinite(found.duration) and found.duration > 0
    return {
        "choreography": found,
        "title": title,
        "song": song,
        "has_video": has_video,
        "video_name": PurePosixPath(str(found.video_path)).name,
        # A still from the middle: all begin with the same intro.
        "still_s": round(found.duration / 2) if long_enough else 0,
    }


def _song(found: SavedChoreography) -> str:
    """Return the song's title; empty if the row does not name it, as in some old rows."""
    source = found.music_info.get("source") if isinstance(found.music_info, dict) else None
    return title_of(PurePosixPath(source).name) if isinstance(source, str) and source else ""
