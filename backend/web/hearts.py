"""Likes and favourites: the heart and the star."""

import uuid
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.http import require_POST, require_safe

from apps.authentication.models import User
from apps.authentication.requests import MemberRequest
from apps.sharing import favourites as marks
from apps.sharing import likes
from apps.sharing.models import Share
from apps.sharing.selectors import liked_among, likes_of, marked_among, public_share, shares_of
from config.errors import DomainError, LockedOutError, QuotaError
from config.problems import STATUS, retry_after
from web.members import members_only
from web.next_page import next_address


@dataclass(frozen=True)
class Hearts:
    """The heart and the star of one choreography, as one user sees them. No heart on what is not public."""

    pk: uuid.UUID
    likes: int | None
    liked: bool
    marked: bool
    problem: str = ""


def hearts_of(user: User | AnonymousUser, pk: uuid.UUID, *, share: Share | None, problem: str = "") -> Hearts:
    return hearts_of_all(user, {pk: share}, problem=problem)[pk]


def hearts_of_all(
    user: User | AnonymousUser, shares: dict[uuid.UUID, Share | None], *, problem: str = ""
) -> dict[uuid.UUID, Hearts]:
    liked = liked_among(user, shares.keys()) if isinstance(user, User) else set()
    marked = marked_among(user, shares.keys()) if isinstance(user, User) else set()
    return {
        pk: Hearts(pk, likes_of(share) if share and share.public_since else None, pk in liked, pk in marked, problem)
        for pk, share in shares.items()
    }


@members_only
@require_POST
def like(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    change = likes.unlike if request.POST.get("like") == "no" else likes.like
    problem = None
    try:
        change(user=request.user, choreography_id=choreography_id)
    except LockedOutError as error:
        problem = error
    share = public_share(choreography_id)
    return _answer(request, share.pk, share, problem)


@members_only
@require_POST
def favourite(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    problem = None
    try:
        if request.POST.get("favourite") == "no":
            marks.remove_favourite(user=request.user, choreography_id=choreography_id)
        else:
            marks.add_favourite(user=request.user, choreography_id=choreography_id)
    except QuotaError as error:
        problem = error
    share = shares_of([choreography_id]).get(choreography_id)
    return _answer(request, choreography_id, share, problem)


def _answer(request: MemberRequest, pk: uuid.UUID, share: Share | None, problem: DomainError | None) -> HttpResponse:
    here = next_address(request, default="web:favourites")
    if not request.htmx:
        if problem:
            raise problem
        return redirect(here)
    hearts = hearts_of(request.user, pk, share=share, problem=problem.message if problem else "")
    status = STATUS[type(problem)] if problem else 200
    response = render(request, "web/_hearts.html", {"hearts": hearts, "here": here}, status=status)
    for name, value in (retry_after(problem) if problem else {}).items():
        response[name] = value
    return response


@members_only
@require_safe
def favourites(_request: MemberRequest) -> HttpResponse:
    """They are a part of the collection."""
    return redirect(f"{resolve_url('original_addresses:collection')}?show=favourites")
