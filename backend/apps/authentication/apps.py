from django.apps import AppConfig


class AuthenticationConfig(AppConfig):
    name = "apps.authentication"
    # The original's label: content types, permissions and grants are then the same rows.
    label = "users"
