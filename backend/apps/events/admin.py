"""Events of accounts, for the staff to read."""

from django.contrib import admin
from django.http import HttpRequest

from apps.events.models import AccountEvent


@admin.register(AccountEvent)
class AccountEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    list_display = ("at", "kind", "account", "address", "detail", "device")
    list_filter = ("kind",)
    search_fields = ("account", "address")
    date_hierarchy = "at"
    show_full_result_count = False  # it would count every row

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002 - Django's signature
        return False
