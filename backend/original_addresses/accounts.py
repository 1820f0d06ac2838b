"""Log in, register, log out, profile: the original's pages redirect to ours, its forms still work."""

from http import HTTPStatus

from django.contrib import auth
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from original_addresses.successors import successor
from web import account
from web.profile import change_profile


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return successor(request, "web:login")
    # The original's form calls it a username, and takes an e-mail there too.
    form = request.POST.copy()
    form["login"] = form.get("username", "")
    request.POST = form  # type: ignore[assignment]  # the page below reads it and changes nothing
    return _with_its_form_again(account.log_in(request))


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return successor(request, "web:register")
    return _with_its_form_again(account.register(request))


def _with_its_form_again(response: HttpResponse) -> HttpResponse:
    """Answer 200 where the original does: with the form and what is wrong in it."""
    if response.status_code in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
        response.status_code = HTTPStatus.OK
    return response


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect("original_addresses:select-song")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """The original's form has the fields of ours."""
    if request.method != "POST":
        return redirect(f"{resolve_url('web:account')}#profile")
    return _with_its_form_again(change_profile(request))
