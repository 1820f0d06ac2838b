"""Accounts, for the staff. Django brings the groups."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm

from apps.authentication.models import User
from config.staff import ChangedFieldsOnly


class ChangeForm(UserChangeForm):
    preferences = forms.JSONField(required=False)

    def clean_preferences(self) -> Any:
        """Take an empty field for no preferences: the column takes no NULL."""
        return self.cleaned_data["preferences"] or {}


class PasswordForm(AdminPasswordChangeForm):
    def save(self, commit: bool = True) -> User:  # noqa: FBT001 - Django's signature
        user = super().save(commit=False)
        if commit:
            user.save(update_fields=["password"])
        return user


@admin.register(User)
class DancerAdmin(ChangedFieldsOnly, UserAdmin):
    form = ChangeForm
    change_password_form = PasswordForm
    list_display = ("username", "email", "display_name", "is_instructor", "is_staff")
    list_filter = ("is_instructor", *UserAdmin.list_filter)
    search_fields = ("username", "email", "display_name")
    fieldsets = (*UserAdmin.fieldsets, ("Dancer", {"fields": ["display_name", "is_instructor", "preferences"]}))
