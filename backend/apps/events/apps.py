from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "apps.events"
    label = "events"

    def ready(self) -> None:
        from apps.events import logins  # noqa: PLC0415 - its signals are of models, which are loaded now

        logins.connect()
