"""The account's own page: name, password, sessions, programs, and what happened lately."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from apps.authentication import services
from apps.authentication.api import AccountChange, PasswordChange
from apps.authentication.passwords import change_password
from apps.authentication.preferences import AUTO_SAVE, change_preferences
from apps.authentication.requests import MemberRequest
from apps.authentication.selectors import saves_automatically
from apps.departures.services import delete_account
from apps.events.selectors import events_of
from apps.open_sessions.services import end_other_sessions, end_session, is_this, sessions_of
from apps.second_factor.services import factor_of
from apps.tokens.api import NewToken
from apps.tokens.scopes import SCOPES
from apps.tokens.selectors import end_of, tokens_of
from apps.tokens.services import issue_token, revoke_token
from config.errors import ConflictError, DomainError, InvalidError, LockedOutError
from config.problems import STATUS, retry_after
from web.members import members_only

EVENTS_SHOWN = 15


@members_only
@require_safe
def account(request: MemberRequest) -> HttpResponse:
    return _page(request)


@members_only
@require_POST
def change_profile(request: MemberRequest) -> HttpResponse:
    """Change name and preference. The original's form sends the same fields to its own address."""
    form = AccountChange(data=request.POST)
    if not form.is_valid():
        return _page(request, errors=form.errors)
    services.change_account(user=request.user, **form.validated_data)
    # An unticked box is not sent at all.
    change_preferences(user=request.user, patch={AUTO_SAVE: AUTO_SAVE in request.POST})
    return _done(request, "Your profile is saved.")


@sensitive_post_parameters("old_password", "new_password")
@members_only
@require_POST
def change_own_password(request: MemberRequest) -> HttpResponse:
    form = PasswordChange(data=request.POST)
    if not form.is_valid():
        return _page(request, errors=form.errors)
    try:
        change_password(request=request, user=request.user, **form.validated_data)
    except (InvalidError, LockedOutError) as error:
        return _page(request, errors=error.errors or {"old_password": [error.message]}, problem=error)
    return _done(request, "Your password is changed. Your other sessions and all tokens have ended.")


@sensitive_post_parameters("password")
@members_only
@require_POST
def delete_own_account(request: MemberRequest) -> HttpResponse:
    try:
        delete_account(request=request, user=request.user, password=request.POST.get("password", ""))
    except (InvalidError, LockedOutError, ConflictError) as error:
        return _page(request, errors=error.errors or {"password": [error.message]}, problem=error)
    return render(request, "web/left.html", {"here": resolve_url("web:login")})


@members_only
@require_POST
def end_others(request: MemberRequest) -> HttpResponse:
    end_other_sessions(request=request, user=request.user)
    return _done(request, "All your other sessions have ended.")


@members_only
@require_POST
def end_one(request: MemberRequest, session_id: int) -> HttpResponse:
    end_session(request=request, user=request.user, session_id=session_id)
    return _done(request, "The session has ended.")


@members_only
@require_POST
def make_token(request: MemberRequest) -> HttpResponse:
    """Show the secret, this once."""
    days, wrong = _days(request.POST.get("days", ""))
    form = NewToken(data={"name": request.POST.get("name", ""), "scopes": request.POST.getlist("scopes")})
    if not form.is_valid() or wrong:
        return _page(request, errors=form.errors | wrong)
    try:
        _, secret = issue_token(user=request.user, request=request, days=days, **form.validated_data)
    except DomainError as error:
        return _page(request, errors={"name": [error.message]}, problem=error)
    return _page(request, secret=secret)


@members_only
@require_POST
def end_token(request: MemberRequest, token_id: int) -> HttpResponse:
    revoke_token(user=request.user, token_id=token_id, request=request)
    return _done(request, "The token has ended.")


def _days(days: str) -> tuple[int, dict[str, list[str]]]:
    """Return how many days a token is valid, and what is wrong with them. Nothing: the default."""
    if not days:
        return settings.TOKEN_DAYS, {}
    most = settings.TOKEN_MAX_DAYS
    # Python reads no number of thousands of digits.
    if days.isdecimal() and len(days) <= len(str(most)) and 1 <= int(days) <= most:
        return int(days), {}
    return 0, {"days": [f"Give a whole number of days from 1 to {most}."]}


def _done(request: MemberRequest, message: str) -> HttpResponse:
    messages.success(request, message)
    return redirect("web:account")


def _page(
    request: MemberRequest,
    *,
    errors: Mapping[str, Sequence[str]] | None = None,
    secret: str = "",
    problem: DomainError | None = None,
) -> HttpResponse:
    user = request.user
    context: dict[str, Any] = {
        "here": resolve_url("web:account"),
        "errors": errors or {},
        "secret": secret,
        "auto_save": saves_automatically(user),
        "sessions": [(session, is_this(session, request)) for session in sessions_of(user)],
        "tokens": [(token, end_of(token)) for token in tokens_of(user)],
        "scopes": SCOPES,
        "days": sorted({7, 30, settings.TOKEN_DAYS, settings.TOKEN_MAX_DAYS}),
        "token_days": settings.TOKEN_DAYS,
        "is_staff": user.is_staff or user.is_superuser,
        "factor": factor_of(user),
        "events": events_of(user.pk)[:EVENTS_SHOWN],
    }
    status = STATUS[type(problem)] if problem else 400 if errors else 200
    response = render(request, "web/account.html", context, status=status)
    for header, value in retry_after(problem).items() if problem else ():
        response[header] = value
    return response
