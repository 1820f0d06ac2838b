"""A forgotten password: ask for a link, and choose another one with it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from rest_framework import serializers

from apps.authentication.resets import ask_for_reset, reset_password, user_of_link
from apps.media.secrecy import keep_secret
from config.errors import InvalidError, LockedOutError, NotFoundError
from config.problems import STATUS, retry_after


class Forgotten(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)


@require_http_methods(["GET", "HEAD", "POST"])
def forgotten(request: HttpRequest) -> HttpResponse:
    """Say the same whether there is such an account or not."""
    if request.method != "POST":
        return render(request, "web/forgotten.html")
    form = Forgotten(data=request.POST)
    if not form.is_valid():
        typed = request.POST.get("email", "")
        return render(request, "web/forgotten.html", {"errors": form.errors, "typed": typed}, status=400)
    try:
        ask_for_reset(request=request, **form.validated_data)
    except LockedOutError as error:
        response = render(request, "web/forgotten.html", {"problem": error}, status=STATUS[LockedOutError])
        for name, value in retry_after(error).items():
            response[name] = value
        return response
    return render(request, "web/forgotten.html", {"sent": True})


@sensitive_post_parameters("new_password")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: HttpRequest, user_key: str, token: str) -> HttpResponse:
    """Show the form of a link that is valid, and take what it sends."""
    try:
        if request.method != "POST":
            user_of_link(user_key, token)
            return _secret(render(request, "web/reset.html"))
        new_password = request.POST.get("new_password", "")
        reset_password(request=request, user_key=user_key, token=token, new_password=new_password)
    except NotFoundError as error:
        return _secret(render(request, "web/reset.html", {"over": error}, status=STATUS[NotFoundError]))
    except InvalidError as error:
        return _secret(render(request, "web/reset.html", {"errors": error.errors}, status=STATUS[InvalidError]))
    messages.success(request, "Your password is changed. Log in with it.")
    return redirect("web:login")


def _secret(response: HttpResponse) -> HttpResponse:
    """No other site, no cache and no log learns the link; our own forms need to know from which site they come."""
    keep_secret(response)
    response["Referrer-Policy"] = "strict-origin"
    return response
