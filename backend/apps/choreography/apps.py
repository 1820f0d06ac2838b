from django.apps import AppConfig


class ChoreographyConfig(AppConfig):
    name = "apps.choreography"
    # The original's label: content types, permissions and grants are then the same rows.
    label = "choreography"

    def ready(self) -> None:
        from config import ended, guard, silence  # noqa: PLC0415  (models must be loaded before the guard lists their tables)

        silence.install()
        ended.install()
        guard.install()
