from django.apps import AppConfig


class LoginsConfig(AppConfig):
    name = "apps.logins"
    label = "logins"
