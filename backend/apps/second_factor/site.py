"""The admin site: open to staff who have shown their second factor, whichever system logged them in."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from apps.authentication.models import User
from apps.second_factor.services import is_required, is_shown


class StaffSite(admin.AdminSite):
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Leave procrastinate's pages out: they have inline styles, which the content security policy forbids.

        They also retry and cancel calls behind the table of jobs, which is the queue here.
        """
        if not admin_class or not admin_class.__module__.startswith("procrastinate."):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and not _must_show(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send staff who are logged in and lack the second factor to its page instead of asking for the password."""
        if request.method == "GET" and super().has_permission(request) and _must_show(request):
            wanted = request.GET.get("next") or reverse("admin:index")
            return redirect(f"{reverse('web:second-factor')}?{urlencode({'next': wanted})}")
        if request.method == "GET" and request.user.is_authenticated and not super().has_permission(request):
            request.is_refused = True  # type: ignore[attr-defined]  # a member; for the log
        return super().login(request, extra_context)

    def password_change(  # type: ignore[override]  # Django's answers with a form
        self,
        request: HttpRequest,  # noqa: ARG002 - Django's signature
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        """There is one place where a password is changed, and it limits guesses of the old one."""
        return redirect("web:account")


def _must_show(request: HttpRequest) -> bool:
    user = request.user
    return isinstance(user, User) and is_required(user) and not is_shown(request, user)
