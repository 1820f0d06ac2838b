"""The pages of the collection."""

import uuid
from pathlib import PurePosixPath

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.authentication.requests import MemberRequest
from apps.collections import selectors
from apps.sharing.selectors import share_of
from web.cards import facts_of
from web.hearts import hearts_of
from web.members import members_only
from web.sharing import dialog_of

PAGE_SIZE = 12


@members_only
@require_safe
def collection(request: MemberRequest) -> HttpResponse:
    pages = Paginator(selectors.choreographies_of(request.user), PAGE_SIZE)
    page = pages.get_page(request.GET.get("page"))
    playable = selectors.with_video(page.object_list)
    cards = [facts_of(choreography, has_video=choreography.pk in playable) for choreography in page.object_list]
    return render(request, "web/collection.html", {"page": page, "cards": cards, "total": pages.count})


@members_only
@require_safe
def choreography(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    found = selectors.choreography_of(request.user, choreography_id)
    share = share_of(request.user, choreography_id)
    context = facts_of(found, has_video=bool(selectors.with_video([found]))) | dialog_of(request, share)
    context |= {
        "hearts": hearts_of(request.user, found.pk, share=share),
        "video_name": PurePosixPath(str(found.video_path)).name,
    }
    return render(request, "web/choreography.html", context)
