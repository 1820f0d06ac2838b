from django.apps import AppConfig


class TitlesConfig(AppConfig):
    name = "apps.titles"
    label = "titles"
