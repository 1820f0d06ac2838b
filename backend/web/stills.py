"""The pictures of cards and players: a few kilobytes each, since a page has a dozen of them and may come slowly."""

import uuid

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from apps.authentication.requests import MemberRequest
from apps.collections.models import SavedChoreography
from apps.collections.selectors import choreography_of, picture_of
from apps.media.pictures import light_picture_response
from apps.media.secrecy import keep_secret
from apps.sharing.selectors import public_share, share_by_link
from web.members import members_only

# Pixels: of a card, and of a player or a card on a fine screen.
SMALL, LARGE = 320, 512


@members_only
@require_safe
def own(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    return _still(request, choreography_of(request.user, choreography_id))


@require_safe
def of_public(request: HttpRequest, choreography_id: uuid.UUID) -> HttpResponse:
    return _still(request, public_share(choreography_id).choreography)


@require_safe
def behind_link(request: HttpRequest, link: str) -> HttpResponse:
    return keep_secret(_still(request, share_by_link(link).choreography))


def _still(request: HttpRequest, choreography: SavedChoreography) -> HttpResponse:
    width = LARGE if "large" in request.GET else SMALL
    return light_picture_response(request, picture_of(choreography), width=width)
