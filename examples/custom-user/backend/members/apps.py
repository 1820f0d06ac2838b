"""The app of the accounts."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    """Another package; the label is the original's, so that content types and permissions are the same rows."""

    name = "members"
    label = "accounts"
