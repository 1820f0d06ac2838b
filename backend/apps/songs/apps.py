from django.apps import AppConfig


class SongsConfig(AppConfig):
    name = "apps.songs"
    label = "songs"
