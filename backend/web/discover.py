"""Pages for everyone, with or without an account: what is public, and what a secret link shows."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.request import Request

from apps.collections.selectors import with_video
from apps.media.secrecy import keep_secret
from apps.sharing.models import Share
from apps.sharing.selectors import PUBLIC_SORTS, name_shown, public_share, public_shares, share_by_link
from config.errors import NotFoundError
from config.problems import STATUS, outside_views
from web.cards import facts_of
from web.hearts import hearts_of, hearts_of_all
from web.pages import CardPages
from web.practice import with_practice_room


@require_safe
def public(request: HttpRequest) -> HttpResponse:
    sort = request.GET.get("sort", "")
    sort = sort if sort in PUBLIC_SORTS else "newest"
    pages = CardPages()
    shares = pages.paginate_queryset(public_shares(sort=sort), Request(request))
    playable = with_video(share.choreography for share in shares)
    hearts = hearts_of_all(request.user, {share.pk: share for share in shares})
    cards = [_facts(share, has_video=share.pk in playable) | {"hearts": hearts[share.pk]} for share in shares]
    return render(request, "web/public.html", {"cards": cards, "pages": pages, "sort": sort})


@with_practice_room
@require_safe
def public_choreography(request: HttpRequest, choreography_id: uuid.UUID) -> HttpResponse:
    share = public_share(choreography_id)
    context = _facts(share, has_video=bool(with_video([share.choreography])))
    context |= {"hearts": hearts_of(request.user, share.pk, share=share)}
    return render(request, "web/public_choreography.html", context)


@with_practice_room
@require_safe
def shared(request: HttpRequest, link: str) -> HttpResponse:
    """Show what a link shows. The page is the same for all: it does not ask who looks."""
    try:
        share = share_by_link(link)
    except NotFoundError as error:
        return keep_secret(outside_views(request, STATUS[type(error)], error.message))
    context = _facts(share, has_video=bool(with_video([share.choreography])))
    return keep_secret(render(request, "web/shared.html", context | {"link": link}))


def _facts(share: Share, *, has_video: bool) -> dict[str, Any]:
    return facts_of(share.choreography, has_video=has_video) | {"share": share, "by": name_shown(share)}
