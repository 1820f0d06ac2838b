from django.apps import AppConfig


class SharingConfig(AppConfig):
    name = "apps.sharing"
    # Not the original's label "choreography": the original would delete the content types of these tables as stale.
    label = "sharing"
