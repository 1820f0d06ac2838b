from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "apps.tokens"
    # Not the original's label "users": the original would delete the content type of this table as stale.
    label = "tokens"

    def ready(self) -> None:
        from apps.authentication.signals import password_rehashed  # noqa: PLC0415 - models are loaded only now
        from apps.tokens.services import follow_password  # noqa: PLC0415

        password_rehashed.connect(follow_password, dispatch_uid="apps.tokens")
