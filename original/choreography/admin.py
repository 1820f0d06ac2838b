"""Saved choreographies, for the staff."""

from django.contrib import admin
from django.http import HttpRequest

from choreography.models import SavedChoreography


@admin.register(SavedChoreography)
class SavedChoreographyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Django's class takes no arguments when it runs
    list_display = ["__str__", "user", "difficulty", "duration", "created_at"]
    list_filter = ["difficulty"]
    list_select_related = ["user"]
    search_fields = ["title", "user__username", "user__email"]
    fields = ["user", "title", "difficulty", "duration", "music_info", "generation_parameters", "path", "created_at"]
    # A select would list every user.
    raw_id_fields = ["user"]
    readonly_fields = ["path", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        """Choreographies come from generations only."""
        return False

    @admin.display(description="video path")
    def path(self, choreography: SavedChoreography) -> str | None:
        """Show the path as text: Django would link it to an address that nothing serves."""
        return choreography.video_path.name
