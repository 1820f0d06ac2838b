"""The page on which staff set their second factor up and show it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.authentication.requests import MemberRequest
from apps.second_factor import codes, services
from config.errors import ConflictError, CredentialsError, InvalidError, LockedOutError, NotFoundError
from config.problems import STATUS, retry_after
from web.members import members_only
from web.next_page import next_address


@sensitive_post_parameters("password", "code")
@members_only
@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: MemberRequest) -> HttpResponse:
    if not (request.user.is_staff or request.user.is_superuser):
        raise NotFoundError("There is no such address.")
    if request.method != "POST":
        return _page(request)
    act = {"begin": _begin, "confirm": _confirm, "renew": _renew}.get(request.POST.get("do", ""), _show)
    try:
        return act(request)
    except (InvalidError, CredentialsError, LockedOutError, ConflictError) as error:
        setting_up = act is _confirm and isinstance(error, CredentialsError)
        response = _page(request, problem=error.message, setting_up=setting_up, status=STATUS[type(error)])
        for name, value in retry_after(error).items():
            response[name] = value
        return response


def _begin(request: MemberRequest) -> HttpResponse:
    password = request.POST.get("password", "")
    address = services.begin(request=request, user=request.user, password=password)
    secret = address.partition("secret=")[2].partition("&")[0]
    return _page(request, setting_up=True, picture=codes.picture_of(address), secret=secret)


def _confirm(request: MemberRequest) -> HttpResponse:
    made = services.confirm(request=request, user=request.user, code=request.POST.get("code", ""))
    return _page(request, recovery_codes=made)


def _renew(request: MemberRequest) -> HttpResponse:
    made = services.renew_recovery_codes(request=request, user=request.user, code=request.POST.get("code", ""))
    return _page(request, recovery_codes=made)


def _show(request: MemberRequest) -> HttpResponse:
    services.show(request=request, user=request.user, code=request.POST.get("code", ""))
    return redirect(next_address(request, default="web:account"))


def _page(request: MemberRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    factor = services.factor_of(request.user)
    context = {
        "factor": factor,
        "shown": services.is_shown(request, request.user),
        "codes_left": services.recovery_codes_left(factor) if factor else 0,
        "next": next_address(request, default="web:account"),
        **more,
    }
    return render(request, "web/second_factor.html", context, status=status)
