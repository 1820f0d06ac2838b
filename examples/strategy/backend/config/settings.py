"""The API service that takes over."""

import os

SECRET_KEY = os.environ.get("SECRET_KEY", "only for the example, the same in both systems, and long enough")
SESSION_ENGINE = "django.contrib.sessions.backends.db"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "config.urls"
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "apps.authentication",
    "apps.songs",
    "apps.choreography",
    "apps.collections",
    "apps.tokens",
]
AUTH_USER_MODEL = "authentication.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = os.environ.get("MEDIA_ROOT", "media")
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **{name: os.environ.get("DB_" + name, "") for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")},
    }
}
