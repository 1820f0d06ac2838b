"""Who sees a choreography: the owner's card on its page."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.authentication.requests import MemberRequest
from apps.sharing import services
from apps.sharing.api import ShareChange
from apps.sharing.links import secret_of
from apps.sharing.models import Share, Visibility
from config.errors import InvalidError
from web.members import members_only

LINK_CHANGES = {"new-link": services.renew_link, "revoke": services.revoke_link}


@members_only
@require_POST
def share(request: MemberRequest, choreography_id: uuid.UUID) -> HttpResponse:
    """Do what the button says: ``do`` is ``new-link`` or ``revoke``; without it, save the choice."""
    if change := LINK_CHANGES.get(request.POST.get("do", "")):
        changed = change(user=request.user, choreography_id=choreography_id)
    else:
        # An unticked box is not sent at all.
        chosen = {"visibility": request.POST["visibility"]} if "visibility" in request.POST else {}
        form = ShareChange(data=chosen | {"shows_name": "shows_name" in request.POST})
        if not form.is_valid():
            raise InvalidError("Choose who sees it.", errors=form.errors)
        changed = services.change_share(user=request.user, choreography_id=choreography_id, **form.validated_data)
    if request.htmx:
        return render(request, "web/_share.html", dialog_of(request, changed) | {"saved": True})
    return redirect("web:choreography", choreography_id)


def dialog_of(request: MemberRequest, share: Share) -> dict[str, Any]:
    """Return what the card shows."""
    secret = secret_of(share)
    return {
        "share": share,
        "visibilities": Visibility,
        "link": request.build_absolute_uri(reverse("web:shared", args=[secret])) if secret else "",
    }
