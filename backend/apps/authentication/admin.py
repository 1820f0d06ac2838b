"""Accounts and groups, for the staff. Only superusers decide who may do what, or touch accounts of the staff."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
from django.contrib.auth.models import Group
from django.http import HttpRequest

from apps.authentication.models import User
from apps.authentication.services import user_by_password
from config.errors import CredentialsError, LockedOutError
from config.staff import ChangedFieldsOnly


class StaffLogin(AdminAuthenticationForm):
    """The login of the admin site: the same limit of failures as everywhere, by e-mail or username."""

    request: HttpRequest  # the admin site gives one

    def clean(self) -> dict[str, Any]:
        login, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if login and password:
            try:
                self.user_cache = user_by_password(request=self.request, login=login, password=password)
            except CredentialsError as error:
                raise self.get_invalid_login_error() from error
            except LockedOutError as error:
                raise forms.ValidationError(error.message, code="locked") from error
            self.confirm_login_allowed(self.user_cache)
        return self.cleaned_data


admin.site.login_form = StaffLogin


class ChangeForm(UserChangeForm):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    preferences = forms.JSONField(required=False)

    def clean_preferences(self) -> Any:
        """Take an empty field for no preferences: the column takes no NULL."""
        return self.cleaned_data["preferences"] or {}


class PasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    def save(self, commit: bool = True) -> User:  # noqa: FBT001 - Django's signature
        user: User = super().save(commit=False)
        if commit:
            user.save(update_fields=["password"])
        return user


RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class DancerAdmin(ChangedFieldsOnly, UserAdmin):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    form = ChangeForm
    change_password_form = PasswordForm
    list_display = ("username", "email", "display_name", "is_instructor", "is_staff")
    list_filter = ("is_instructor", *UserAdmin.list_filter)
    search_fields = ("username", "email", "display_name")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Dancer", {"fields": ["display_name", "is_instructor", "preferences"]}))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Show rights to all of the staff; otherwise who may change a user could become a superuser."""
        fixed = super().get_readonly_fields(request, obj)
        return fixed if request.user.is_superuser else (*fixed, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)


def _may_touch(request: HttpRequest, account: User | None) -> bool:
    """Return whether the account may be changed: with its password or e-mail it could be taken over."""
    of_staff = account is not None and (account.is_staff or account.is_superuser)
    return request.user.is_superuser or not of_staff


admin.site.unregister(Group)


@admin.register(Group)
class RightsAdmin(GroupAdmin):
    """A group gives rights, and who may change it may be in it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:  # noqa: ARG002
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:  # noqa: ARG002
        return request.user.is_superuser
