from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "apps.tokens"
    # Not "users", which is the original's: it would take the content type of this table for a stale one of its own.
    label = "tokens"
