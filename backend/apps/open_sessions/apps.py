from django.apps import AppConfig


class OpenSessionsConfig(AppConfig):
    name = "apps.open_sessions"
    # Not "sessions", which is Django's table that both systems share.
    label = "open_sessions"

    def ready(self) -> None:
        from apps.open_sessions import seen  # noqa: PLC0415 - models are loaded only now

        seen.connect()
