"""Accounts, for the staff. Django brings the groups."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
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


@admin.register(User)
class DancerAdmin(ChangedFieldsOnly, UserAdmin):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    form = ChangeForm
    change_password_form = PasswordForm
    list_display = ("username", "email", "display_name", "is_instructor", "is_staff")
    list_filter = ("is_instructor", *UserAdmin.list_filter)
    search_fields = ("username", "email", "display_name")
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Dancer", {"fields": ["display_name", "is_instructor", "preferences"]}))
