"""Log in, register, log out."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import auth
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.authentication import services
from apps.authentication.api import Credentials, Registration
from config.errors import CredentialsError, DomainError, InvalidError, LockedOutError
from config.problems import STATUS, retry_after
from web.look import look_of_account
from web.next_page import next_address


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, "login")
    form = Credentials(data=request.POST)
    if not form.is_valid():
        return _page(request, "login", errors=form.errors)
    try:
        services.log_in(request=request, **form.validated_data)
    except (CredentialsError, LockedOutError) as error:
        return _page(request, "login", problem=error)
    response = redirect(next_address(request))
    look_of_account(request, response)
    return response


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return _page(request, "register")
    form = Registration(data=request.POST)
    if not form.is_valid():
        return _page(request, "register", errors=form.errors)
    try:
        services.register_user(request=request, **form.validated_data)
    except InvalidError as error:
        return _page(request, "register", errors=error.errors)
    except LockedOutError as error:
        return _page(request, "register", problem=error)
    return redirect(next_address(request))


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect("web:login")


def _page(
    request: HttpRequest,
    name: str,
    *,
    errors: Mapping[str, Sequence[str]] | None = None,
    problem: DomainError | None = None,
) -> HttpResponse:
    typed = {key: value for key, value in request.POST.items() if key != "password"}
    context: dict[str, Any] = {"errors": errors, "problem": problem, "typed": typed, "next": next_address(request)}
    status = STATUS[type(problem)] if problem else 400 if errors else 200
    response = render(request, f"web/{name}.html", context, status=status)
    for header, value in retry_after(problem).items() if problem else ():
        response.headers[header] = value
    return response
