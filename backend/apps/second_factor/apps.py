from django.apps import AppConfig


class SecondFactorConfig(AppConfig):
    name = "apps.second_factor"
    label = "second_factor"
