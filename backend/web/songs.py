"""One song of one's own: rename it, delete it."""

import uuid
from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from apps.authentication.requests import MemberRequest
from apps.songs import services
from apps.songs.selectors import song_for
from config.errors import InvalidError
from web.members import members_only


@members_only
@require_http_methods(["GET", "HEAD", "POST"])
def song(request: MemberRequest, song_id: uuid.UUID) -> HttpResponse:
    """Show the forms for one song; sent, rename it and choose it in the studio."""
    found = song_for(request.user, str(song_id))
    if request.method != "POST":
        return render(request, "web/song.html", {"song": found, "title": found.title})
    title = request.POST.get("title", "")
    try:
        services.rename_song(user=request.user, song_id=found.id, title=title)
    except InvalidError as error:
        context = {"song": found, "title": title, "problem": error.message}
        return render(request, "web/song.html", context, status=HTTPStatus.BAD_REQUEST)
    return redirect(f"{reverse('web:studio')}?{urlencode({'song': found.id})}")


@members_only
@require_POST
def delete(request: MemberRequest, song_id: uuid.UUID) -> HttpResponse:
    services.delete_song(user=request.user, song_id=str(song_id))
    return redirect("web:studio")
