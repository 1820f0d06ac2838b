"""Accounts, for the staff. Django brings the groups."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm

from users.models import User


class ChangeForm(UserChangeForm):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    """Django's, with the preferences."""

    preferences = forms.JSONField(required=False)

    def clean_preferences(self) -> Any:
        """An empty field means no preferences; the column takes no NULL."""
        return self.cleaned_data["preferences"] or {}


@admin.register(User)
class DancerAdmin(UserAdmin):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    form = ChangeForm
    list_display = ["username", "email", "display_name", "is_instructor", "is_staff"]
    list_filter = ["is_instructor", *UserAdmin.list_filter]
    search_fields = ["username", "email", "display_name"]
    fieldsets = [*(UserAdmin.fieldsets or ()), ("Dancer", {"fields": ["display_name", "is_instructor", "preferences"]})]
