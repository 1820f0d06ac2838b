from django.apps import AppConfig


class AuthenticationConfig(AppConfig):
    name = "apps.authentication"
    # The original's label: content types, permissions and grants are then the same rows.
    label = "users"

    def ready(self) -> None:
        from config import cookies  # noqa: PLC0415  (it marks sessions, whose model must be loaded)

        cookies.install()
