"""Saved choreographies, for the staff."""

from django.contrib import admin
from django.http import HttpRequest

from apps.collections.models import SavedChoreography
from config.staff import ChangedFieldsOnly


@admin.register(SavedChoreography)
class SavedChoreographyAdmin(ChangedFieldsOnly):
    list_display = ("__str__", "user", "difficulty", "duration", "created_at")
    list_filter = ("difficulty",)
    list_select_related = ("user",)
    search_fields = ("title", "user__username", "user__email")
    fields = ("user", "title", "difficulty", "duration", "music_info", "generation_parameters", "path", "created_at")
    raw_id_fields = ("user",)  # a select would list every user
    readonly_fields = ("path", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False  # they come from generations only

    @admin.display(description="video path")
    def path(self, choreography: SavedChoreography) -> str | None:
        # As text: Django would link it to an address that nothing serves.
        return choreography.video_path.name
