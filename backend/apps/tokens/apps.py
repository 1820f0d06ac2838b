from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "apps.tokens"
    # Not the original's label "users": the original would delete the content type of this table as stale.
    label = "tokens"
